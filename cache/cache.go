// Package cache keeps blocks in memory in front of an engine, and reads ahead
// of sequential readers.
//
// A Cache is itself a blockstore.Store: what it does not keep goes straight to
// the engine. Blocks never change, so nothing in it is ever stale; deleted
// ones are dropped to free their room. It holds no policy about files and
// knows nothing of records or doors.
//
//	cache.go   what callers see
//	run.go     the unit that is fetched, kept and evicted
//	memory.go  which runs are kept
//	ahead.go   which runs are fetched before anybody asks
//
// This package imports blockstore, the standard library and golang-lru.
package cache

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/cairnfs/cairn/blockstore"
)

// Options for New. The zero value is good for most.
type Options struct {
	// Bytes bounds what the cache keeps in memory. Bytes that callers still
	// hold after their eviction are not counted. Default 256 MiB.
	Bytes int64
	// ReadAhead is how many bytes are fetched ahead of a sequential reader at
	// most: default 4 MiB, none if negative, and no more than an eighth of
	// Bytes.
	ReadAhead int
	// Workers is how many fetches read-ahead has under way at most; default 4.
	Workers int
}

const (
	defaultBytes     = 256 << 20
	defaultReadAhead = 4 << 20
	defaultWorkers   = 4
)

func (o Options) withDefaults() Options {
	if o.Bytes <= 0 {
		o.Bytes = defaultBytes
	}
	if o.ReadAhead == 0 {
		o.ReadAhead = defaultReadAhead
	}
	if o.Workers <= 0 {
		o.Workers = defaultWorkers
	}
	o.ReadAhead = int(min(int64(o.ReadAhead), o.Bytes/8))
	return o
}

// Cache is a Store that remembers the blocks of the one below it. It must be
// closed instead of that one.
type Cache struct {
	blockstore.Store
	shards   []shard
	ahead    readAhead
	fetching sync.WaitGroup // fetches that callers began
}

var _ blockstore.Store = (*Cache)(nil)

// New returns a cache over inner, which belongs to it from now on. Slices that
// inner returns should not be small parts of large buffers: they are kept.
// Read-ahead happens only while Serve runs.
func New(inner blockstore.Store, o Options) *Cache {
	o = o.withDefaults()
	return &Cache{Store: inner, shards: newShards(o.Bytes), ahead: newReadAhead(o)}
}

// GetBlock is the engine's, from memory if it can be. It may stop early where
// one fetch ended and the next began.
//
// A miss fetches the granules asked for in one call, for everybody who waits
// for them. The fetch goes on when its callers give up, and a failed one is
// forgotten.
func (c *Cache) GetBlock(ctx context.Context, id blockstore.BlockID, off, n int) ([]byte, error) {
	if off < 0 || off >= maxSize(id) || n < 1 || ctx.Err() != nil {
		return c.Store.GetBlock(ctx, id, off, n) // to hear what is wrong
	}
	s, w := c.shard(id), newWish(id, off, n)
	for again := false; ; again = true {
		r, how, news := s.claim(w)
		if how == begun {
			c.start(ctx, s, r)
		}
		if news {
			c.ahead.follow(w)
		}
		if how != held {
			if err := r.wait(ctx); err != nil {
				return nil, err
			}
		}
		data := r.cut(w)
		switch {
		case len(data) > 0:
			return data, nil
		case r.err != nil && (how == begun || r.answers(w, again)):
			return nil, r.err
		case r.err == nil && r.endsBlock():
			return c.Store.GetBlock(ctx, id, off, n) // past the end
		}
		// The run that others fetched did not tell: claim again.
	}
}

// start fetches a run that a caller began. The fetch is not the caller's alone,
// so it does not end with the caller's context.
func (c *Cache) start(ctx context.Context, s *shard, r *run) {
	ctx = context.WithoutCancel(ctx)
	c.fetching.Go(func() { c.fetch(ctx, s, r) })
}

var errNoBytes = errors.New("the engine returned no bytes")

// fetch asks the engine for a run and lets everybody have it.
func (c *Cache) fetch(ctx context.Context, s *shard, r *run) {
	data, err := c.Store.GetBlock(ctx, r.id, r.first*blockstore.Granule, r.granules*blockstore.Granule)
	if err == nil && len(data) == 0 {
		err = blockstore.E("get block", r.id.String(), blockstore.Corrupt, errNoBytes)
	}
	s.settle(r, data, err)
}

// DeleteBlocks deletes in the engine, then drops what is kept of the blocks:
// in this order nothing can be fetched in between and stay.
func (c *Cache) DeleteBlocks(ctx context.Context, ids []blockstore.BlockID) error {
	err := c.Store.DeleteBlocks(ctx, ids)
	for _, id := range ids {
		c.shard(id).drop(id)
	}
	return err
}

// RemoveSegment removes in the engine, then drops what is kept of the segment.
func (c *Cache) RemoveSegment(ctx context.Context, id blockstore.SegmentID, blocks, small uint32) error {
	err := c.Store.RemoveSegment(ctx, id, blocks, small)
	c.dropSegment(id, blocks, small)
	return err
}

// fewBlocks is where looking at all that is kept becomes cheaper than looking
// for each block by name.
const fewBlocks = 1024

func (c *Cache) dropSegment(id blockstore.SegmentID, blocks, small uint32) {
	if uint64(blocks)+uint64(small) > fewBlocks {
		for i := range c.shards {
			c.shards[i].dropSegment(id)
		}
		return
	}
	for _, kind := range []struct{ first, count uint32 }{{0, blocks}, {blockstore.SmallBit, small}} {
		for n := range kind.count {
			b := blockstore.BlockID{Segment: id, Number: kind.first + n}
			c.shard(b).drop(b)
		}
	}
}

// Close waits for the fetches under way and closes the engine. Serve must have
// returned.
func (c *Cache) Close() error {
	c.fetching.Wait()
	return c.Store.Close()
}

// shard is where a block is kept. Neighbours go to different ones, so that a
// large file fills all of them evenly.
func (c *Cache) shard(id blockstore.BlockID) *shard {
	n := binary.LittleEndian.Uint64(id.Segment[8:]) + uint64(id.Number)
	return &c.shards[n%uint64(len(c.shards))]
}

// Stats are counts since New, but for Bytes.
type Stats struct {
	Hits      uint64 // look-ups that found their bytes in memory
	Misses    uint64 // look-ups that had to wait for the engine
	Bytes     int64  // kept now
	Evictions uint64 // runs that made room for others
	Fetches   uint64 // calls of the engine, those of read-ahead included

	Ahead       uint64 // runs that read-ahead fetched
	AheadUseful uint64 // of them: read since
	AheadWasted uint64 // of them: evicted or dropped unread
}

// Stats adds up the counters.
func (c *Cache) Stats() Stats {
	var sum Stats
	for i := range c.shards {
		c.shards[i].addTo(&sum)
	}
	return sum
}
