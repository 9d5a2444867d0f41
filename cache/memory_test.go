package cache

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
)

// endless is an engine that has every block, full of zeros.
type endless struct{ blockstore.Store }

func newEndless() endless { return endless{memstore.New()} }

func (endless) GetBlock(_ context.Context, _ blockstore.BlockID, off, n int) ([]byte, error) {
	return make([]byte, min(n, blockstore.MaxBlock-off)), nil
}

// Readers that come back to a hot set find it there, though a scan of 25 times
// the cache runs through, in small reads that fall into one run many times.
func TestScanLeavesTheHotSet(t *testing.T) {
	for _, size := range []int{4 << 10, 128 << 10, blockstore.MaxBlock} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			const capacity, hotBlocks = 64 << 20, 1000 // of one granule: half of it
			c := open(t, newEndless(), Options{Bytes: capacity})
			c.ahead.serving.Store(true) // what read-ahead brings must not harm either
			hot, cold := blockstore.NewID(), blockstore.NewID()
			rnd := rand.New(rand.NewPCG(1, uint64(size)))
			visits, misses := 0, 0
			visit := func() {
				before := c.Stats().Misses
				must(t, c, block(hot, rnd.IntN(hotBlocks)), rnd.IntN(8)*4096, 4096)
				visits++
				misses += int(c.Stats().Misses - before)
			}
			scan := func(from, to int) {
				for off := from; off < to; off += size {
					must(t, c, block(cold, off/blockstore.MaxBlock), off%blockstore.MaxBlock, size)
					catchUp(t, c)
					for n := off % (32 << 10); n < size; n += 32 << 10 {
						visit()
					}
				}
			}
			for range 10 * hotBlocks {
				visit()
			}
			scan(0, 2*capacity) // the set proves itself
			visits, misses = 0, 0
			scan(2*capacity, 27*capacity)
			if misses > visits/100 {
				t.Errorf("%d misses in %d visits of the hot set", misses, visits)
			}
		})
	}
}

// A working set that changes is taken over: protected is no dead weight.
func TestNewHotSetReplacesTheOld(t *testing.T) {
	const capacity, hotBlocks = 32 << 20, 600
	c := open(t, newEndless(), Options{Bytes: capacity})
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 3 {
		seg, cold := blockstore.NewID(), blockstore.NewID()
		var before Stats
		for i := range 100 * hotBlocks {
			if i == 50*hotBlocks {
				before = c.Stats()
			}
			must(t, c, block(seg, rnd.IntN(hotBlocks)), rnd.IntN(8)*4096, 4096)
			if i%16 == 0 {
				must(t, c, block(cold, i), 0, 4096)
			}
		}
		after := c.Stats()
		if misses := after.Misses - before.Misses - 50*hotBlocks/16; misses > hotBlocks/2 {
			t.Errorf("round %d: %d misses of the hot set", round, misses)
		}
	}
}

// Whatever is read by however many, the bytes are right, the books are too
// (see check), and the bound holds at every moment.
func TestRandomLoad(t *testing.T) {
	const capacity, blocks = 5 << 20, 24
	inner := memstore.New()
	c := open(t, inner, Options{Bytes: capacity, ReadAhead: 256 << 10})
	stop := serve(t, c)
	defer stop()
	seg := blockstore.NewID()
	rnd := rand.New(rand.NewPCG(3, 4))
	content := make([][]byte, blocks)
	for i := range content {
		content[i] = pattern(block(seg, i), 1+rnd.IntN(blockstore.MaxBlock))
		if err := c.PutBlock(t.Context(), block(seg, i), content[i]); err != nil {
			t.Fatal(err)
		}
	}
	var g errgroup.Group
	for worker := range uint64(8) {
		g.Go(func() error {
			rnd := rand.New(rand.NewPCG(5, worker))
			for range 2000 {
				if err := readSomewhere(t.Context(), c, seg, content, rnd); err != nil {
					return err
				}
				if n := c.Stats().Bytes; n > capacity {
					return fmt.Errorf("%d bytes are kept, %d allowed", n, capacity)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

// readSomewhere reads a random range, and now and then drops its block.
func readSomewhere(ctx context.Context, c *Cache, seg blockstore.SegmentID, content [][]byte, rnd *rand.Rand) error {
	i := rnd.IntN(len(content))
	want := content[i]
	off := rnd.IntN(len(want))
	n := 1 + rnd.IntN(min(len(want)-off, 1<<rnd.IntN(21)))
	got, err := read(ctx, c, block(seg, i), off, n)
	if err != nil || !bytes.Equal(got, want[off:off+n]) {
		return fmt.Errorf("block %d: %d bytes at %d are not those put: %w", i, n, off, err)
	}
	if rnd.IntN(50) == 0 {
		c.shard(block(seg, i)).drop(block(seg, i))
	}
	return nil
}
