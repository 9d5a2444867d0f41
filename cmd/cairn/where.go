package main

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/fusefs"
)

const pathHelp = `PATH is BUCKET/KEY, or the path of a file on a mounted cairn, beginning with /,
~ or a dot, whether or not the file is there.`

// place is what such an argument means.
type place struct {
	path  string // BUCKET/KEY, or "" for none
	shown bool   // as a mount shows it
}

func where(arg string) (place, error) {
	if arg == "" || !strings.ContainsAny(arg[:1], "/.~") {
		return place{path: arg}, nil
	}
	file, err := expand(arg)
	if err != nil {
		return place{}, err
	}
	source, below, ok := fusefs.Source(file)
	bucket, named := strings.CutPrefix(source, "cairn:")
	if !ok || !named {
		return place{}, usagef("%s is not on a mounted cairn: name it BUCKET/KEY", arg)
	}
	return place{path.Join(bucket, below), true}, nil
}

// key is the exact BUCKET/KEY of the place.
func (p place) key(ctx context.Context, vol *namespace.Volume) (string, error) {
	if !p.shown || p.path == "" {
		return p.path, nil
	}
	return vol.KeyOfPath(ctx, p.path)
}

// moments are the ways to write a time, without a zone in local time.
var moments = []string{time.DateTime, "2006-01-02 15:04", time.DateOnly, "2006-01-02T15:04:05", "2006-01-02T15:04"}

// moment reads a time: RFC 3339, "2026-11-23 10:00", or how long ago that was.
func moment(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range moments {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	ago, err := parseSpan(strings.TrimSuffix(strings.TrimSpace(text), " ago"))
	if err != nil || ago < 0 {
		return time.Time{}, fmt.Errorf("%q is no time: write 2026-11-23T10:00:00Z, \"2026-11-23 10:00\" or \"10m ago\"", text)
	}
	return now.Add(-ago), nil
}

// timeText is a time for a table.
func timeText(t namespace.Time) string {
	if t == 0 {
		return "-"
	}
	return t.Time().Local().Format(time.DateTime)
}
