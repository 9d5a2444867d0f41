package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// units of sizes, largest first.
var units = []struct {
	suffix string
	bytes  int64
}{{"T", 1 << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}}

// size is a number of bytes as users write it: 4096, 64K, 512MiB, 2G.
type size int64

// Set parses a size; it makes *size a flag.
func (s *size) Set(text string) error {
	t := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(text), "B"), "I")
	scale := int64(1)
	for _, u := range units {
		if number, ok := strings.CutSuffix(t, u.suffix); ok {
			t, scale = number, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(t, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/scale {
		return fmt.Errorf("size %q: want a number of bytes such as 4096, 64K or 2GiB", text)
	}
	*s = size(n * scale)
	return nil
}

// Type names the flag's value in help texts.
func (s *size) Type() string { return "size" }

// String is exact, in the largest unit that divides the size.
func (s *size) String() string {
	for _, u := range units {
		if n := int64(*s); n != 0 && n%u.bytes == 0 {
			return fmt.Sprintf("%d%siB", n/u.bytes, u.suffix)
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

// human is a size rounded for reading.
func human(n int64) string {
	for _, u := range units {
		if n >= u.bytes {
			return fmt.Sprintf("%.1f %siB", float64(n)/float64(u.bytes), u.suffix)
		}
	}
	return fmt.Sprintf("%d B", n)
}

// parseSpan reads a duration as time.ParseDuration does, and days as 7d.
func parseSpan(text string) (time.Duration, error) {
	days, ok := strings.CutSuffix(text, "d")
	if !ok {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number of days", text)
	}
	return time.Duration(n) * 24 * time.Hour, nil
}
