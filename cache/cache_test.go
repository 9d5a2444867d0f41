package cache

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
)

// probe is an engine that tells what it is asked for, and waits or fails when
// it is told to.
type probe struct {
	blockstore.Store

	mu     sync.Mutex
	reads  []wish
	before func() error // called in each GetBlock
	after  func()       // called with its result at hand
}

func newProbe() *probe { return &probe{Store: memstore.New()} }

func (p *probe) GetBlock(ctx context.Context, id blockstore.BlockID, off, n int) ([]byte, error) {
	p.mu.Lock()
	p.reads = append(p.reads, wish{id, off, off + n})
	before, after := p.before, p.after
	p.mu.Unlock()
	if before != nil {
		if err := before(); err != nil {
			return nil, err
		}
	}
	data, err := p.Store.GetBlock(ctx, id, off, n)
	if after != nil {
		after()
	}
	return data, err
}

// when sets what happens in GetBlock from now on.
func (p *probe) when(before func() error, after func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before, p.after = before, after
}

// asked returns the reads since it was called last.
func (p *probe) asked() []wish {
	p.mu.Lock()
	defer p.mu.Unlock()
	reads := p.reads
	p.reads = nil
	return reads
}

// pattern is the content of a block, other for each.
func pattern(id blockstore.BlockID, n int) []byte {
	data := make([]byte, n)
	var seed [32]byte
	copy(seed[:], id.Segment[:])
	binary.BigEndian.PutUint32(seed[16:], id.Number)
	r := rand.NewChaCha8(seed)
	_, _ = r.Read(data)
	return data
}

// fill puts blocks 0 to n-1 of a new segment.
func fill(t testing.TB, s blockstore.Store, n, size int) blockstore.SegmentID {
	t.Helper()
	seg := blockstore.NewID()
	for i := range n {
		id := block(seg, i)
		if err := s.PutBlock(t.Context(), id, pattern(id, size)); err != nil {
			t.Fatal(err)
		}
	}
	return seg
}

func block(seg blockstore.SegmentID, n int) blockstore.BlockID {
	return blockstore.BlockID{Segment: seg, Number: uint32(n)}
}

func open(t testing.TB, inner blockstore.Store, o Options) *Cache {
	c := New(inner, o)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		check(t, c)
	})
	return c
}

// check fails the test unless the books of a cache without fetches under way
// are right.
func check(t testing.TB, c *Cache) {
	t.Helper()
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		sizes := map[*queue]int64{}
		for id, runs := range s.blocks {
			checkRuns(t, id, runs, sizes)
		}
		probation, protected := sizes[s.probation], sizes[s.protected]
		if probation+protected != s.bytes || protected != s.protectedBytes {
			t.Errorf("%d and %d bytes in the queues, %d and %d in the books", probation, protected, s.bytes, s.protectedBytes)
		}
		if s.bytes > s.max || s.protectedBytes > s.maxProtected {
			t.Errorf("%d and %d bytes are past the bounds %d and %d", s.bytes, s.protectedBytes, s.max, s.maxProtected)
		}
		s.mu.Unlock()
	}
}

// checkRuns checks the runs of one block and adds up their bytes.
func checkRuns(t testing.TB, id blockstore.BlockID, runs []*run, sizes map[*queue]int64) {
	t.Helper()
	kept := 0
	for g, r := range runs {
		if r == nil {
			continue
		}
		kept++
		if r.id != id || g < r.first || g >= r.first+r.granules || !r.queue.Contains(r) {
			t.Errorf("block %v has a wrong run at granule %d", id, g)
		}
		if g == r.first {
			sizes[r.queue] += r.cost()
		}
	}
	if kept == 0 {
		t.Errorf("block %v is kept without a granule", id)
	}
}

// read reads a range over every early stop.
func read(ctx context.Context, s blockstore.Store, id blockstore.BlockID, off, n int) ([]byte, error) {
	var data []byte
	for n > 0 {
		part, err := s.GetBlock(ctx, id, off, n)
		if err != nil {
			return data, err
		}
		data, off, n = append(data, part...), off+len(part), n-len(part)
	}
	return data, nil
}

// must reads one range in one call.
func must(t testing.TB, s blockstore.Store, id blockstore.BlockID, off, n int) []byte {
	t.Helper()
	data, err := s.GetBlock(t.Context(), id, off, n)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// await returns when the condition holds.
func await(condition func() bool) {
	for !condition() {
		runtime.Gosched()
	}
}

func TestMissFetchesTheGranulesAskedFor(t *testing.T) {
	const g = blockstore.Granule
	p := newProbe()
	c := open(t, p, Options{})
	id := block(fill(t, p, 1, 10*g+77), 0)

	steps := []struct{ off, n, want, fetchOff, fetchEnd int }{
		{3*g + 5, 4096, 4096, 3 * g, 4 * g},
		{3 * g, g, g, 0, 0},
		{3 * g, 2 * g, g, 0, 0},                           // stops where the next fetch begins
		{g - 1, 5 * g, 2*g + 1, 0, 3 * g},                 // up to what is there
		{5*g - 1, 2, 2, 4 * g, 6 * g},                     // one call for all
		{10 * g, blockstore.MaxBlock, 77, 10 * g, 32 * g}, // past the end
		{10*g + 76, 1, 1, 0, 0},
	}
	want := pattern(id, 10*g+77)
	for i, s := range steps {
		if got := must(t, c, id, s.off, s.n); !bytes.Equal(got, want[s.off:s.off+s.want]) {
			t.Errorf("step %d: %d bytes, want %d", i, len(got), s.want)
		}
		reads := p.asked()
		if s.fetchEnd == 0 && len(reads) == 0 {
			continue
		}
		if len(reads) != 1 || reads[0] != (wish{id, s.fetchOff, s.fetchEnd}) {
			t.Errorf("step %d: asked for %v, want [%d, %d)", i, reads, s.fetchOff, s.fetchEnd)
		}
	}
	for _, off := range []int{10*g + 77, 11 * g, blockstore.MaxBlock} {
		if _, err := c.GetBlock(t.Context(), id, off, 1); !errors.Is(err, blockstore.OutOfRange) {
			t.Errorf("at %d: %v, want OutOfRange", off, err)
		}
	}
}

func TestOneFetchForAllWhoWait(t *testing.T) {
	const readers = 64
	p := newProbe()
	c := open(t, p, Options{})
	id := block(fill(t, p, 1, blockstore.MaxBlock), 0)
	gate := make(chan struct{})
	p.when(func() error { <-gate; return nil }, nil)

	want := pattern(id, 4096)
	var g errgroup.Group
	for range readers {
		g.Go(func() error {
			data, err := c.GetBlock(t.Context(), id, 0, 4096)
			if err == nil && !bytes.Equal(data, want) {
				return errors.New("wrong bytes")
			}
			return err
		})
	}
	await(func() bool { return c.Stats().Misses == readers })
	close(gate)
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := len(p.asked()); n != 1 {
		t.Errorf("%d fetches for %d readers, want 1", n, readers)
	}
}

func TestFetchOutlivesItsCaller(t *testing.T) {
	p := newProbe()
	c := open(t, p, Options{})
	id := block(fill(t, p, 1, 100), 0)
	gate := make(chan struct{})
	p.when(func() error { <-gate; return nil }, nil)

	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error {
		if _, err := c.GetBlock(ctx, id, 0, 100); !errors.Is(err, blockstore.Canceled) || !errors.Is(err, context.Canceled) {
			t.Errorf("the caller that gave up got %v", err)
		}
		return nil
	})
	await(func() bool { return c.Stats().Misses == 1 })
	var data []byte
	var second errgroup.Group
	second.Go(func() (err error) {
		data, err = c.GetBlock(t.Context(), id, 0, 100)
		return err
	})
	await(func() bool { return c.Stats().Misses == 2 })
	cancel()
	_ = g.Wait() // before the engine answers
	close(gate)
	if err := second.Wait(); err != nil || len(data) != 100 {
		t.Errorf("the other caller got %d bytes, %v", len(data), err)
	}
	if n := len(p.asked()); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
}

func TestErrorReachesAllAndIsForgotten(t *testing.T) {
	const readers = 16
	p := newProbe()
	c := open(t, p, Options{})
	id := block(fill(t, p, 1, blockstore.MaxBlock), 0)
	gate := make(chan struct{})
	broken := blockstore.E("get block", id.String(), blockstore.Corrupt, nil)
	p.when(func() error { <-gate; return broken }, nil)

	var g errgroup.Group
	for range readers {
		g.Go(func() error {
			if _, err := c.GetBlock(t.Context(), id, 10, 10); !errors.Is(err, broken) {
				t.Errorf("got %v, want the error of the engine", err)
			}
			return nil
		})
	}
	await(func() bool { return c.Stats().Misses == readers })
	close(gate)
	_ = g.Wait()
	if n := len(p.asked()); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
	p.when(nil, nil)
	if got := must(t, c, id, 10, 10); len(got) != 10 {
		t.Errorf("%d bytes after the fault, want 10", len(got))
	}
}

// The fault of one granule is no answer to those who want another.
func TestErrorOfAWiderFetchIsNotShared(t *testing.T) {
	p := newProbe()
	c := open(t, p, Options{})
	id := block(fill(t, p, 1, blockstore.MaxBlock), 0)
	gate := make(chan struct{})
	p.when(func() error { <-gate; return blockstore.E("get block", "", blockstore.Corrupt, nil) }, nil)

	var wide, narrow errgroup.Group
	wide.Go(func() error { _, err := c.GetBlock(t.Context(), id, 0, blockstore.MaxBlock); return err })
	await(func() bool { return c.Stats().Misses == 1 })
	narrow.Go(func() error { _, err := c.GetBlock(t.Context(), id, blockstore.Granule, 10); return err })
	await(func() bool { return c.Stats().Misses == 2 && len(p.asked()) == 1 })
	p.when(nil, nil)
	close(gate)
	if err := wide.Wait(); !errors.Is(err, blockstore.Corrupt) {
		t.Errorf("who asked for all got %v, want Corrupt", err)
	}
	if err := narrow.Wait(); err != nil {
		t.Errorf("who asked for a good granule got %v", err)
	}
}

// Once PutBlock has returned the block is found, though a fetch from before is
// still under way.
func TestNotFoundFromBeforeThePut(t *testing.T) {
	p := newProbe()
	c := open(t, p, Options{})
	id := block(blockstore.NewID(), 0)
	gate := make(chan struct{})
	answered := make(chan struct{}, 10)
	p.when(nil, func() { answered <- struct{}{}; <-gate })

	var early, late errgroup.Group
	early.Go(func() error { _, err := c.GetBlock(t.Context(), id, 0, 10); return err })
	<-answered
	if err := c.PutBlock(t.Context(), id, []byte("0123456789")); err != nil {
		t.Fatal(err)
	}
	late.Go(func() error { _, err := c.GetBlock(t.Context(), id, 0, 10); return err })
	await(func() bool { return c.Stats().Misses == 2 })
	close(gate)
	if err := early.Wait(); !errors.Is(err, blockstore.NotFound) {
		t.Errorf("before the put: %v, want NotFound", err)
	}
	if err := late.Wait(); err != nil {
		t.Errorf("after the put: %v", err)
	}
}

func TestDeletedBlocksAreDropped(t *testing.T) {
	seg := blockstore.NewID()
	deletions := map[string]func(c *Cache) error{
		"blocks":  func(c *Cache) error { return c.DeleteBlocks(t.Context(), []blockstore.BlockID{block(seg, 1)}) },
		"segment": func(c *Cache) error { return c.RemoveSegment(t.Context(), seg, 2, 0) },
		"long":    func(c *Cache) error { return c.RemoveSegment(t.Context(), seg, 1<<30, 0) },
	}
	for name, remove := range deletions {
		t.Run(name, func(t *testing.T) {
			p := newProbe()
			c := open(t, p, Options{})
			id := block(seg, 1)
			if err := c.PutBlock(t.Context(), id, pattern(id, 3*blockstore.Granule)); err != nil {
				t.Fatal(err)
			}
			must(t, c, id, 0, 10)
			var g errgroup.Group
			answered, gate := make(chan struct{}), make(chan struct{})
			p.when(nil, func() { close(answered); <-gate })
			g.Go(func() error { _, err := c.GetBlock(t.Context(), id, blockstore.Granule, 10); return err })
			<-answered
			p.when(nil, nil)
			if err := remove(c); err != nil {
				t.Fatal(err)
			}
			close(gate)
			if err := g.Wait(); err != nil {
				t.Error(err) // it was begun before
			}
			for _, off := range []int{0, blockstore.Granule} {
				if _, err := c.GetBlock(t.Context(), id, off, 10); !errors.Is(err, blockstore.NotFound) {
					t.Errorf("at %d: %v, want NotFound", off, err)
				}
			}
			if n := c.Stats().Bytes; n != 0 {
				t.Errorf("%d bytes are kept of nothing", n)
			}
		})
	}
}
