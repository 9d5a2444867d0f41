package namespace_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/faultstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

// 1 again, without a race: the segment's record can't be put.
func TestReviewSealFails3(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	r.put(f, []byte("x"), 0)
	r.fs.Set(func(op faultstore.Op) (x faultstore.Fault) {
		if op.Call == faultstore.Commit && strings.HasPrefix(op.Name, "s") {
			x.Err = blockstore.NoSpace
		}
		return x
	})
	n, err := f.WriteAt(t.Context(), fill('y', mib), 1)
	t.Log(n, err)
	r.fs.Set(nil)
	r.must(f.Close(t.Context()))
	r.must(r.s.Truncate("f", 100))
	same(t, r.s, "f", append([]byte("x"), make([]byte, 99)...))
	r.check()
}

// 16: counters taken without a lease.
func TestReviewLease(t *testing.T) {
	store := faultstore.New(memstore.New(), nil)
	if err := namespace.Format(t.Context(), store, noHistory); err != nil {
		t.Fatal(err)
	}
	_ = atomic.Bool{}
}

// 17: a handle whose last flush failed.
func TestReviewLastCloseFails(t *testing.T) {
	r := review(t, noHistory)
	f := r.create("f")
	r.put(f, fill('x', 2*mib), 0)
	r.fs.Set(faultstore.On(faultstore.Commit, faultstore.Fault{Err: blockstore.Unavailable}))
	t.Log(f.Close(t.Context()))
	r.fs.Set(nil)
	r.must(r.s.Door.Flush(t.Context(), blockstore.Sync))
	_, err := r.s.Volume.Collect(t.Context(), nil)
	r.must(err)
	same(t, r.s, "f", fill('x', 2*mib))
	r.must(r.s.Unlink("f"))
	empty(t, r.fs, r.s)
	r.must(r.s.End())
	n, bytes := blocks(t, r.fs)
	t.Log("after a clean end:", n, bytes)
	s2 := begin(t, r.fs, noHistory)
	n, bytes = blocks(t, r.fs)
	t.Log("after the next begin:", n, bytes)
	_ = s2
}
