// Package cache keeps blocks in memory, and on a local disk if the engine is
// across a network, in front of an engine, and reads ahead of sequential readers.
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
//	disk.go    the tier between memory and a remote engine
//	entry.go   the format of its files
//	room.go    which of them are kept
//
// What the disk tier holds is a copy of what the engine has, and never trusted:
// losing or damaging any of it costs a fetch.
//
// This package imports blockstore, the standard library and golang-lru.
package cache

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"

	"github.com/cairnfs/cairn/blockstore"
)

// Options for New. The zero value is good for most.
type Options struct {
	// Bytes bounds what the cache keeps in memory. Bytes that callers still
	// hold after their eviction are not counted. Default 256 MiB.
	Bytes int64
	// ReadAhead is how many bytes are fetched ahead of a sequential reader at
	// most: default 4 MiB, or 16 MiB if Remote; none if negative, and no more
	// than an eighth of Bytes.
	ReadAhead int
	// Workers is how many fetches read-ahead has under way at most; default 4,
	// or 8 if Remote.
	Workers int
	// Remote says that the engine is across a network and reads whole blocks
	// only, whatever part is asked for: so each is fetched whole, once.
	Remote bool
	// Disk, if it has a Dir, keeps blocks on disk too; it is for engines that
	// are Remote, which it implies.
	Disk Disk
	// Logger hears of a disk that fails. Default: nobody does.
	Logger *slog.Logger
}

const (
	defaultBytes     = 256 << 20
	defaultReadAhead = 4 << 20
	defaultWorkers   = 4

	remoteReadAhead = 16 << 20
	remoteWorkers   = 8
)

func (o Options) withDefaults() Options {
	if o.Bytes <= 0 {
		o.Bytes = defaultBytes
	}
	o.Remote = o.Remote || o.Disk.Dir != ""
	ahead, workers := defaultReadAhead, defaultWorkers
	if o.Remote {
		ahead, workers = remoteReadAhead, remoteWorkers
	}
	if o.ReadAhead == 0 {
		o.ReadAhead = ahead
	}
	if o.Workers <= 0 {
		o.Workers = workers
	}
	o.ReadAhead = int(min(int64(o.ReadAhead), o.Bytes/8))
	if o.Disk.Bytes <= 0 {
		o.Disk.Bytes = defaultDiskBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Cache is a Store that remembers the blocks of the one below it. It must be
// closed instead of that one.
type Cache struct {
	blockstore.Store
	shards   []shard
	disk     *disk // nil: there is none
	ahead    readAhead
	fetching sync.WaitGroup // fetches that callers began
}

var _ blockstore.Store = (*Cache)(nil)

// New returns a cache over inner, which belongs to it from now on. Slices that
// inner returns should not be small parts of large buffers: they are kept.
// Only while Serve runs is anything read ahead, or written to disk.
func New(inner blockstore.Store, o Options) *Cache {
	o = o.withDefaults()
	d := newDisk(o)
	return &Cache{Store: inner, shards: newShards(o, d), disk: d, ahead: newReadAhead(o)}
}

// Serve reads ahead and writes to disk until ctx is done; it then returns nil.
// It may be called again, but not twice at a time.
func (c *Cache) Serve(ctx context.Context) error {
	var workers sync.WaitGroup
	if c.disk != nil {
		workers.Go(func() { c.disk.serve(ctx) })
	}
	workers.Go(func() { c.readAhead(ctx) })
	workers.Wait()
	return nil
}

// PutBlock is the engine's; what it stored is kept on disk.
func (c *Cache) PutBlock(ctx context.Context, id blockstore.BlockID, data []byte) error {
	err := c.Store.PutBlock(ctx, id, data)
	if err == nil {
		c.disk.offerCopy(id, data)
	}
	return err
}

// GetBlock is the engine's, from memory or disk if it can be. It may stop early
// where one fetch ended and the next began.
//
// A miss fetches the granules asked for, or the whole block if the engine is
// remote, in one call, for everybody who waits for them. The fetch goes on when
// its callers give up, and a failed one is forgotten.
func (c *Cache) GetBlock(ctx context.Context, id blockstore.BlockID, off, n int) ([]byte, error) {
	if off < 0 || off >= maxSize(id) || n < 1 || ctx.Err() != nil {
		return c.Store.GetBlock(ctx, id, off, n) // to hear what is wrong
	}
	s, w := c.shard(id), newWish(id, off, n)
	for again := false; ; again = true {
		r, how, heard := s.claim(w)
		if how == begun {
			c.start(ctx, s, r)
		}
		if heard != nothing {
			c.ahead.follow(w, heard)
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

// fetch looks on disk for a run, or asks the engine, and lets everybody have it.
func (c *Cache) fetch(ctx context.Context, s *shard, r *run) {
	if r.whole {
		if data := c.disk.get(r.id); data != nil {
			r.stored = true
			s.settle(r, data, nil)
			return
		}
	}
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
	release := c.disk.drop(ids)
	defer release()
	for _, id := range ids {
		c.shard(id).drop(id)
	}
	return err
}

// RemoveSegment removes in the engine, then drops what is kept of the segment.
func (c *Cache) RemoveSegment(ctx context.Context, id blockstore.SegmentID, blocks, small uint32) error {
	err := c.Store.RemoveSegment(ctx, id, blocks, small)
	release := c.disk.dropSegment(id, blocks)
	defer release()
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
	Misses    uint64 // look-ups that had to wait for disk or engine
	Bytes     int64  // kept now
	Evictions uint64 // runs that made room for others
	Fetches   uint64 // calls of the engine, those of read-ahead included

	Ahead       uint64 // runs that read-ahead fetched
	AheadUseful uint64 // of them: read since
	AheadWasted uint64 // of them: evicted or dropped unread

	Disk DiskStats
}

// Stats adds up the counters.
func (c *Cache) Stats() Stats {
	var sum Stats
	for i := range c.shards {
		c.shards[i].addTo(&sum)
	}
	c.disk.addTo(&sum.Disk)
	return sum
}
