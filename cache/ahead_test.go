package cache

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
)

// serve runs Serve until the function it returns is called.
func serve(t testing.TB, c *Cache) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	g.Go(func() error { return c.Serve(ctx) })
	await(c.ahead.serving.Load)
	return func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// catchUp does the work of Serve up to now, so that a test can count calls.
func catchUp(t testing.TB, c *Cache) {
	for {
		select {
		case task := <-c.ahead.queue:
			c.fetchAhead(t.Context(), task)
		default:
			return
		}
	}
}

func TestReadAheadTakesWholeBlocks(t *testing.T) {
	const blocks = 32
	for _, size := range []int{4 << 10, 128 << 10, 200_000, blockstore.MaxBlock} {
		p := newProbe()
		c := open(t, p, Options{})
		c.ahead.serving.Store(true)
		seg := fill(t, p, blocks, blockstore.MaxBlock)
		for i := range blocks {
			for off := 0; off < blockstore.MaxBlock; off += size {
				if _, err := read(t.Context(), c, block(seg, i), off, min(size, blockstore.MaxBlock-off)); err != nil {
					t.Fatal(err)
				}
				catchUp(t, c)
			}
		}
		if n := len(p.asked()); n > blocks+12 {
			t.Errorf("reads of %d bytes: %d calls for %d blocks", size, n, blocks)
		}
		if s := c.Stats(); s.AheadUseful != s.Ahead || s.Ahead < blocks-4 {
			t.Errorf("reads of %d bytes: %d runs of %d were useful", size, s.AheadUseful, s.Ahead)
		}
	}
}

// How far read-ahead goes is bounded, and the reader is always behind it.
func TestReadAheadWindow(t *testing.T) {
	const blocks, step = 24, 64 << 10
	p := newProbe()
	c := open(t, p, Options{ReadAhead: 2 << 20})
	c.ahead.serving.Store(true)
	seg := fill(t, p, blocks, blockstore.MaxBlock)
	furthest, late := 0, 0
	for at := 0; at < blocks*blockstore.MaxBlock; at += step {
		must(t, c, block(seg, at/blockstore.MaxBlock), at%blockstore.MaxBlock, step)
		catchUp(t, c)
		for _, w := range p.asked() {
			furthest = max(furthest, int(w.id.Number)*blockstore.MaxBlock+w.end)
		}
		if furthest > at+step+2<<20 {
			t.Fatalf("at %d all up to %d was fetched", at, furthest)
		}
		if furthest == at+step {
			late++
		}
	}
	if late > 4 {
		t.Errorf("nothing was fetched ahead at %d steps", late)
	}
}

func TestReadAheadOfSeveralReaders(t *testing.T) {
	const blocks, readers, step = 12, 8, 32 << 10
	p := newProbe()
	c := open(t, p, Options{})
	c.ahead.serving.Store(true)
	var segs []blockstore.SegmentID
	for range readers {
		segs = append(segs, fill(t, p, blocks, blockstore.MaxBlock))
	}
	for at := 0; at < blocks*blockstore.MaxBlock; at += step {
		for _, seg := range segs {
			must(t, c, block(seg, at/blockstore.MaxBlock), at%blockstore.MaxBlock, step)
			catchUp(t, c)
		}
	}
	if n := len(p.asked()); n > readers*(blocks+12) {
		t.Errorf("%d calls for %d blocks", n, readers*blocks)
	}
}

func TestRandomReadersAreLeftAlone(t *testing.T) {
	const blocks = 1024
	p := &probe{Store: newEndless()}
	c := open(t, p, Options{Bytes: 8 << 20})
	c.ahead.serving.Store(true)
	seg := blockstore.NewID()
	rnd := rand.New(rand.NewPCG(6, 7))
	for range 10_000 {
		must(t, c, block(seg, rnd.IntN(blocks)), rnd.IntN(256)*4096, 4096)
		catchUp(t, c)
	}
	for _, w := range p.asked() {
		if w.end-w.off != blockstore.Granule {
			t.Fatalf("a read of 4096 bytes fetched %d", w.end-w.off)
		}
	}
	if s := c.Stats(); s.Ahead != 0 {
		t.Errorf("%d runs were fetched ahead", s.Ahead)
	}
}

// A reader that follows the writer finds each block as soon as it was put,
// though read-ahead has asked for it in vain.
func TestReadAheadBehindAWriter(t *testing.T) {
	const blocks = 200
	p := newProbe()
	c := open(t, p, Options{})
	defer serve(t, c)()
	seg := blockstore.NewID()
	for i := range blocks {
		id := block(seg, i)
		want := pattern(id, 3*blockstore.Granule)
		if err := c.PutBlock(t.Context(), id, want); err != nil {
			t.Fatal(err)
		}
		got, err := read(t.Context(), c, id, 0, len(want))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("block %d: %d bytes, %v", i, len(got), err)
		}
	}
}

func TestServeReadsAheadAndEnds(t *testing.T) {
	const blocks = 16
	p := newProbe()
	c := open(t, p, Options{})
	stop := serve(t, c)
	seg := fill(t, p, blocks, blockstore.MaxBlock)
	for i := range blocks / 2 {
		must(t, c, block(seg, i), 0, blockstore.MaxBlock)
	}
	await(func() bool { return c.Stats().Ahead > 0 })
	stop()
	before := c.Stats().Ahead
	for i := blocks / 2; i < blocks; i++ {
		must(t, c, block(seg, i), 0, blockstore.MaxBlock)
	}
	if after := c.Stats().Ahead; after != before {
		t.Errorf("%d runs were fetched ahead after Serve had returned", after-before)
	}
}
