package namespace_test

import (
	"bytes"
	"context"
	"strings"
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

func faulty(t *testing.T, set namespace.Settings) *rig {
	fs := faultstore.New(memstore.New(), nil)
	s, err := namespacetest.Begin(fs, set, namespace.Options{Exclusive: true, FlushEvery: time.Hour, CollectEvery: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t, fs, s}
	t.Cleanup(func() {
		fs.Set(nil)
		if r.s == s {
			s.Kill()
		}
	})
	return r
}

var bg = context.Background()

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}
func (r *rig) create(name string) *namespace.OpenFile {
	f, _, err := r.s.Door.Create(bg, r.s.Root, name, namespace.NewNode{Mode: 0o644}, namespace.OpenRead|namespace.OpenWrite)
	r.must(err)
	return f
}
func (r *rig) open(d *namespace.Door, id namespace.NodeID) *namespace.OpenFile {
	f, err := d.Open(bg, id, namespace.OpenRead|namespace.OpenWrite)
	r.must(err)
	return f
}
func (r *rig) put(f *namespace.OpenFile, p []byte, off int64) {
	r.Helper()
	_, err := f.WriteAt(bg, p, off)
	r.must(err)
}
func (r *rig) check() {
	r.Helper()
	if err := r.s.Check(); err != nil {
		r.Error(err)
	}
}
func (r *rig) collect() {
	_, err := r.s.Volume.Collect(bg, nil)
	r.must(err)
}

// once does something before the first call of a kind on what begins with prefix.
func (r *rig) once(call faultstore.Call, prefix string, do func()) {
	done := false
	r.fs.Set(func(op faultstore.Op) (none faultstore.Fault) {
		if !done && op.Call == call && strings.HasPrefix(op.Name, prefix) {
			done = true
			do()
		}
		return
	})
}

// lose makes a commit whose reply never comes; its caller gives up.
func (r *rig) lose(which func(op faultstore.Op) bool) context.Context {
	ctx, cancel := context.WithCancel(bg)
	tries := 0
	r.fs.Set(func(op faultstore.Op) (x faultstore.Fault) {
		if op.Call != faultstore.Commit || !which(op) {
			return x
		}
		if tries++; tries == 1 {
			return faultstore.Fault{Lost: true}
		}
		cancel()
		return faultstore.Fault{Err: blockstore.Unknown}
	})
	return ctx
}
func fill(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

// scatter makes a file that compaction writes again.
func (r *rig) scatter(name string) namespace.NodeID {
	f := r.create(name)
	for i := range 40 {
		r.put(f, fill(byte(i), 20<<10), int64((i*7)%40)*(64<<10))
		r.must(f.Flush(bg))
	}
	r.must(f.Close(bg))
	return f.ID()
}

// half makes a file of which half the blocks are dead.
func (r *rig) half(name string) namespace.NodeID {
	f := r.create(name)
	r.put(f, fill('a', 4*mib), 0)
	r.must(f.Flush(bg))
	r.put(f, fill('b', 4*mib), 0)
	r.must(f.Close(bg))
	return f.ID()
}

func TestFaultReclaimDeletesNewBlocks(t *testing.T) {
	r := faulty(t, noHistory)
	id := r.half("f")
	r.once(faultstore.Sync, "", func() {
		g := r.open(r.s.Door, id)
		r.put(g, fill('c', mib), 4*mib)
		r.must(g.Close(bg))
	})
	r.collect()
	r.check()
}

func TestFaultPublishAgain(t *testing.T) {
	r := faulty(t, noHistory)
	c := r.s.Door.NewContent(bg)
	c.Write(fill('x', 2*mib))
	ctx := r.lose(func(op faultstore.Op) bool { return strings.HasPrefix(op.Name, "e") })
	_, err := r.s.Door.Publish(ctx, r.s.Root, "p", c, namespace.Publish{})
	t.Log(err)
	r.fs.Set(nil)
	_, err = r.s.Door.Publish(bg, r.s.Root, "p", c, namespace.Publish{})
	r.must(err)
	r.collect()
	r.check()
}

func TestFaultSegmentGoneUnderWriter(t *testing.T) {
	r := faulty(t, noHistory)
	id := r.scatter("f")
	var g *namespace.OpenFile
	r.once(faultstore.GetBlock, "", func() {
		g = r.open(r.s.Door, id)
		r.put(g, fill('c', mib), 4*mib)
	})
	r.collect()
	r.collect()
	if err := g.Close(bg); err != nil {
		t.Error("close:", err)
	}
	g = r.open(r.s.Door, id)
	r.put(g, []byte("hello"), 0)
	if err := g.Close(bg); err != nil {
		t.Error("close of the next opening:", err)
	}
}

func TestFaultHintGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := faulty(t, namespace.DefaultSettings())
		f := r.create("a")
		r.put(f, []byte("precious"), 0)
		r.must(f.Close(bg))
		r.must(r.s.Mkdir("d", 0o755))
		r.must(r.s.Link("a", "d/b"))
		r.must(r.s.Unlink("d/b"))
		r.must(r.s.Rmdir("d"))
		time.Sleep(2 * time.Minute)
		f = r.open(r.s.Door, f.ID())
		r.must(f.Truncate(bg, 0))
		r.put(f, []byte("new"), 0)
		if err := f.Close(bg); err != nil {
			t.Error(err)
		}
	})
}

func TestFaultCollectorStuck(t *testing.T) {
	r := faulty(t, noHistory)
	r.scatter("f")
	g := r.create("g")
	r.put(g, fill('g', 8*mib), 0)
	r.must(g.Close(bg))
	r.must(r.s.Unlink("g"))
	before, _ := blocks(t, r.fs)
	r.fs.Set(faultstore.On(faultstore.PutBlock, faultstore.Fault{Err: blockstore.NoSpace}))
	for range 3 {
		_, err := r.s.Volume.Collect(bg, nil)
		t.Log(err)
	}
	if after, _ := blocks(t, r.fs); before-after < 8 {
		t.Errorf("%d blocks before, %d after", before, after)
	}
}

func TestFaultLastCloseFails(t *testing.T) {
	r := faulty(t, noHistory)
	f := r.create("f")
	r.put(f, fill('x', 2*mib), 0)
	r.fs.Set(faultstore.On(faultstore.Commit, faultstore.Fault{Err: blockstore.Unavailable}))
	t.Log(f.Close(bg))
	r.fs.Set(nil)
	r.must(r.s.Door.Flush(bg, blockstore.Sync))
	same(t, r.s, "f", fill('x', 2*mib))
	r.must(r.s.Unlink("f"))
	r.collect()
	r.must(r.s.Volume.Close(bg))
	begin(t, r.fs, noHistory)
	if n, _ := blocks(t, r.fs); n > 0 {
		t.Errorf("%d blocks are left after the next start", n)
	}
}

func TestFaultUnknownSmall(t *testing.T) {
	r := faulty(t, noHistory)
	f := r.create("f")
	r.put(f, []byte("one"), 0)
	ctx := r.lose(func(op faultstore.Op) bool { return len(op.Change.Blocks) > 0 })
	t.Log(f.Flush(ctx))
	r.fs.Set(nil)
	r.put(f, []byte("two"), 3)
	if err := f.Close(bg); err != nil {
		t.Error(err)
	}
}

func TestFaultSealFails(t *testing.T) {
	r := faulty(t, noHistory)
	f := r.create("f")
	r.put(f, []byte("x"), 0)
	r.fs.Set(func(op faultstore.Op) (x faultstore.Fault) {
		if op.Call == faultstore.Commit && strings.HasPrefix(op.Name, "s") {
			x.Err = blockstore.NoSpace
		}
		return x
	})
	n, err := f.WriteAt(bg, fill('y', mib), 1)
	if blockstore.KindOf(err) != blockstore.NoSpace {
		t.Errorf("%d bytes written, %v", n, err)
	}
	r.fs.Set(nil)
	r.must(f.Close(bg))
	same(t, r.s, "f", append([]byte("x"), fill('y', n)...))
	r.check()
}

func TestFaultFullDiskMemory(t *testing.T) {
	r := faulty(t, noHistory)
	r.fs.Set(faultstore.On(faultstore.PutBlock, faultstore.Fault{Err: blockstore.NoSpace}))
	f := r.create("f")
	for i := range 64 {
		if _, err := f.WriteAt(bg, fill('x', mib), int64(i)*mib); err != nil {
			return
		}
	}
	t.Error("64 MiB were accepted, none of which the store has")
}

func TestFaultTidyCorrupt(t *testing.T) {
	r := faulty(t, noHistory)
	f := r.create("f")
	for i := range 1000 {
		r.put(f, fill(byte(i), 100), int64((i*37)%1000)*2048)
		if i == 200 {
			r.must(f.Flush(bg))
			r.fs.Set(faultstore.On(faultstore.GetBlock, faultstore.Fault{Err: blockstore.Corrupt}))
		}
	}
	if err := f.Close(bg); err != nil {
		t.Error(err)
	}
}

func TestFaultTwoDoors(t *testing.T) {
	r := faulty(t, noHistory)
	a := r.create("f")
	r.put(a, fill('a', mib), 0)
	r.must(a.Flush(bg))
	r.put(a, fill('b', mib), mib)
	b := r.open(r.s.NewDoor().Door, a.ID())
	r.must(b.Truncate(bg, 0))
	r.must(b.Close(bg))
	r.collect()
	if err := a.Close(bg); err != nil {
		t.Error(err)
	}
	a = r.open(r.s.Door, a.ID())
	r.put(a, []byte("hello"), 0)
	if err := a.Close(bg); err != nil {
		t.Error("next opening:", err)
	}
}

func TestFaultOpenDuringRelease(t *testing.T) {
	r := faulty(t, noHistory)
	f := r.create("f")
	r.put(f, fill('x', 2*mib), 0)
	r.must(f.Flush(bg))
	r.must(r.s.Unlink("f"))
	opened := make(chan error, 1)
	r.once(faultstore.Commit, "o", func() {
		go func() {
			_, err := r.s.Door.Open(bg, f.ID(), namespace.OpenRead)
			opened <- err
		}()
	})
	r.must(f.Close(bg))
	if err := <-opened; blockstore.KindOf(err) != blockstore.Stale {
		t.Errorf("opening what was just retired: %v", err)
	}
	empty(t, r.fs, r.s)
}

func TestFaultUnlinkDuringClose(t *testing.T) {
	r := faulty(t, noHistory)
	f := r.create("f")
	r.put(f, fill('x', 2*mib), 0)
	r.must(f.Flush(bg))
	r.once(faultstore.Commit, "e", func() { r.must(f.Close(bg)) })
	r.must(r.s.Unlink("f"))
	empty(t, r.fs, r.s)
}

func TestFaultBusyForever(t *testing.T) {
	r := faulty(t, noHistory)
	id := r.half("f")
	r.once(faultstore.Commit, "n", func() {
		mode := uint32(0o600)
		_, err := r.s.Door.SetAttr(bg, id, namespace.SetAttr{Mode: &mode})
		r.must(err)
	})
	r.collect()
	for range 3 {
		f := r.open(r.s.Door, id)
		r.put(f, []byte("x"), 0)
		r.must(f.Close(bg))
		r.collect()
	}
	if _, n := blocks(t, r.fs); n > 6*mib {
		t.Errorf("%d bytes of blocks for 4 MiB", n)
	}
}

func TestFaultCollectOnce(t *testing.T) {
	r := faulty(t, noHistory)
	id := r.scatter("f")
	r.s.Kill()
	r.s = begin(t, r.fs, noHistory) // compaction begins another segment
	f := r.open(r.s.Door, id)
	r.put(f, []byte("x"), 5)
	r.must(f.Close(bg))
	r.collect()
	n, _ := blocks(t, r.fs)
	r.collect()
	if m, _ := blocks(t, r.fs); m != n {
		t.Errorf("%d blocks after one collection, %d after two", n, m)
	}
}

func TestFaultMtimeHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := namespacetest.Begin(memstore.New(), noHistory, namespace.Options{Exclusive: true})
		r := &rig{T: t, s: s}
		r.must(err)
		f := r.create("f")
		time.Sleep(1900 * time.Millisecond)
		r.put(f, fill('x', mib-100), 0)
		time.Sleep(600 * time.Millisecond)
		r.put(f, fill('x', 200), mib-100)
		a, _ := f.Attr(bg)
		time.Sleep(3 * time.Second)
		if b, _ := f.Attr(bg); b.Mtime != a.Mtime {
			t.Errorf("nothing was written, and mtime went on by %v", b.Mtime.Time().Sub(a.Mtime.Time()))
		}
		r.must(f.Close(bg))
		s.Kill()
	})
}

func TestFaultChmodLost(t *testing.T) {
	r := faulty(t, noHistory)
	f := r.create("f")
	mode := uint32(0o4755)
	for range 2 {
		_, err := r.s.Door.SetAttr(bg, f.ID(), namespace.SetAttr{Mode: &mode})
		r.must(err)
		r.put(f, []byte("x"), 0)
	}
	_, err := r.s.Door.SetAttr(bg, f.ID(), namespace.SetAttr{Mode: &mode})
	r.must(err)
	r.must(f.Close(bg))
	if a, _ := r.s.Door.Attr(bg, f.ID()); a.Mode != mode {
		t.Errorf("mode %o", a.Mode)
	}
}
