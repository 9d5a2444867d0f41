package namespace_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/faultstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// TestSharingRaces clones, overwrites, changes in place, removes, uploads and
// collects at once. All bytes of a file are the same ones, whichever of its
// states is read; in the end nothing is left.
func TestSharingRaces(t *testing.T) {
	defer namespace.SmallDrafts()()
	store := memstore.New()
	s, err := namespacetest.Begin(store, smallBlocks, namespace.Options{
		Exclusive: true, FlushEvery: time.Hour, CollectEvery: time.Millisecond,
	})
	must(t, err)
	work := []func(*racer) error{
		(*racer).put, (*racer).clone, (*racer).clone, (*racer).change, (*racer).remove, (*racer).read, (*racer).upload,
	}
	var wg sync.WaitGroup
	for i, do := range work {
		r := &racer{s.NewDoor(), rand.New(rand.NewPCG(*firstSeed, uint64(i)))}
		wg.Go(func() {
			for range 150 {
				err := do(r)
				switch blockstore.KindOf(err) {
				case blockstore.NotFound, blockstore.Stale:
					continue // somebody was faster
				}
				if err != nil {
					t.Errorf("worker %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	must(t, s.Check())
	must(t, namespacetest.Clear(s, "."))
	empty(t, store, s)
	must(t, s.End())
}

type racer struct {
	namespacetest.Direct
	rng *rand.Rand
}

func (r *racer) name() string { return string('a' + rune(r.rng.IntN(3))) }

func (r *racer) fill() []byte { return fill(byte(r.rng.IntN(256)), 1+r.rng.IntN(mib)) }

func (r *racer) put() error {
	c := r.Door.NewContent(bg)
	if _, err := c.Write(r.fill()); err != nil {
		return errors.Join(err, c.Abort(bg))
	}
	_, err := r.Door.PutKey(bg, r.Root, r.name(), c, namespace.PutKey{})
	return err
}

func (r *racer) clone() error {
	c, err := r.cloned()
	if err != nil {
		return err
	}
	_, err = r.Door.PutKey(bg, r.Root, r.name(), c, namespace.PutKey{})
	return err
}

// cloned is a content made of two pieces of an object.
func (r *racer) cloned() (*namespace.Content, error) {
	src, _, err := r.Door.OpenKey(bg, r.Root, r.name(), "")
	if err != nil {
		return nil, err
	}
	c := r.Door.NewContent(bg)
	n := min(src.Size(), mib)
	err = errors.Join(c.Clone(bg, src, 0, n), c.Clone(bg, src, n/3, n-n/3), src.Close(bg))
	if err != nil {
		return nil, errors.Join(err, c.Abort(bg))
	}
	return c, nil
}

// change changes all bytes of a file in place, in one commit.
func (r *racer) change() error {
	a, err := r.Door.Lookup(bg, r.Root, r.name())
	if err != nil {
		return err
	}
	f, err := r.Door.Open(bg, a.ID, namespace.OpenRead|namespace.OpenWrite)
	if err != nil {
		return err
	}
	if a.Size > 0 {
		_, err = f.WriteAt(bg, fill(byte(r.rng.IntN(256)), int(a.Size)), 0)
	}
	return errors.Join(err, f.Close(bg))
}

func (r *racer) remove() error {
	return r.Door.Unlink(bg, r.Root, r.name())
}

func (r *racer) read() error {
	src, _, err := r.Door.OpenKey(bg, r.Root, r.name(), "")
	if err != nil {
		return err
	}
	p := make([]byte, src.Size())
	_, err = src.ReadAt(bg, p, 0)
	if err == nil && len(bytes.TrimLeft(p, string(p[:1]))) > 0 {
		err = fmt.Errorf("two states in one")
	}
	return errors.Join(err, src.Close(bg))
}

// upload races completions, an abort and a late part: at most one end wins, and
// no part is taken after it.
func (r *racer) upload() error {
	u, err := r.Door.BeginUpload(bg, namespace.Upload{Bucket: r.Root, Key: r.name()})
	if err != nil {
		return err
	}
	b := r.fill()
	part := func() error {
		c := r.Door.NewContent(bg)
		_, err := c.Write(b)
		if err == nil {
			_, err = r.Door.PutPart(bg, u, 1+rand.IntN(3), c, namespace.Part{})
		}
		if err != nil {
			return errors.Join(err, c.Abort(bg))
		}
		return nil
	}
	if err := errors.Join(part(), part()); err != nil {
		return err
	}
	var completed, aborted atomic.Int32
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, err := r.Door.CompleteUpload(bg, u, chooseAll, namespace.PutKey{}); err == nil {
				completed.Add(1)
			}
		})
	}
	wg.Go(func() { part() })
	if r.rng.IntN(2) > 0 {
		wg.Go(func() {
			if r.Door.AbortUpload(bg, u) == nil {
				aborted.Add(1)
			}
		})
	}
	wg.Wait()
	if completed.Load() > 0 && aborted.Load() > 0 {
		return fmt.Errorf("an upload was both completed and aborted")
	}
	if err := part(); !errors.Is(err, blockstore.NotFound) {
		return fmt.Errorf("a part after the end: %w", err)
	}
	return nil
}

// TestCompleteFaults has each commit of a completion fail, or succeed without an
// answer: the upload can be completed again, and gives the object that was asked
// for, once.
func TestCompleteFaults(t *testing.T) {
	defer namespace.SmallDrafts()()
	for _, lost := range []bool{false, true} {
		for n, more := 0, true; more; n++ {
			t.Run(fmt.Sprintf("lost=%t/%d", lost, n), func(t *testing.T) { more = completeFaults(t, n, lost) })
		}
	}
}

// completeFaults has the n-th commit fail; false if there are fewer.
func completeFaults(t *testing.T, n int, lost bool) bool {
	r := faulty(t, smallBlocks)
	u, err := r.s.Door.BeginUpload(bg, namespace.Upload{Bucket: r.s.Root, Key: "k"})
	r.must(err)
	var want []byte
	for i := range 9 {
		c := r.s.Door.NewContent(bg)
		p := fill(byte(i), 100<<10+i)
		_, err := c.Write(p)
		r.must(err)
		_, err = r.s.Door.PutPart(bg, u, i+1, c, namespace.Part{})
		r.must(err)
		want = append(want, p...)
	}
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	count := 0
	r.fs.Set(func(op faultstore.Op) (x faultstore.Fault) {
		if op.Call != faultstore.Commit {
			return x
		}
		switch count++; {
		case count == n+1 && lost:
			x.Lost = true
		case count == n+1:
			x.Err = blockstore.Unavailable
		case count == n+2 && lost: // of the same change: the caller gives up
			cancel()
			x.Err = blockstore.Unknown
		}
		return x
	})
	_, err = r.s.Door.CompleteUpload(ctx, u, chooseAll, namespace.PutKey{})
	r.fs.Set(nil)
	happened := count > n
	if (err != nil) != happened {
		t.Errorf("commit %d failed: %t, and the completion: %v", n, happened, err)
	}
	info, err := r.s.Door.CompleteUpload(bg, u, chooseAll, namespace.PutKey{})
	r.must(err)
	if info.Attr.ID.String() != u.ID || info.Attr.Size != int64(len(want)) {
		t.Errorf("%+v", info)
	}
	same(t, r.s, "k", want)
	r.check()
	r.must(r.s.Unlink("k"))
	r.must(r.s.Kill())
	r.s = begin(t, r.fs, smallBlocks)
	empty(t, r.fs, r.s)
	return happened
}
