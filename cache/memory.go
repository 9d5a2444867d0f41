package cache

import (
	"math"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/cairnfs/cairn/blockstore"
)

// queue holds runs by age of use; its size in bytes is the shard's business.
type queue = simplelru.LRU[*run, struct{}]

func newQueue() *queue {
	q, err := simplelru.NewLRU[*run, struct{}](math.MaxInt, nil)
	if err != nil {
		panic(err) // for a size below 1 only
	}
	return q
}

// shard keeps the runs of some of the blocks, up to a number of bytes.
//
// Runs come into probation, which is first in, first out, and move to protected
// when they prove to be read again and again. Room is taken from probation
// first, so a scan of any length pushes out only what was not read twice.
//
// Reads of a run that was moved not long ago move nothing. They prove nothing,
// as a reader's next request mostly falls into the run of its last one, and
// it makes hits cheap.
type shard struct {
	max          int64 // bytes of all runs
	maxProtected int64
	young        int64 // what the clock may run until a read counts
	whole        bool  // blocks are fetched whole
	disk         *disk // hears of what came from the engine; may be nil

	mu sync.Mutex
	// blocks has for each granule of a block the run with it, kept or being
	// fetched, or nil. A block without any is not in it.
	blocks         map[blockstore.BlockID][]*run
	probation      *queue
	protected      *queue
	bytes          int64 // of the runs in both queues
	protectedBytes int64
	clock          int64 // bytes that ever came
	stats          Stats
}

const (
	shardBytes = 16 << 20 // so that a whole block is a small part of it
	maxShards  = 64

	// overhead is about what a run costs beside its bytes (measured).
	overhead = 512
)

func newShards(o Options, d *disk) []shard {
	shards := make([]shard, max(1, min(o.Bytes/shardBytes, maxShards)))
	for i := range shards {
		s := &shards[i]
		s.whole, s.disk = o.Remote, d
		s.max = o.Bytes / int64(len(shards))
		s.maxProtected = s.max / 5 * 4
		s.young = s.max / 16
		s.blocks = make(map[blockstore.BlockID][]*run)
		s.probation, s.protected = newQueue(), newQueue()
	}
	return shards
}

// claimed says how a wish came to its run.
type claimed uint8

const (
	held   claimed = iota // it is settled
	joined                // somebody is fetching it
	begun                 // the caller must fetch it
)

// news is what read-ahead should hear of a look-up.
type news uint8

const (
	nothing news = iota
	fresh        // a miss, or the first read of a run that read-ahead fetched
	onward       // a block that was fetched whole turns out to be read in order
)

// claim returns the run with the first granule of the wish.
func (s *shard) claim(w wish) (r *run, how claimed, heard news) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if runs := s.blocks[w.id]; runs != nil {
		r = runs[w.first()]
	}
	if r == nil {
		s.stats.Misses++
		r = s.begin(w)
		r.seen = w.end
		return r, begun, fresh
	}
	heard = s.touch(r, w)
	if r.settled {
		s.stats.Hits++
		return r, held, heard
	}
	s.stats.Misses++
	return r, joined, heard
}

// claimAhead begins the first run of the wish that is missing; nil, if there is none.
func (s *shard) claimAhead(w wish) *run {
	s.mu.Lock()
	defer s.mu.Unlock()
	runs := s.blocks[w.id]
	for g := w.first(); g < w.limit(); g++ {
		if runs == nil || runs[g] == nil {
			w.off = g * blockstore.Granule
			r := s.begin(w)
			r.ahead = true
			return r
		}
	}
	return nil
}

// begin makes a run of the missing granules at the start of the wish, or of all
// that are missing around there if blocks are fetched whole.
func (s *shard) begin(w wish) *run {
	runs := s.blocks[w.id]
	if runs == nil {
		runs = make([]*run, maxGranules(w.id))
		s.blocks[w.id] = runs
	}
	first, limit := w.first(), w.limit()
	if s.whole {
		for limit = len(runs); first > 0 && runs[first-1] == nil; first-- {
		}
	}
	r := &run{id: w.id, first: first, done: make(chan struct{})}
	for g := r.first; g < limit && runs[g] == nil; g++ {
		runs[g] = r
		r.granules++
	}
	r.whole = s.whole && r.granules == len(runs)
	return r
}

// settle ends the fetch of a run: it is kept if all went well.
func (s *shard) settle(r *run, data []byte, err error) {
	defer close(r.done)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !r.stored {
		s.stats.Fetches++
	}
	r.settled, r.err = true, err
	if err == nil {
		r.data = data[:min(len(data), r.granules*blockstore.Granule)]
		s.countAhead(r)
	}
	if r.dropped {
		return
	}
	s.clear(r, r.first+granules(len(r.data)))
	if err == nil {
		r.granules = granules(len(r.data)) // what a failed one asked for is still of interest
		s.keep(r)
		if r.whole && !r.stored {
			s.disk.offer(r.id, r.data)
		}
	}
}

// countAhead counts a run that read-ahead fetched; it may have readers waiting.
func (s *shard) countAhead(r *run) {
	if r.ahead {
		s.stats.Ahead++
	}
	if r.ahead && r.seen > 0 {
		s.stats.AheadUseful++
	}
}

// keep puts a new run into probation and makes room for it.
func (s *shard) keep(r *run) {
	s.bytes += r.cost()
	s.clock += r.cost()
	s.enqueue(r, s.probation)
	for s.bytes > s.max {
		oldest, _, ok := s.probation.GetOldest()
		if !ok {
			oldest, _, _ = s.protected.GetOldest()
		}
		s.stats.Evictions++
		s.forget(oldest)
	}
}

// touch notes that some of a run is read, and says what read-ahead should hear
// of it.
func (s *shard) touch(r *run, w wish) (heard news) {
	first := r.ahead && r.seen == 0
	if first && r.settled {
		s.stats.AheadUseful++
	}
	if first {
		heard = fresh
	} else if r.whole && r.moves(w) {
		heard = onward
	}
	again := w.off < r.seen // some of it was read before, in whatever steps
	r.seen = max(r.seen, w.end)
	if again && r.queue != nil && s.clock-r.stamp > s.young {
		s.protect(r)
	}
	return heard
}

// protect makes a run the newest of protected. What has no room there gets a
// second chance in probation.
func (s *shard) protect(r *run) {
	s.dequeue(r)
	s.enqueue(r, s.protected)
	for s.protectedBytes > s.maxProtected {
		oldest, _, _ := s.protected.GetOldest()
		s.dequeue(oldest)
		s.enqueue(oldest, s.probation)
	}
}

func (s *shard) enqueue(r *run, q *queue) {
	q.Add(r, struct{}{})
	r.queue, r.stamp = q, s.clock
	if q == s.protected {
		s.protectedBytes += r.cost()
	}
}

func (s *shard) dequeue(r *run) {
	r.queue.Remove(r)
	if r.queue == s.protected {
		s.protectedBytes -= r.cost()
	}
	r.queue = nil
}

// forget lets go of a run that is kept.
func (s *shard) forget(r *run) {
	s.dequeue(r)
	s.bytes -= r.cost()
	if r.ahead && r.seen == 0 {
		s.stats.AheadWasted++
	}
	s.clear(r, r.first)
}

// clear makes the granules of a run from one on missing.
func (s *shard) clear(r *run, from int) {
	runs := s.blocks[r.id]
	clear(runs[from : r.first+r.granules])
	if !slices.ContainsFunc(runs, func(r *run) bool { return r != nil }) {
		delete(s.blocks, r.id)
	}
}

// drop forgets a block; what is being fetched of it will not be kept.
func (s *shard) drop(id blockstore.BlockID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	runs := s.blocks[id]
	for _, r := range slices.Compact(slices.Clone(runs)) {
		switch {
		case r == nil:
		case r.settled:
			s.forget(r)
		default:
			r.dropped = true
			s.clear(r, r.first)
		}
	}
}

// dropSegment drops all blocks of a segment.
func (s *shard) dropSegment(id blockstore.SegmentID) {
	s.mu.Lock()
	var ids []blockstore.BlockID
	for b := range s.blocks {
		if b.Segment == id {
			ids = append(ids, b)
		}
	}
	s.mu.Unlock()
	for _, b := range ids {
		s.drop(b)
	}
}

func (s *shard) addTo(sum *Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum.Hits += s.stats.Hits
	sum.Misses += s.stats.Misses
	sum.Bytes += s.bytes
	sum.Evictions += s.stats.Evictions
	sum.Fetches += s.stats.Fetches
	sum.Ahead += s.stats.Ahead
	sum.AheadUseful += s.stats.AheadUseful
	sum.AheadWasted += s.stats.AheadWasted
}

// cost is what a kept run counts for, as if it were the only one of its block.
func (r *run) cost() int64 { return int64(len(r.data) + overhead + 8*maxGranules(r.id)) }
