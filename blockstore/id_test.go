package blockstore_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// An ID is fresh, a version 7 UUID, and tells when it was made.
func TestNewID(t *testing.T) {
	seen := map[blockstore.ID]bool{}
	for range 10_000 {
		before := time.Now().Truncate(time.Millisecond)
		id := blockstore.NewID()
		after := time.Now()
		if seen[id] || id.IsZero() {
			t.Fatalf("%v is not fresh", id)
		}
		seen[id] = true
		if id[6]>>4 != 7 || id[8]>>6 != 0b10 {
			t.Fatalf("%v is no UUID of version 7", id)
		}
		if at := id.Time(); at.Before(before) || at.After(after) {
			t.Fatalf("%v was made at %v, it says at %v", id, before, at)
		}
		first, next := blockstore.FirstIDAt(id.Time()), blockstore.FirstIDAt(id.Time().Add(time.Millisecond))
		if bytes.Compare(first[:], id[:]) > 0 || bytes.Compare(id[:], next[:]) >= 0 {
			t.Fatalf("%v is not between the first of its millisecond, %v, and of the next, %v", id, first, next)
		}
	}
}

func TestParseID(t *testing.T) {
	id := blockstore.NewID()
	if got, err := blockstore.ParseID(id.String()); err != nil || got != id {
		t.Errorf("%v came back as %v, %v", id, got, err)
	}
	for _, s := range []string{"", "0", strings.Repeat("0", 31), strings.Repeat("0", 33), strings.Repeat("x", 32)} {
		if got, err := blockstore.ParseID(s); err == nil || !got.IsZero() {
			t.Errorf("%q is parsed as %v, %v", s, got, err)
		}
	}
}

// Block numbers order within a segment, small blocks last.
func TestBlockIDOrder(t *testing.T) {
	var sorted []blockstore.BlockID
	for _, seg := range []blockstore.SegmentID{{}, {15: 1}, {14: 1}, {0: 255}} {
		for _, n := range []uint32{0, 1, 256, blockstore.SmallBit - 1, blockstore.SmallBit, blockstore.SmallBit | 1} {
			sorted = append(sorted, blockstore.BlockID{Segment: seg, Number: n})
		}
	}
	if !slices.IsSortedFunc(sorted, blockstore.BlockID.Compare) {
		t.Error("blocks are not in the order of segment and number")
	}
	names := map[string]bool{}
	for i, b := range sorted {
		if b.Small() != (i%6 >= 4) {
			t.Errorf("small is %v for %v", b.Small(), b)
		}
		names[b.String()] = true
	}
	if len(names) != len(sorted) || !names[strings.Repeat("0", 32)+"/s1"] {
		t.Errorf("%d names for %d blocks: %v", len(names), len(sorted), names)
	}
}
