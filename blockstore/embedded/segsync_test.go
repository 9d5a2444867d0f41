package embedded

import (
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cairnfs/cairn/blockstore"
)

// TestSyncNeeds counts syncs: Sync waits for what commits need, and for nothing else.
func TestSyncNeeds(t *testing.T) {
	var syncs atomic.Int64
	s, err := Open("/store", Options{Create: true, FS: hookedFS{vfs.NewMem(), func() { syncs.Add(1) }}, Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	segment := blockstore.NewID()
	sync := func(what string, want int64) {
		t.Helper()
		before := syncs.Load()
		if err := s.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := syncs.Load() - before; got != want {
			t.Fatalf("%s: %d syncs, want %d", what, got, want)
		}
	}
	commit := func(n uint64, needs ...blockstore.SegmentID) {
		t.Helper()
		c := put(blockstore.ID{1}, n, "key", nil)
		c.Needs = needs
		if _, err := s.Commit(t.Context(), c, blockstore.Lazy); err != nil {
			t.Fatal(err)
		}
	}
	sync("after opening", 0)
	if err := s.PutBlock(t.Context(), blockstore.BlockID{Segment: segment}, []byte("block")); err != nil {
		t.Fatal(err)
	}
	sync("a block that no commit needs", 0)
	commit(1)
	sync("a commit that needs no block", 1)
	commit(2, segment)
	sync("a commit that needs a block", 3) // file, directory, log
	sync("nothing new", 0)
}

// TestRemovedTwice removes blocks and their segment, in either order, and opens the
// store that is left when the power is cut before that is done on disk.
func TestRemovedTwice(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s, err := Open("/store", Options{Create: true, FS: mem, Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	id := blockstore.BlockID{Segment: blockstore.NewID()}
	for _, do := range []func() error{
		func() error { return s.PutBlock(ctx, id, []byte("block")) },
		func() error { return s.DeleteBlocks(ctx, []blockstore.BlockID{id}) },
		func() error { return s.RemoveSegment(ctx, id.Segment, 1, 0) },
		func() error { return s.DeleteBlocks(ctx, []blockstore.BlockID{id}) },
		func() error { return s.Sync(ctx) },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Open("/store", Options{FS: mem.CrashClone(vfs.CrashCloneCfg{}), Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	if there, err := again.segs.exists(id.Segment); there || err != nil {
		t.Errorf("the segment is there: %t, %v", there, err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
