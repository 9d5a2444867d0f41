package blockstoretest

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
)

var raceProperties = []property{
	{"RaceUpdate", testRaceUpdate},
	{"RaceCreate", testRaceCreate},
	{"RaceWriteSkew", testRaceWriteSkew},
	{"RaceEmpty", testRaceEmpty},
	{"RaceAdds", testRaceAdds},
	{"RaceHalfChange", testRaceHalfChange},
}

// atOnce runs n writers, each under a session of its own.
func atOnce(h *harness, n int, fn func(i int, w *blockstore.Writer) error) {
	h.Helper()
	var g errgroup.Group
	for i := range n {
		w := blockstore.NewWriter(h.store, blockstore.NewID())
		g.Go(func() error { return fn(i, w) })
	}
	h.ok(g.Wait())
}

// number reads a record that holds a decimal number, 0 if it is absent.
func number(get func(string) ([]byte, blockstore.Version, error), key string) (int, error) {
	value, v, err := get(key)
	if err != nil || v.IsZero() {
		return 0, err
	}
	return strconv.Atoi(string(value))
}

// increment adds one to a number by reading and writing it.
func increment(tx *blockstore.Tx, key string) error {
	n, err := number(tx.Get, key)
	tx.Put(key, []byte(strconv.Itoa(n+1)))
	return err
}

// storedNumber is number in a test's own goroutine.
func (h *harness) storedNumber(key string) int {
	h.Helper()
	n, err := number(func(key string) ([]byte, blockstore.Version, error) { return h.store.Get(h.ctx, key) }, key)
	h.ok(err)
	return n
}

// No update is lost.
func testRaceUpdate(h *harness) {
	const writers, updates = 8, 25
	atOnce(h, writers, func(i int, w *blockstore.Writer) error {
		for range updates {
			_, err := w.Update(h.ctx, blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
				return errors.Join(increment(tx, "shared"), increment(tx, fmt.Sprint("own", i)))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if n := h.storedNumber("shared"); n != writers*updates {
		h.Fatalf("%d updates are there, want %d", n, writers*updates)
	}
	for i := range writers {
		if n := h.storedNumber(fmt.Sprint("own", i)); n != updates {
			h.Fatalf("writer %d has %d updates, want %d", i, n, updates)
		}
	}
}

// Of those who create one name exactly one succeeds, and its content stands.
func testRaceCreate(h *harness) {
	for round := range 20 {
		key := fmt.Sprint("name", round)
		var winner atomic.Int32
		atOnce(h, 8, func(i int, w *blockstore.Writer) error {
			c := blockstore.Change{
				Session: w.Session(), Seq: 1,
				Guards: []blockstore.Guard{{Key: key}},
				Writes: []blockstore.Write{write(key, strconv.Itoa(i+1))},
			}
			_, err := h.store.Commit(h.ctx, &c, blockstore.Durability(round%8/7))
			if blockstore.KindOf(err) == blockstore.Conflict {
				return nil
			}
			if err == nil && !winner.CompareAndSwap(0, int32(i+1)) {
				return fmt.Errorf("both %d and %d created %q", i+1, winner.Load(), key)
			}
			return err
		})
		if n := h.storedNumber(key); n == 0 || n != int(winner.Load()) {
			h.Fatalf("%q is of writer %d, the winner was %d", key, n, winner.Load())
		}
	}
}

// A guard on a record that is only read counts as much as one on a record that
// is written: of two records one stays, if each goes only while the other is there.
func testRaceWriteSkew(h *harness) {
	for range 50 {
		h.put("on0", "1")
		h.put("on1", "1")
		atOnce(h, 2, func(i int, w *blockstore.Writer) error {
			mine, other := fmt.Sprint("on", i), fmt.Sprint("on", 1-i)
			_, err := w.Update(h.ctx, blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
				n, err := number(tx.Get, other)
				if n == 1 {
					tx.Delete(mine)
				}
				return err
			})
			return err
		})
		if n := h.storedNumber("on0") + h.storedNumber("on1"); n != 1 {
			h.Fatalf("%d of two records are left, want 1", n)
		}
	}
}

// A directory that is removed because it is empty does not get an entry.
func testRaceEmpty(h *harness) {
	for range 50 {
		h.put("dir", "")
		atOnce(h, 2, func(i int, w *blockstore.Writer) error {
			c := blockstore.Change{Session: w.Session(), Seq: 1}
			_, dir, err := h.store.Get(h.ctx, "dir")
			if err != nil || dir.IsZero() {
				return err
			}
			c.Guards = []blockstore.Guard{{Key: "dir", Version: dir}}
			if i == 0 {
				c.Writes = []blockstore.Write{write("dir/entry", "")}
			} else {
				c.Guards = append(c.Guards, blockstore.Guard{Key: "dir/", Empty: true})
				c.Writes = []blockstore.Write{{Key: "dir"}}
			}
			if _, err := h.store.Commit(h.ctx, &c, blockstore.Lazy); blockstore.KindOf(err) != blockstore.Conflict {
				return err
			}
			return nil
		})
		_, dir := h.get("dir")
		_, entry := h.get("dir/entry")
		if dir.IsZero() != entry.IsZero() {
			h.Fatalf("directory at %v, entry at %v: want both or none", dir, entry)
		}
		h.delete("dir/entry")
	}
}

// Additions need no guard, so none is refused, and none is lost.
func testRaceAdds(h *harness) {
	const writers, adds = 8, 50
	atOnce(h, writers, func(i int, w *blockstore.Writer) error {
		for seq := range uint64(adds) {
			_, err := h.store.Commit(h.ctx, &blockstore.Change{
				Session: w.Session(), Seq: seq + 1,
				Adds: []blockstore.Add{
					{Key: "t", Field: 0, Op: blockstore.Sum, Value: int64(i) - 3},
					{Key: "t", Field: 1, Op: blockstore.Max, Value: int64(i) * int64(seq)},
					{Key: "t", Field: 2, Op: blockstore.Sum, Value: 1},
				},
			}, blockstore.Lazy)
			if err != nil {
				return err
			}
		}
		return nil
	})
	want := blockstore.Tally{adds * (writers*(writers-1)/2 - 3*writers), (writers - 1) * (adds - 1), writers * adds}
	got := h.tally("t")
	for f := range want {
		if got.Field(uint8(f)) != want[f] {
			h.Fatalf("tally is %v, want %v", got, want)
		}
	}
}

// Nobody sees one write of a change and then misses another.
func testRaceHalfChange(h *harness) {
	var done atomic.Bool
	atOnce(h, 3, func(i int, w *blockstore.Writer) error {
		switch i {
		case 0:
			defer done.Store(true)
			return countBoth(h, w, 200)
		case 1:
			return neverBehind(h, "a", "b", &done)
		default:
			return neverBehind(h, "b", "a", &done)
		}
	})
}

// neverBehind reads two numbers until it is done; the second is never less.
func neverBehind(h *harness, first, second string, done *atomic.Bool) error {
	get := func(key string) ([]byte, blockstore.Version, error) { return h.store.Get(h.ctx, key) }
	for !done.Load() {
		n, errN := number(get, first)
		m, errM := number(get, second)
		if err := errors.Join(errN, errM); err != nil {
			return err
		}
		if m < n {
			return fmt.Errorf("%s was %d, then %s was still %d", first, n, second, m)
		}
	}
	return nil
}

func countBoth(h *harness, w *blockstore.Writer, n int) error {
	for range n {
		_, err := w.Update(h.ctx, blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
			return errors.Join(increment(tx, "a"), increment(tx, "b"))
		})
		if err != nil {
			return err
		}
	}
	return nil
}
