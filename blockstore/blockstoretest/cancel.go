package blockstoretest

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
)

var cancelProperties = []property{
	{"CanceledBefore", testCanceledBefore},
	{"CanceledMidway", testCanceledMidway},
	{"CanceledScan", testCanceledScan},
}

// gaveUp says whether err is what a caller hears who canceled.
func gaveUp(err error) bool {
	return errors.Is(err, blockstore.Canceled) || errors.Is(err, context.Canceled)
}

// A call whose context is already done fails, does nothing and harms nothing.
// (A read of a block may be answered all the same: from memory.)
func testCanceledBefore(h *harness) {
	seg := blockstore.NewID()
	data := content(large(seg, 0), 50_000)
	h.putBlock(large(seg, 0), data)
	v := h.put("k", "v")

	ctx, cancel := context.WithCancel(h.ctx)
	cancel()
	_, _, errGet := h.store.Get(ctx, "k")
	_, errCommit := h.store.Commit(ctx, h.name(&blockstore.Change{Writes: []blockstore.Write{{Key: "k"}}}), blockstore.Lazy)
	for op, err := range map[string]error{
		"get":            errGet,
		"commit":         errCommit,
		"sync":           h.store.Sync(ctx),
		"put block":      h.store.PutBlock(ctx, large(blockstore.NewID(), 0), data),
		"delete blocks":  h.store.DeleteBlocks(ctx, []blockstore.BlockID{large(seg, 0)}),
		"remove segment": h.store.RemoveSegment(ctx, seg, 1, 0),
	} {
		if !gaveUp(err) {
			h.Errorf("%s with a context that is done: %v, want %v", op, err, blockstore.Canceled)
		}
	}
	got, err := h.store.GetBlock(ctx, large(seg, 0), 0, 10)
	if !gaveUp(err) && (err != nil || string(got) != string(data[:len(got)])) {
		h.Errorf("get block with a context that is done: %v", err)
	}
	h.holds("k", "v", v)
	h.hasBlock(large(seg, 0), data)
	if n := len(h.list(blockstore.BlockID{})); n != 1 {
		h.Errorf("%d blocks, want 1", n)
	}
}

// A commit that was given up may have happened: its repeat tells, and it is
// done once in the end.
func testCanceledMidway(h *harness) {
	const writers, changes = 4, 50
	atOnce(h, writers, func(i int, w *blockstore.Writer) error {
		for seq := range uint64(changes) {
			c := &blockstore.Change{
				Session: w.Session(), Seq: seq + 1,
				Adds: []blockstore.Add{{Key: "t", Value: 1}},
			}
			if err := commitGivingUp(h.ctx, h.store, c); err != nil {
				return err
			}
			if _, err := h.store.Commit(h.ctx, c, blockstore.Lazy); err != nil {
				return fmt.Errorf("repeat after giving up: %w", err)
			}
		}
		return nil
	})
	if n := h.tally("t").Field(0); n != writers*changes {
		h.Fatalf("%d changes were done, want %d", n, writers*changes)
	}
}

// commitGivingUp commits a change and cancels at the same time.
func commitGivingUp(ctx context.Context, s blockstore.Store, c *blockstore.Change) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	g.Go(func() error { cancel(); return nil })
	_, err := s.Commit(ctx, c, blockstore.Durability(c.Seq%10/9))
	g.Wait() // it returns nil
	if err != nil && !gaveUp(err) && !errors.Is(err, blockstore.Unknown) {
		return err
	}
	return nil
}

// An iteration whose context is done ends, with an error unless it was complete.
func testCanceledScan(h *harness) {
	seg := blockstore.NewID()
	const n = 500
	for i := range n {
		h.put(fmt.Sprintf("k%03d", i), "v")
		h.putBlock(large(seg, uint32(i)), []byte("b"))
	}
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	records, blocks := 0, 0
	var err error
	for _, err = range h.store.Scan(ctx, "k", "") {
		cancel()
		records++
	}
	if !gaveUp(err) && records != n {
		h.Fatalf("scan ended after %d of %d records: %v", records, n, err)
	}
	for _, err = range h.store.ListBlocks(ctx, blockstore.BlockID{}) {
		blocks++
	}
	if !gaveUp(err) && blocks != n {
		h.Fatalf("list ended after %d of %d blocks: %v", blocks, n, err)
	}
	if got := len(h.scan("k", "")); got != n {
		h.Fatalf("%d records, want %d", got, n)
	}
}
