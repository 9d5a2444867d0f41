package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/blockstoretest"
	"github.com/cairnfs/cairn/blockstore/memstore"
)

func TestConformance(t *testing.T) {
	blockstoretest.Suite{
		Open: func(*testing.T) blockstore.Store { return memstore.New() },
		OpenForgetful: func(*testing.T) blockstore.Store {
			return memstore.NewWith(memstore.Options{KeepEvents: 100})
		},
	}.Run(t)
}

func wantKind(t *testing.T, err error, want blockstore.Kind) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func wantFree(t *testing.T, s *memstore.Store, want int64) {
	t.Helper()
	space, err := s.Space(t.Context())
	if err != nil || space.Free != want || space.Available != want || space.Total != 100 {
		t.Errorf("space is %+v, %v, want %d free of 100", space, err, want)
	}
}

// Blocks take room, records don't, so that a full store can still be tidied.
func TestCapacity(t *testing.T) {
	ctx, s := t.Context(), memstore.NewWith(memstore.Options{Capacity: 100})
	seg := blockstore.NewID()
	large := blockstore.BlockID{Segment: seg}
	small := blockstore.BlockID{Segment: seg, Number: blockstore.SmallBit}
	c := &blockstore.Change{
		Session: seg, Seq: 1,
		Blocks: []blockstore.Block{{ID: small, Data: make([]byte, 41)}},
		Writes: []blockstore.Write{{Key: "k", Value: make([]byte, 1000)}},
	}
	for range 2 { // the same block takes its room once
		if err := s.PutBlock(ctx, large, make([]byte, 60)); err != nil {
			t.Fatal(err)
		}
		wantFree(t, s, 40)
	}
	_, err := s.Commit(ctx, c, blockstore.Sync)
	wantKind(t, err, blockstore.NoSpace)
	if _, v, err := s.Get(ctx, "k"); err != nil || !v.IsZero() {
		t.Errorf("the refused change left a record at %v, %v", v, err)
	}
	if err := s.DeleteBlocks(ctx, []blockstore.BlockID{large, large}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(ctx, c, blockstore.Sync); err != nil {
		t.Fatal(err)
	}
	wantFree(t, s, 59)
	wantKind(t, s.PutBlock(ctx, large, make([]byte, 60)), blockstore.NoSpace)
	if err := s.RemoveSegment(ctx, seg, 1, 1); err != nil {
		t.Fatal(err)
	}
	wantFree(t, s, 100)
}

// The reference engine notices what other engines need not.
func TestMisuse(t *testing.T) {
	ctx, s := t.Context(), memstore.New()
	id := blockstore.BlockID{Segment: blockstore.NewID()}
	if err := s.PutBlock(ctx, id, []byte("one")); err != nil {
		t.Fatal(err)
	}
	wantKind(t, s.PutBlock(ctx, id, []byte("two")), blockstore.Invalid)
}

// An addition to a record that is no tally is refused, with the whole change.
func TestAddToNoTally(t *testing.T) {
	ctx, s := t.Context(), memstore.New()
	w := blockstore.NewWriter(s, blockstore.NewID())
	put := func(key string, adds ...string) error {
		_, err := w.Update(ctx, blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
			tx.Put(key, []byte{0x80})
			for _, a := range adds {
				tx.Add(a, 0, blockstore.Sum, 1)
			}
			return nil
		})
		return err
	}
	if err := put("no tally"); err != nil {
		t.Fatal(err)
	}
	wantKind(t, put("other", "tally", "no tally"), blockstore.Corrupt)
	for _, key := range []string{"other", "tally"} {
		if _, v, err := s.Get(ctx, key); err != nil || !v.IsZero() {
			t.Errorf("the refused change left %q at %v, %v", key, v, err)
		}
	}
}

func TestClosed(t *testing.T) {
	ctx, s := t.Context(), memstore.New()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.Get(ctx, "k")
	wantKind(t, err, blockstore.Closed)
	wantKind(t, s.Close(), blockstore.Closed)
	for _, err := range s.Watch(ctx, "0") {
		wantKind(t, err, blockstore.Closed)
	}
}

// BenchmarkStep is one small operation of a door: read, write, list.
func BenchmarkStep(b *testing.B) {
	s := memstore.New()
	w := blockstore.NewWriter(s, blockstore.NewID())
	for i := 0; b.Loop(); i++ {
		dir := fmt.Sprintf("dir%03d/", i%500)
		if err := step(b.Context(), s, w, dir, fmt.Sprint(i%7919)); err != nil {
			b.Fatal(err)
		}
	}
}

func step(ctx context.Context, s *memstore.Store, w *blockstore.Writer, dir, name string) error {
	for _, err := range s.Scan(ctx, dir, "") {
		if err != nil {
			return err
		}
	}
	_, err := w.Update(ctx, blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
		_, _, err := tx.Get(dir + name)
		tx.Put(dir+name, make([]byte, 200))
		tx.Add(dir, 0, blockstore.Sum, 1)
		tx.Event(dir)
		return err
	})
	return err
}
