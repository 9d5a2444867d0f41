package cache

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/cairnfs/cairn/blockstore"
)

// readAhead guesses what is asked for next. It hears only of misses and of the
// first read in each run that it fetched itself, so hits cost it nothing.
//
// It counts in granules, and numbers those of a segment as if each block were
// full: what is asked for past the end of a block costs nothing.
type readAhead struct {
	window  int  // the widest
	whole   bool // blocks are fetched whole
	workers int
	queue   chan task
	serving atomic.Bool

	mu      sync.Mutex
	streams *simplelru.LRU[blockstore.BlockID, *stream] // by the block read last
}

// stream is one reader that may be sequential.
type stream struct {
	next   int // granule of its block where a sequential reader goes on
	steps  int // times that it did
	length int // granules read so
	window int // how far to fetch ahead; 0 until it proved to be sequential
	ahead  int // granule of the segment up to which all was asked for
	end    int // granule of the segment from which on there was no block
	size   int // of the longest block fetched for it, if blocks are fetched whole
}

// task is a range to be fetched for a stream.
type task struct {
	wish
	stream *stream
}

const (
	// maxStreams is how many readers are told apart. It is also what makes
	// random readers look random: few of their reads find one of the last
	// streams where they come.
	maxStreams = 256
	// maxTasks is how many fetches may wait for a worker; more are not worth
	// having.
	maxTasks = 64
	// steadySteps is how often a reader must go on where it stopped; once is
	// enough if it has read a whole block so.
	steadySteps = 3
	// firstWindow is the narrowest, in granules.
	firstWindow = 4
	// noEnd is past every block that read-ahead may ask for.
	noEnd = int(blockstore.SmallBit) * perBlock
)

func newReadAhead(o Options) readAhead {
	streams, err := simplelru.NewLRU[blockstore.BlockID, *stream](maxStreams, nil)
	if err != nil {
		panic(err) // for a size below 1 only
	}
	return readAhead{
		window: o.ReadAhead / blockstore.Granule, whole: o.Remote, workers: o.Workers,
		queue: make(chan task, maxTasks), streams: streams,
	}
}

// readAhead fetches what the read-ahead asks for, until ctx is done.
func (c *Cache) readAhead(ctx context.Context) {
	var workers sync.WaitGroup
	if c.ahead.window > 0 {
		c.ahead.serving.Store(true)
		defer c.ahead.serving.Store(false)
		for range c.ahead.workers {
			workers.Go(func() { c.work(ctx) })
		}
	}
	<-ctx.Done()
	workers.Wait()
}

func (c *Cache) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-c.ahead.queue:
			c.fetchAhead(ctx, t)
		}
	}
}

// fetchAhead fetches what is missing of a task. An error ends it and is nobody's:
// who wants the bytes asks again, and gets one of its own.
func (c *Cache) fetchAhead(ctx context.Context, t task) {
	s := c.shard(t.id)
	for t.off < t.end && !c.ahead.over(t) {
		r := s.claimAhead(t.wish)
		if r == nil {
			return
		}
		c.fetch(ctx, s, r)
		c.ahead.learn(t, r)
		if r.err != nil || r.endsBlock() {
			return
		}
		t.off = (r.first + r.granules) * blockstore.Granule
	}
}

// follow hears of a read, and asks for what should be fetched after it.
func (a *readAhead) follow(w wish, heard news) {
	if w.id.Small() || !a.serving.Load() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.find(w, heard)
	s.next = w.limit()
	s.length += w.limit() - w.first()
	if !s.steady() {
		return
	}
	least := firstWindow
	if a.whole {
		least = perBlock
	}
	s.window = min(a.window, max(least, 2*s.window, 2*(w.limit()-w.first())))
	a.plan(s, w)
}

// steady says whether the reader is taken for a sequential one.
func (s *stream) steady() bool {
	return s.steps >= steadySteps || s.steps > 0 && s.length >= perBlock
}

// find returns the stream that goes on with the read, or a new one.
func (a *readAhead) find(w wish, heard news) *stream {
	if heard == onward {
		s := &stream{steps: steadySteps, end: noEnd, size: blockstore.MaxBlock}
		a.streams.Add(w.id, s)
		return s
	}
	if s, ok := a.streams.Get(w.id); ok && s.goesOn(w, s.next) {
		return s
	}
	if w.id.Number > 0 {
		before := w.id
		before.Number--
		if s, ok := a.streams.Peek(before); ok && s.goesOn(w, 0) {
			a.streams.Remove(before)
			a.streams.Add(w.id, s)
			return s
		}
	}
	s := &stream{end: noEnd}
	a.streams.Add(w.id, s)
	return s
}

// goesOn says whether a read in the block of a stream, or in the one after it,
// belongs to it. Until a stream is known to be sequential its reads must come
// in order; then they may overtake each other.
func (s *stream) goesOn(w wish, next int) bool {
	if s.window == 0 && w.first() != next {
		return false
	}
	s.steps++
	return true
}

// plan asks for all up to the window after the read. A wide window ends with a
// block, so that whole blocks are fetched.
func (a *readAhead) plan(s *stream, w wish) {
	at := place(w.id, w.limit())
	if a.whole {
		at = place(w.id, perBlock)
	}
	limit := at + s.window
	if s.window >= perBlock {
		limit -= limit % perBlock
	}
	if at > s.end {
		s.end = noEnd // it was not the end, or is no more
	}
	s.ahead = max(s.ahead, at)
	for s.ahead < min(limit, s.end) {
		next := min(limit, s.ahead-s.ahead%perBlock+perBlock)
		select {
		case a.queue <- task{wishFor(w.id.Segment, s.ahead, next), s}:
			s.ahead = next
		default:
			return // the next read asks again
		}
	}
}

// place is the number of a granule of a block within its segment.
func place(id blockstore.BlockID, granule int) int {
	return int(id.Number)*perBlock + granule
}

// wishFor is for the granules of a segment from one up to another, which are
// in one block.
func wishFor(seg blockstore.SegmentID, from, to int) wish {
	id := blockstore.BlockID{Segment: seg, Number: uint32(from / perBlock)}
	base := place(id, 0)
	return wish{id, (from - base) * blockstore.Granule, (to - base) * blockstore.Granule}
}

// learn notes what the fetch of a task tells of the end of its segment: there is
// no such block, or it is shorter than the others, as only the last one is.
func (a *readAhead) learn(t task, r *run) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := t.stream
	switch {
	case errors.Is(r.err, blockstore.NotFound):
		s.end = min(s.end, place(t.id, 0))
	case r.err == nil && r.whole && len(r.data) < s.size:
		s.end = min(s.end, place(t.id, perBlock))
	case r.err == nil && r.whole:
		s.size = len(r.data)
	}
}

// over says whether a task is past the end of its segment.
func (a *readAhead) over(t task) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return place(t.id, 0) >= t.stream.end
}
