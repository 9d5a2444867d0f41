package share

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/embedded"
)

// countUp adds one to a counter that others may be counting in too.
func countUp(ctx context.Context, w *blockstore.Writer, key string) error {
	_, err := w.Update(ctx, blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
		value, _, err := tx.Get(key)
		n, _ := binary.Uvarint(value)
		tx.Put(key, binary.AppendUvarint(nil, n+1))
		tx.Event(fmt.Sprintf("%s/%d", key, n+1))
		return err
	})
	return err
}

func counted(t testing.TB, s blockstore.Store, key string) uint64 {
	t.Helper()
	value, _, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := binary.Uvarint(value)
	return n
}

// TestHandOver closes one owner after the other while all that are left count together
// and one watches: it sees every number once, in order, and no call fails.
func TestHandOver(t *testing.T) {
	const stores, steps = 4, 150
	p := newPlace(t)
	var counting []*served
	for range stores {
		counting = append(counting, p.open(t))
	}
	watcher := p.open(t)
	defer watcher.Close()
	from, err := watcher.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all errgroup.Group
	sum := uint64(0)
	for i, s := range counting {
		n := steps * (i + 1)
		sum += uint64(n)
		all.Go(func() error {
			if err := countTo(t.Context(), s, n); err != nil {
				return errors.Join(fmt.Errorf("store %d: %w", i, err), s.Close())
			}
			return s.Close()
		})
	}
	all.Go(func() error { return watchCount(t.Context(), watcher, from, sum) })
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := counted(t, watcher, "k"); n != sum {
		t.Errorf("counted to %d, want %d", n, sum)
	}
	if !watcher.isOwner() {
		t.Error("the last one does not own the store")
	}
}

func countTo(ctx context.Context, s blockstore.Store, n int) error {
	w := blockstore.NewWriter(s, blockstore.NewID())
	for range n {
		if err := countUp(ctx, w, "k"); err != nil {
			return err
		}
	}
	return nil
}

// watchCount watches "k" from 1 to n.
func watchCount(ctx context.Context, s blockstore.Store, from blockstore.Cursor, n uint64) error {
	next := uint64(1)
	for e, err := range s.Watch(ctx, from) {
		if err != nil {
			return err
		}
		if want := fmt.Sprint("k/", next); e.Keys[0] != want {
			return fmt.Errorf("event %q, want %q", e.Keys[0], want)
		}
		if next++; next > n {
			return nil
		}
	}
	return errors.New("the watch ended by itself")
}

// TestSeen kills an owner at the moment that a guest has read something of it, and looks
// whether it is still there.
func TestSeen(t *testing.T) {
	reads := map[string]func(t *testing.T, s *Store, from blockstore.Cursor, key string) uint64{
		"get": func(t *testing.T, s *Store, _ blockstore.Cursor, key string) uint64 {
			return counted(t, s, key)
		},
		"scan": func(t *testing.T, s *Store, _ blockstore.Cursor, key string) (n uint64) {
			for r, err := range s.Scan(t.Context(), key, "") {
				if err != nil {
					t.Fatal(err)
				}
				n, _ = binary.Uvarint(r.Value)
			}
			return n
		},
		"watch": func(t *testing.T, s *Store, from blockstore.Cursor, key string) uint64 {
			for e, err := range s.Watch(t.Context(), from) {
				var n uint64
				if _, bad := fmt.Sscanf(e.Keys[0], key+"/%d", &n); err != nil || bad != nil {
					t.Fatal(err, bad)
				}
				return n
			}
			return 0
		},
	}
	for name, read := range reads {
		t.Run(name, func(t *testing.T) { testSeen(t, read) })
	}
}

func testSeen(t *testing.T, read func(*testing.T, *Store, blockstore.Cursor, string) uint64) {
	p := newPlace(t)
	c := p.start(t)
	s := p.open(t)
	defer s.Close()
	from, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key := "count/" + c.segment.String()
	c.feed(t)
	c.advance(t)
	seen := read(t, s.Store, from, key)
	_ = c.Process.Kill()
	<-c.ended
	_ = c.Wait()
	if n := counted(t, s, key); n < seen {
		t.Errorf("read %d, and then the kill left %d", seen, n)
	}
	if !s.isOwner() {
		t.Error("nobody took over")
	}
}

// TestUnserved: a process that does not share the store is named.
func TestUnserved(t *testing.T) {
	p := newPlace(t)
	engine, err := embedded.Open(p.dir, embedded.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	open := func(ctx context.Context, stop func(), want blockstore.Kind) {
		stop()
		if _, err := Open(ctx, p.dir, p.options(testLog(t))); !errors.Is(err, want) {
			t.Errorf("open: %v, want %v", err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	open(ctx, func() { <-ctx.Done() }, blockstore.Locked)
	ctx, cancel = context.WithCancel(t.Context())
	open(ctx, cancel, blockstore.Canceled)
	var g errgroup.Group
	g.Go(engine.Close)
	s := p.open(t) // it waits for that
	if err := errors.Join(g.Wait(), s.Close()); err != nil {
		t.Error(err)
	}
}

// TestGiveUp: who gives up a call that nobody answers hears so.
func TestGiveUp(t *testing.T) {
	p := newPlace(t)
	owner := p.open(t)
	s, err := Open(t.Context(), p.dir, p.options(testLog(t)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { _, _, err := s.Get(ctx, "k"); return err }) // nobody serves it
	cancel()
	if err := g.Wait(); !errors.Is(err, blockstore.Canceled) {
		t.Errorf("get: %v, want %v", err, blockstore.Canceled)
	}
	if err := errors.Join(s.Close(), owner.Close()); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Get(t.Context(), "k"); !errors.Is(err, blockstore.Closed) {
		t.Errorf("get: %v, want %v", err, blockstore.Closed)
	}
}
