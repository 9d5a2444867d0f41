package faultstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/blockstoretest"
	"github.com/cairnfs/cairn/blockstore/faultstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
)

// A store with faults that the contract allows is still one.
func TestConformance(t *testing.T) {
	for name, hook := range map[string]faultstore.Hook{
		"NoFaults":   nil,
		"ShortReads": faultstore.On(faultstore.GetBlock, faultstore.Fault{Short: true}),
		"Slow":       faultstore.Random(1, faultstore.Rates{Short: 0.5, Delay: time.Microsecond}),
	} {
		t.Run(name, func(t *testing.T) {
			blockstoretest.Suite{
				Open: func(*testing.T) blockstore.Store { return faultstore.New(memstore.New(), hook) },
				OpenForgetful: func(*testing.T) blockstore.Store {
					return faultstore.New(memstore.NewWith(memstore.Options{KeepEvents: 100}), hook)
				},
			}.Run(t)
		})
	}
}

// count adds one to a record by reading and writing it, and one to a tally.
func count(tx *blockstore.Tx) error {
	value, _, err := tx.Get("count")
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(string(value))
	tx.Put("count", []byte(strconv.Itoa(n+1)))
	tx.Add("tally", 0, blockstore.Sum, 1)
	tx.Event("count")
	return nil
}

// counted is how often count was done, which record, tally and feed agree on.
func counted(t *testing.T, s *faultstore.Store) int {
	t.Helper()
	s.Set(nil)
	value, _, err := s.Get(t.Context(), "count")
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(string(value))
	value, _, err = s.Get(t.Context(), "tally")
	if err != nil {
		t.Fatal(err)
	}
	if tally, err := blockstore.DecodeTally(value); err != nil || tally.Field(0) != int64(n) {
		t.Fatalf("tally %v (%v) of %d", tally, err, n)
	}
	return n
}

// However many replies are lost, an Update that succeeds was done once. One
// that fails was not done, unless an Unknown came before its last error.
func TestUpdateExactlyOnce(t *testing.T) {
	for _, rates := range []faultstore.Rates{
		{Unknown: 0.5},
		{Unavailable: 0.2},
		{Unknown: 0.3, Corrupt: 0.1, Delay: 100 * time.Microsecond},
		{Unknown: 0.3, Unavailable: 0.1},
	} {
		t.Run(fmt.Sprintf("%+v", rates), func(t *testing.T) {
			s := faultstore.New(memstore.New(), faultstore.Random(1, rates))
			var done, failed atomic.Int64
			var g errgroup.Group
			for range 4 {
				w := blockstore.NewWriter(s, blockstore.NewID())
				g.Go(func() error { return countOften(t.Context(), w, &done, &failed) })
			}
			if err := g.Wait(); err != nil {
				t.Fatal(err)
			}
			least, most := int(done.Load()), int(done.Load())
			if rates.Unknown > 0 && rates.Unavailable > 0 {
				most += int(failed.Load())
			}
			if n := counted(t, s); n == 0 || n < least || n > most {
				t.Fatalf("%d updates were done, %d succeeded and %d failed", n, done.Load(), failed.Load())
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// countOften counts 50 times, and how often that succeeded and failed.
func countOften(ctx context.Context, w *blockstore.Writer, done, failed *atomic.Int64) error {
	for range 50 {
		_, err := w.Update(ctx, blockstore.ID{}, blockstore.Lazy, count)
		switch blockstore.KindOf(err) {
		case blockstore.Unavailable, blockstore.Corrupt, blockstore.Unknown:
			failed.Add(1)
		default:
			if err != nil {
				return err
			}
			done.Add(1)
		}
	}
	return nil
}

// An Update that is interrupted at any one call is done or not, never half.
func TestUpdateInterruptedAnywhere(t *testing.T) {
	for _, f := range []faultstore.Fault{
		{Err: blockstore.Unavailable}, {Err: blockstore.NoSpace}, {Err: blockstore.Unknown}, {Lost: true},
	} {
		s := faultstore.New(memstore.New(), nil)
		w := blockstore.NewWriter(s, blockstore.NewID())
		want, calls := 0, 0
		for n := 1; ; n++ {
			s.Set(func(op faultstore.Op) faultstore.Fault { calls = op.N; return faultstore.Nth(n, f)(op) })
			_, err := w.Update(t.Context(), blockstore.ID{}, blockstore.Sync, count)
			if err == nil {
				want++
			}
			if got := counted(t, s); got != want {
				t.Fatalf("%+v at call %d (%v): done %d times, want %d", f, n, err, got, want)
			}
			if calls < n {
				break
			}
		}
	}
}

func TestNoSpace(t *testing.T) {
	s := faultstore.New(memstore.New(), faultstore.Random(7, faultstore.Rates{NoSpace: 1}))
	id := blockstore.BlockID{Segment: blockstore.NewID()}
	if err := s.PutBlock(t.Context(), id, []byte("x")); !errors.Is(err, blockstore.NoSpace) {
		t.Errorf("put block: %v", err)
	}
	small := blockstore.BlockID{Segment: id.Segment, Number: blockstore.SmallBit}
	w := blockstore.NewWriter(s, blockstore.NewID())
	for _, withBlock := range []bool{true, false} {
		_, err := w.Update(t.Context(), blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
			tx.Put("k", nil)
			if withBlock {
				tx.Block(small, []byte("x"))
			}
			return nil
		})
		if errors.Is(err, blockstore.NoSpace) != withBlock {
			t.Errorf("commit with block %v: %v", withBlock, err)
		}
	}
	s.Set(nil)
	for _, id := range []blockstore.BlockID{id, small} {
		if _, err := s.GetBlock(t.Context(), id, 0, 1); !errors.Is(err, blockstore.NotFound) {
			t.Errorf("get block %v that had no space: %v", id, err)
		}
	}
}

func TestCorruptAndShort(t *testing.T) {
	s := faultstore.New(memstore.New(), nil)
	id := blockstore.BlockID{Segment: blockstore.NewID()}
	data := bytes.Repeat([]byte("ab"), blockstore.Granule)
	if err := s.PutBlock(t.Context(), id, data); err != nil {
		t.Fatal(err)
	}
	s.Set(faultstore.On(faultstore.GetBlock, faultstore.Fault{Err: blockstore.Corrupt}))
	if got, err := s.GetBlock(t.Context(), id, 0, 10); got != nil || !errors.Is(err, blockstore.Corrupt) {
		t.Errorf("corrupt read returned %d bytes, %v", len(got), err)
	}
	s.Set(faultstore.On(faultstore.GetBlock, faultstore.Fault{Short: true}))
	got, err := s.GetBlock(t.Context(), id, 10, len(data))
	if err != nil || !bytes.Equal(got, data[10:blockstore.Granule]) {
		t.Errorf("short read returned %d bytes, %v", len(got), err)
	}
}

// An iteration fails after the items that it was to yield.
func TestIterationFails(t *testing.T) {
	s := faultstore.New(memstore.New(), nil)
	w := blockstore.NewWriter(s, blockstore.NewID())
	for i := range 5 {
		_, err := w.Update(t.Context(), blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
			tx.Put(fmt.Sprint("k", i), nil)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for items := range 7 {
		s.Set(faultstore.On(faultstore.Scan, faultstore.Fault{Err: blockstore.Unavailable, Items: items}))
		n := 0
		var last error
		for _, err := range s.Scan(t.Context(), "k", "") {
			if last = err; err == nil {
				n++
			}
		}
		if n != min(items, 5) || !errors.Is(last, blockstore.Unavailable) {
			t.Errorf("scan yielded %d records and %v, want %d and an error", n, last, items)
		}
	}
}

// A delay ends with the caller's context, and the call is not made.
func TestDelayCanceled(t *testing.T) {
	s := faultstore.New(memstore.New(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	s.Set(func(faultstore.Op) faultstore.Fault {
		cancel()
		return faultstore.Fault{Delay: time.Hour}
	})
	w := blockstore.NewWriter(s, blockstore.NewID())
	_, err := w.Update(ctx, blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
		tx.Put("k", nil)
		return nil
	})
	if !errors.Is(err, blockstore.Canceled) {
		t.Errorf("delayed commit: %v, want %v", err, blockstore.Canceled)
	}
	s.Set(nil)
	if _, v, err := s.Get(t.Context(), "k"); err != nil || !v.IsZero() {
		t.Errorf("the canceled commit was done: %v, %v", v, err)
	}
}
