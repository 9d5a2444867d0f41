package namespace_test

import (
	"bytes"
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/faultstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

const mib = 1 << 20

type rig struct {
	*testing.T
	fs *faultstore.Store
	s  *namespacetest.Session
}

func review(t *testing.T, set namespace.Settings) *rig {
	t.Helper()
	fs := faultstore.New(memstore.New(), nil)
	s, err := namespacetest.Begin(fs, set, namespace.Options{Exclusive: true, FlushEvery: time.Hour, CollectEvery: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fs.Set(nil); s.Kill() })
	return &rig{t, fs, s}
}

func (r *rig) create(name string) *namespace.OpenFile {
	r.Helper()
	f, _, err := r.s.Door.Create(r.Context(), r.s.Root, name, namespace.NewNode{Mode: 0o644}, namespace.OpenRead|namespace.OpenWrite)
	r.must(err)
	return f
}
func (r *rig) open(d *namespace.Door, id namespace.NodeID) *namespace.OpenFile {
	r.Helper()
	f, err := d.Open(context.Background(), id, namespace.OpenRead|namespace.OpenWrite)
	r.must(err)
	return f
}
func (r *rig) put(f *namespace.OpenFile, p []byte, off int64) {
	r.Helper()
	_, err := f.WriteAt(context.Background(), p, off)
	r.must(err)
}
func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}
func (r *rig) check() {
	r.Helper()
	if err := r.s.Check(); err != nil {
		r.Error(err)
	}
}
func fill(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

// 1: a write whose block can't be sealed.
func TestReviewSealFails(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	r.put(f, []byte("x"), 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n, err := f.WriteAt(ctx, fill('y', mib), 1)
	t.Log(n, err)
	r.must(f.Truncate(t.Context(), 2*mib))
	got := make([]byte, 10)
	f.ReadAt(t.Context(), got, 100)
	t.Logf("a failed write of %d bytes reads as %q", n, got)
	r.must(f.Truncate(t.Context(), 2*mib))
	f.Close(t.Context())
	r.check()
}

func TestReviewSealFails2(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	r.put(f, []byte("x"), 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.WriteAt(ctx, fill('y', mib), 1)
	t.Log(err)
	r.must(f.Close(t.Context()))
	r.check()
}

// 2: reclaim deletes blocks that were put during its sync.
func TestReviewReclaimDeletesNew(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	id := f.ID()
	r.put(f, fill('a', 4*mib), 0)
	r.must(f.Flush(t.Context()))
	r.put(f, fill('b', 4*mib), 0)
	r.must(f.Close(t.Context()))
	var once atomic.Bool
	r.fs.Set(func(op faultstore.Op) (none faultstore.Fault) {
		if op.Call == faultstore.Sync && once.CompareAndSwap(false, true) {
			g := r.open(r.s.Door, id)
			r.put(g, fill('c', mib), 4*mib)
			r.must(g.Close(context.Background()))
		}
		return
	})
	done, err := r.s.Volume.Collect(t.Context(), nil)
	t.Log(done, err, once.Load())
	r.check()
}

// 3: the segment that a door writes to goes under its hands.
func TestReviewSegmentGoneUnderWriter(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	id := f.ID()
	for i := range 40 { // scattered, so that all is written again
		r.put(f, fill(byte(i), 20<<10), int64((i*7)%40)*(64<<10))
		r.must(f.Flush(t.Context()))
	}
	r.must(f.Close(t.Context()))
	var once atomic.Bool
	var g *namespace.OpenFile
	r.fs.Set(func(op faultstore.Op) (none faultstore.Fault) {
		if op.Call == faultstore.GetBlock && once.CompareAndSwap(false, true) {
			g = r.open(r.s.Door, id)
			r.put(g, fill('c', mib), 4*mib)
		}
		if op.Call == faultstore.PutBlock {
			t.Log("put", op.Name)
		}
		return
	})
	done, err := r.s.Volume.Collect(t.Context(), nil)
	t.Log(done, err, once.Load())
	time.Sleep(10*time.Millisecond)
	done, err = r.s.Volume.Collect(t.Context(), nil)
	t.Log(done, err, once.Load())
	if g == nil {
		t.Fatal("no compaction")
	}
	if err := g.Close(t.Context()); err != nil {
		t.Error("close:", err)
	}
	g = r.open(r.s.Door, id)
	r.put(g, []byte("hello"), 0)
	if err := g.Close(t.Context()); err != nil {
		t.Error("close of the next opening:", err)
	}
	r.check()
}

// 4: a file whose last entered name is gone with its directory.
func TestReviewHintGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := review(t, namespace.DefaultSettings())
		f := r.create("a")
		r.put(f, []byte("precious"), 0)
		r.must(f.Close(t.Context()))
		r.must(r.s.Mkdir("d", 0o755))
		r.must(r.s.Link("a", "d/b"))
		r.must(r.s.Unlink("d/b"))
		r.must(r.s.Rmdir("d"))
		time.Sleep(2 * time.Minute)
		f = r.open(r.s.Door, f.ID())
		r.must(f.Truncate(t.Context(), 0))
		r.put(f, []byte("new"), 0)
		if err := f.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// 5: one file that can't be compacted stops all collection.
func TestReviewCollectorStuck(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	for i := range 40 {
		r.put(f, fill(byte(i), 20<<10), int64((i*7)%40)*(64<<10))
		r.must(f.Flush(t.Context()))
	}
	r.must(f.Close(t.Context()))
	g := r.create("g")
	r.put(g, fill('g', 8*mib), 0)
	r.must(g.Close(t.Context()))
	r.must(r.s.Unlink("g"))
	before, _ := blocks(t, r.fs)
	r.fs.Set(faultstore.On(faultstore.PutBlock, faultstore.Fault{Err: blockstore.NoSpace}))
	for range 3 {
		_, err := r.s.Volume.Collect(t.Context(), nil)
		t.Log(err)
	}
	after, _ := blocks(t, r.fs)
	if before-after < 8 {
		t.Errorf("%d blocks before, %d after", before, after)
	}
}

// 6: a full disk, and a program that goes on writing.
func TestReviewFullDiskMemory(t *testing.T) {
	r := review(t, noHistory)
	r.fs.Set(faultstore.On(faultstore.PutBlock, faultstore.Fault{Err: blockstore.NoSpace}))
	f := r.create("f")
	for i := range 64 {
		if _, err := f.WriteAt(t.Context(), fill('x', mib), int64(i)*mib); err != nil {
			t.Log("write", i, err)
			return
		}
	}
	t.Error("64 MiB were accepted, none of which the store has")
}

// 7: a small block whose commit has an unknown outcome.
func TestReviewUnknownSmall(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	r.put(f, []byte("one"), 0)
	tries := 0
	ctx, cancel := context.WithCancel(t.Context())
	r.fs.Set(func(op faultstore.Op) (x faultstore.Fault) {
		if op.Change != nil && len(op.Change.Blocks) > 0 {
			if tries++; tries == 1 {
				x.Lost = true
			} else {
				cancel()
				x.Err = blockstore.Unknown
			}
		}
		return x
	})
	t.Log(f.Flush(ctx))
	r.fs.Set(nil)
	r.put(f, []byte("two"), 3)
	if err := f.Close(t.Context()); err != nil {
		t.Error(err)
	}
	r.check()
}

// 8: the last close while the last name is being removed.
func TestReviewUnlinkClose(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	r.put(f, fill('x', 2*mib), 0)
	r.must(f.Flush(t.Context()))
	var once atomic.Bool
	r.fs.Set(func(op faultstore.Op) (none faultstore.Fault) {
		if op.Call == faultstore.Commit && strings.HasPrefix(op.Name, "e") && once.CompareAndSwap(false, true) {
			r.must(f.Close(context.Background()))
		}
		return
	})
	r.must(r.s.Unlink("f"))
	empty(t, r.fs, r.s)
}

// 9: a publish that is tried again after a lost reply.
func TestReviewPublishTwice(t *testing.T) {
	r := review(t, noHistory)
	c := r.s.Door.NewContent(t.Context())
	c.Write(fill('x', 2*mib))
	tries := 0
	ctx, cancel := context.WithCancel(t.Context())
	r.fs.Set(func(op faultstore.Op) (x faultstore.Fault) {
		if op.Call == faultstore.Commit && strings.HasPrefix(op.Name, "e") {
			if tries++; tries == 1 {
				x.Lost = true
			} else {
				cancel()
				x.Err = blockstore.Unknown
			}
		}
		return x
	})
	_, err := r.s.Door.Publish(ctx, r.s.Root, "p", c, namespace.Publish{})
	t.Log(err)
	r.fs.Set(nil)
	_, err = r.s.Door.Publish(t.Context(), r.s.Root, "p", c, namespace.Publish{})
	r.must(err)
	_, err = r.s.Volume.Collect(t.Context(), nil)
	r.must(err)
	r.check()
	same(t, r.s, "p", fill('x', 2*mib))
}

// 10: two doors: one cuts the file, the other goes on.
func TestReviewTwoDoors(t *testing.T) {
	r := review(t, noHistory)
	a := r.create("f")
	r.put(a, fill('a', mib), 0)
	r.must(a.Flush(t.Context()))
	r.put(a, fill('b', mib), mib)
	other := r.s.NewDoor().Door
	b := r.open(other, a.ID())
	r.must(b.Truncate(t.Context(), 0))
	r.must(b.Close(t.Context()))
	_, err := r.s.Volume.Collect(t.Context(), nil)
	r.must(err)
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
	a = r.open(r.s.Door, a.ID())
	r.put(a, []byte("hello"), 0)
	if err := a.Close(t.Context()); err != nil {
		t.Error("next opening:", err)
	}
}

// 11: a compaction that lost a race is never tried again.
func TestReviewBusyForever(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	id := f.ID()
	r.put(f, fill('a', 4*mib), 0)
	r.must(f.Flush(t.Context()))
	r.put(f, fill('b', 4*mib), 0)
	r.must(f.Close(t.Context()))
	var once atomic.Bool
	r.fs.Set(func(op faultstore.Op) (none faultstore.Fault) {
		if op.Call == faultstore.Commit && strings.HasPrefix(op.Name, "n") && once.CompareAndSwap(false, true) {
			mode := uint32(0o600)
			_, err := r.s.Door.SetAttr(context.Background(), id, namespace.SetAttr{Mode: &mode})
			r.must(err)
		}
		return
	})
	done, err := r.s.Volume.Collect(t.Context(), nil)
	t.Log(done, err, once.Load())
	r.fs.Set(nil)
	for range 3 {
		f = r.open(r.s.Door, id)
		r.put(f, []byte("x"), 0)
		r.must(f.Close(t.Context()))
		done, err = r.s.Volume.Collect(t.Context(), nil)
		t.Log(done, err)
	}
	if _, n := blocks(t, r.fs); n > 6*mib {
		t.Errorf("%d bytes of blocks for 4 MiB", n)
	}
}

// 12: one bad block keeps new data from being saved.
func TestReviewTidyCorrupt(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	for i := range 1000 {
		r.put(f, fill(byte(i), 100), int64((i*37)%1000)*2048)
		if i == 200 {
			r.must(f.Flush(t.Context()))
			r.fs.Set(faultstore.On(faultstore.GetBlock, faultstore.Fault{Err: blockstore.Corrupt}))
		}
	}
	if err := f.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// 13: mtime of a file that is only streamed to.
func TestReviewMtimeHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := memstore.New()
		s, err := namespacetest.Begin(fs, noHistory, namespace.Options{Exclusive: true, FlushEvery: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		f, _, err := s.Door.Create(t.Context(), s.Root, "f", namespace.NewNode{Mode: 0o644}, namespace.OpenWrite)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(1900 * time.Millisecond)
		f.WriteAt(t.Context(), fill('x', mib-100), 0)
		time.Sleep(600 * time.Millisecond)
		f.WriteAt(t.Context(), fill('x', 200), mib-100)
		a, _ := f.Attr(t.Context())
		for range 12 {
			time.Sleep(500 * time.Millisecond)
			b, _ := f.Attr(t.Context())
			if b.Mtime != a.Mtime {
				t.Errorf("nothing was written, and mtime went on by %v", b.Mtime.Time().Sub(a.Mtime.Time()))
				break
			}
		}
		f.Close(t.Context())
		s.Kill()
	})
}

// 14: chmod after a truncate that clears setuid.
func TestReviewChmodLost(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	mode := uint32(0o4755)
	_, err := r.s.Door.SetAttr(t.Context(), f.ID(), namespace.SetAttr{Mode: &mode})
	r.must(err)
	r.put(f, []byte("x"), 0)
	_, err = r.s.Door.SetAttr(t.Context(), f.ID(), namespace.SetAttr{Mode: &mode})
	r.must(err)
	r.must(f.Close(t.Context()))
	a, err := r.s.Door.Attr(t.Context(), f.ID())
	r.must(err)
	if a.Mode != mode {
		t.Errorf("mode %o", a.Mode)
	}
}

// 15: reclaim deletes all dead numbers again and again.
func TestReviewDeleteAgain(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	var deletes, ids, syncs atomic.Int64
	r.fs.Set(func(op faultstore.Op) (none faultstore.Fault) {
		switch op.Call {
		case faultstore.DeleteBlocks:
			deletes.Add(1)
		case faultstore.Sync:
			syncs.Add(1)
		}
		return
	})
	for i := range 600 {
		r.put(f, fill(byte(i), mib), 0)
		if i%8 == 0 {
			r.must(f.Flush(t.Context()))
		}
	}
	r.must(f.Close(t.Context()))
	t.Log("deletes", deletes.Load(), ids.Load(), "syncs", syncs.Load())
}
