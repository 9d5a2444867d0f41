package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestSizeReadsWhatItWrites, and what users write.
func TestSizeReadsWhatItWrites(t *testing.T) {
	for range 1000 {
		want := size(rand.Int64N(1<<20) << (10 * rand.IntN(5)))
		var got size
		if err := got.Set(want.String()); err != nil || got != want {
			t.Fatalf("%d is written %s and read %d, %v", int64(want), &want, int64(got), err)
		}
	}
	for text, want := range map[string]size{"0": 0, "64K": 64 << 10, "64kb": 64 << 10, "2GiB": 2 << 30, "1t": 1 << 40, "7B": 7} {
		var got size
		if err := got.Set(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "K", "-1", "1.5G", "lots", "99999999999T", "1X"} {
		if err := new(size).Set(text); err == nil {
			t.Errorf("%q is taken for a size", text)
		}
	}
}

func TestSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{"7d": 7 * 24 * time.Hour, "90s": 90 * time.Second, "0s": 0} {
		if got, err := parseSpan(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "-1d", "soon", "99999999d"} {
		if _, err := parseSpan(text); err == nil {
			t.Errorf("%q is taken for a time", text)
		}
	}
}
