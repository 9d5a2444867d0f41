package namespace_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/faultstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

type counting struct {
	blockstore.Store
	t *testing.T
}

func (c counting) DeleteBlocks(ctx context.Context, ids []blockstore.BlockID) error {
	c.t.Log("delete", len(ids))
	return c.Store.DeleteBlocks(ctx, ids)
}

func TestReviewDeleteCount(t *testing.T) {
	fs := faultstore.New(counting{memstore.New(), t}, nil)
	s, err := namespacetest.Begin(fs, noHistory, namespace.Options{Exclusive: true, FlushEvery: time.Hour, CollectEvery: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	r := &rig{t, fs, s}
	f := r.create("f")
	for i := range 30000 {
		r.put(f, fill(byte(i), 16<<10), 0)
		r.must(f.Flush(t.Context()))
	}
	r.must(f.Close(t.Context()))
}

func TestReviewCollectOnce(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	for i := range 40 {
		r.put(f, fill(byte(i), 20<<10), int64((i*7)%40)*(64<<10))
		r.must(f.Flush(t.Context()))
	}
	r.must(f.Close(t.Context()))
	r.must(r.s.End())
	s := begin(t, r.fs, noHistory) // another segment for the compaction
	for i := range 3 {
		f, err := s.Door.Open(t.Context(), f.ID(), namespace.OpenRead|namespace.OpenWrite)
		r.must(err)
		if i == 0 {
			f.WriteAt(t.Context(), []byte("x"), 5)
		}
		r.must(f.Close(t.Context()))
		done, err := s.Volume.Collect(t.Context(), nil)
		n, bytes := blocks(t, r.fs)
		t.Log(done, err, n, bytes)
	}
}

func TestReviewOpenDuringRelease(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	r.put(f, fill('x', 2*mib), 0)
	r.must(f.Flush(t.Context()))
	r.must(r.s.Unlink("f"))
	var once atomic.Bool
	var g *namespace.OpenFile
	r.fs.Set(func(op faultstore.Op) (none faultstore.Fault) {
		if op.Call == faultstore.Commit && strings.HasPrefix(op.Name, "o") && once.CompareAndSwap(false, true) {
			g = r.open(r.s.Door, f.ID())
		}
		return
	})
	r.must(f.Close(t.Context()))
	r.fs.Set(nil)
	_, err := r.s.Volume.Collect(t.Context(), nil)
	r.must(err)
	if g == nil {
		t.Fatal("not reached")
	}
	_, err = g.ReadAt(t.Context(), make([]byte, 10), 0)
	r.must(err)
}
