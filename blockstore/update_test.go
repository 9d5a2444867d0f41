package blockstore_test

import (
	"context"
	"errors"
	"fmt"
	"go/build"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/faultstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
)

var door = blockstore.NewID()

// recorded is a writer on a fresh store, and all changes that it commits.
func recorded() (*blockstore.Writer, *faultstore.Store, *[]blockstore.Change) {
	changes := new([]blockstore.Change)
	s := faultstore.New(memstore.New(), func(op faultstore.Op) faultstore.Fault {
		if op.Call == faultstore.Commit {
			*changes = append(*changes, *op.Change)
		}
		return faultstore.Fault{}
	})
	return blockstore.NewWriter(s, blockstore.NewID()), s, changes
}

func update(t *testing.T, w *blockstore.Writer, fn func(tx *blockstore.Tx) error) blockstore.Version {
	t.Helper()
	v, err := w.Update(t.Context(), door, blockstore.Lazy, fn)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A Tx writes what a map would hold in the end, in the order of first writes,
// however few or many they are.
func TestTxWrites(t *testing.T) {
	w, _, changes := recorded()
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var order []string
		want := map[string]string{}
		update(t, w, func(tx *blockstore.Tx) error {
			for range 1 + rng.IntN(100) {
				key, value := fmt.Sprint("k", rng.IntN(60)), fmt.Sprint("v", rng.Int())
				if _, twice := want[key]; !twice {
					order = append(order, key)
				}
				if want[key] = value; rng.IntN(3) == 0 {
					want[key] = ""
					tx.Delete(key)
				} else {
					tx.Put(key, []byte(value))
				}
			}
			return nil
		})
		c := (*changes)[len(*changes)-1]
		if len(c.Writes) != len(order) || c.Origin != door || c.Session != w.Session() || c.Seq != seed+1 {
			t.Fatalf("seed %d: %d writes of change %d, want %d of change %d", seed, len(c.Writes), c.Seq, len(order), seed+1)
		}
		for i, wr := range c.Writes {
			if wr.Key != order[i] || string(wr.Value) != want[wr.Key] || (wr.Value == nil) != (want[wr.Key] == "") {
				t.Fatalf("seed %d: write %d is %q = %q, want %q = %q", seed, i, wr.Key, wr.Value, order[i], want[order[i]])
			}
		}
	}
}

// What a Tx gathers is what the store is asked for.
func TestTxGathers(t *testing.T) {
	w, _, changes := recorded()
	seg := blockstore.NewID()
	small := blockstore.BlockID{Segment: seg, Number: blockstore.SmallBit}
	seen := blockstore.Version{}
	for range 2 {
		seen = update(t, w, func(tx *blockstore.Tx) error {
			for range 2 {
				if _, v, err := tx.Get("got"); err != nil || v != seen {
					return fmt.Errorf("got %v (%w), want %v", v, err, seen)
				}
			}
			tx.Put("got", nil)
			if _, v, err := tx.Peek("peeked"); err != nil || !v.IsZero() {
				return fmt.Errorf("peeked at %v: %w", v, err)
			}
			tx.Empty("dir/")
			tx.Add("tally", 1, blockstore.Max, 7)
			tx.Block(small, []byte("b"))
			tx.Need(seg)
			tx.Event("got")
			_, v, err := tx.Get("got") // as it is stored, not as it was put
			if v != seen {
				return fmt.Errorf("after a put got %v, want %v", v, seen)
			}
			return err
		})
	}
	c := (*changes)[1]
	before := (*changes)[0].Guards
	if len(before) != 2 || len(c.Guards) != 2 || c.Guards[0].Key != "got" || c.Guards[0].Version.IsZero() ||
		c.Guards[1] != (blockstore.Guard{Key: "dir/", Empty: true}) {
		t.Errorf("guards are %+v, then %+v", before, c.Guards)
	}
	if len(c.Writes) != 1 || c.Writes[0].Value == nil || len(c.Writes[0].Value) != 0 {
		t.Errorf("writes are %+v, want an empty value that is not nil", c.Writes)
	}
	if !slices.Equal(c.Adds, []blockstore.Add{{Key: "tally", Field: 1, Op: blockstore.Max, Value: 7}}) ||
		len(c.Blocks) != 1 || c.Blocks[0].ID != small ||
		!slices.Equal(c.Needs, []blockstore.SegmentID{seg}) || !slices.Equal(c.Events, []string{"got"}) {
		t.Errorf("change is %+v", c)
	}
}

// A lost race runs the function again, with a fresh Tx under a fresh name.
func TestUpdateRetries(t *testing.T) {
	w, s, changes := recorded()
	rival := blockstore.NewWriter(s, blockstore.NewID())
	runs := 0
	update(t, w, func(tx *blockstore.Tx) error {
		runs++
		if _, _, err := tx.Get("k"); err != nil {
			return err
		}
		if runs <= 5 {
			if _, err := rival.Update(tx.Context(), door, blockstore.Lazy, func(tx *blockstore.Tx) error {
				tx.Put("k", []byte("rival"))
				return nil
			}); err != nil {
				return err
			}
			tx.Put(fmt.Sprint("of run ", runs), nil)
		}
		tx.Put("k", []byte("mine"))
		return nil
	})
	mine := slices.DeleteFunc(*changes, func(c blockstore.Change) bool { return c.Session != w.Session() })
	if runs != 6 || len(mine) != 6 {
		t.Fatalf("%d runs and %d changes, want 6", runs, len(mine))
	}
	for i, c := range mine {
		if c.Seq != uint64(i+1) || len(c.Guards) != 1 {
			t.Errorf("attempt %d is change %d with guards %v", i, c.Seq, c.Guards)
		}
	}
	for r, err := range s.Scan(t.Context(), "", "") {
		if err != nil || r.Key != "k" || string(r.Value) != "mine" {
			t.Errorf("there is %q = %q, %v", r.Key, r.Value, err)
		}
	}
}

// Reads that don't fit together are never committed on: the function runs again.
func TestUpdateTornReads(t *testing.T) {
	w, _, _ := recorded()
	runs := 0
	update(t, w, func(tx *blockstore.Tx) error {
		runs++
		if _, _, err := tx.Get("k"); err != nil {
			return err
		}
		if runs == 1 {
			update(t, w, func(tx *blockstore.Tx) error { tx.Put("k", nil); return nil })
		}
		if _, _, err := tx.Get("k"); err != nil {
			return err
		}
		tx.Put("other", nil)
		return nil
	})
	if runs != 2 {
		t.Errorf("%d runs, want 2", runs)
	}
}

// A function that fails, or writes nothing, commits nothing.
func TestUpdateWithoutCommit(t *testing.T) {
	w, _, changes := recorded()
	failure := errors.New("of the function")
	for _, want := range []error{nil, failure} {
		v, err := w.Update(t.Context(), door, blockstore.Sync, func(tx *blockstore.Tx) error {
			if want != nil {
				tx.Put("k", nil)
			}
			_, _, err := tx.Get("k")
			return errors.Join(err, want)
		})
		if !errors.Is(err, want) || !v.IsZero() || len(*changes) != 0 {
			t.Errorf("update returned %v, %v and committed %d changes, want %v", v, err, len(*changes), want)
		}
	}
}

// Giving up ends the retries of a lost race as Canceled, those of a lost reply
// as Unknown: it may have happened.
func TestUpdateGivenUp(t *testing.T) {
	for _, kind := range []blockstore.Kind{blockstore.Conflict, blockstore.Unknown} {
		for attempts := 3; attempts < 6; attempts++ {
			ctx, cancel := context.WithCancel(t.Context())
			s := faultstore.New(memstore.New(), func(op faultstore.Op) faultstore.Fault {
				if op.N == attempts {
					cancel()
				}
				return faultstore.Fault{Err: kind}
			})
			w := blockstore.NewWriter(s, blockstore.NewID())
			_, err := w.Update(ctx, door, blockstore.Lazy, func(tx *blockstore.Tx) error { tx.Put("k", nil); return nil })
			cancel()
			want := map[blockstore.Kind]blockstore.Kind{
				blockstore.Conflict: blockstore.Canceled, blockstore.Unknown: blockstore.Unknown,
			}[kind]
			if !errors.Is(err, want) {
				t.Errorf("given up in attempt %d after %v: %v, want %v", attempts, kind, err, want)
			}
		}
	}
}

// The contract imports the standard library only.
func TestImports(t *testing.T) {
	pkg, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range pkg.Imports {
		if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
			t.Errorf("blockstore imports %s", path)
		}
	}
}

// What is Stale after something that was read has changed was never so, and is
// tried again; otherwise it is the answer.
func TestUpdateStale(t *testing.T) {
	w, _, _ := recorded()
	put := func(value string) {
		update(t, w, func(tx *blockstore.Tx) error { tx.Put("k", []byte(value)); return nil })
	}
	stale := blockstore.E("read", "", blockstore.Stale, nil)
	runs := 0
	update(t, w, func(tx *blockstore.Tx) error {
		if _, _, err := tx.Get("k"); err != nil {
			return err
		}
		if runs++; runs < 3 {
			put(fmt.Sprint(runs))
			return stale
		}
		tx.Put("other", nil)
		return nil
	})
	_, err := w.Update(t.Context(), door, blockstore.Lazy, func(tx *blockstore.Tx) error {
		runs++
		_, _, err := tx.Get("k")
		return errors.Join(err, stale)
	})
	if runs != 4 || !errors.Is(err, blockstore.Stale) {
		t.Errorf("%d runs, %v", runs, err)
	}
}

// A record that is deleted has nothing added to it.
func TestTxDeleteAfterAdd(t *testing.T) {
	w, _, changes := recorded()
	update(t, w, func(tx *blockstore.Tx) error {
		tx.Add("k", 0, blockstore.Sum, 1)
		tx.Add("other", 0, blockstore.Sum, 1)
		tx.Put("k2", []byte("v"))
		tx.Delete("k")
		if v, written := tx.Pending("k"); v != nil || !written {
			t.Errorf("pending %q, %v", v, written)
		}
		if v, written := tx.Pending("k2"); string(v) != "v" || !written {
			t.Errorf("pending %q, %v", v, written)
		}
		if _, written := tx.Pending("other"); written {
			t.Error("an addition is pending as a write")
		}
		return nil
	})
	if c := (*changes)[0]; len(c.Adds) != 1 || c.Adds[0].Key != "other" {
		t.Errorf("%+v", c.Adds)
	}
}
