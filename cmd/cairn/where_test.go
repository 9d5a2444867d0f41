package main

import (
	"testing"
	"time"
)

// TestMoment: what people write for a time.
func TestMoment(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 30, 0, 0, time.Local)
	for text, want := range map[string]time.Time{
		"2026-11-23T10:00:00Z":      time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
		"2026-11-23T10:00:00+02:00": time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC),
		"2026-11-23 10:00":          time.Date(2026, 11, 23, 10, 0, 0, 0, time.Local),
		"2026-11-23 10:00:05":       time.Date(2026, 11, 23, 10, 0, 5, 0, time.Local),
		"2026-11-23":                time.Date(2026, 11, 23, 0, 0, 0, 0, time.Local),
		"10m ago":                   now.Add(-10 * time.Minute),
		"90s":                       now.Add(-90 * time.Second),
		"3d":                        now.AddDate(0, 0, -3),
	} {
		if got, err := moment(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is read as %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "-10m", "2026-13-01", "ago"} {
		if got, err := moment(text, now); err == nil {
			t.Errorf("%q is taken for the time %v", text, got)
		}
	}
}

// TestWhere: BUCKET/KEY is taken as it is, whatever the key has in it; a path of a
// file must be on a mount.
func TestWhere(t *testing.T) {
	for _, arg := range []string{"home/notes.txt", "home//a/./..", "home"} {
		if got, err := where(arg); err != nil || got != (place{path: arg}) {
			t.Errorf("%q is read as %v, %v", arg, got, err)
		}
	}
	for _, arg := range []string{"/", "~/notes.txt", "./notes.txt", t.TempDir() + "/f"} {
		if got, err := where(arg); err == nil {
			t.Errorf("%q is taken for %v", arg, got)
		}
	}
}
