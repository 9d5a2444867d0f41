package cache

import (
	"context"
	"errors"

	"github.com/cairnfs/cairn/blockstore"
)

// perBlock is the most granules that a block has.
const perBlock = blockstore.MaxBlock / blockstore.Granule

// maxSize is the most bytes that the block can have.
func maxSize(id blockstore.BlockID) int {
	if id.Small() {
		return blockstore.MaxSmall
	}
	return blockstore.MaxBlock
}

// maxGranules is the most granules that the block can have.
func maxGranules(id blockstore.BlockID) int { return granules(maxSize(id)) }

// granules is how many granules n bytes from the start of one need.
func granules(n int) int { return (n + blockstore.Granule - 1) / blockstore.Granule }

// wish is a range of a block that somebody wants.
type wish struct {
	id       blockstore.BlockID
	off, end int // in bytes, not empty
}

// newWish cuts the range at the largest size of the block.
func newWish(id blockstore.BlockID, off, n int) wish {
	return wish{id, off, off + min(n, maxSize(id)-off)}
}

// first and limit are the granules wanted: from first to before limit.
func (w wish) first() int { return w.off / blockstore.Granule }
func (w wish) limit() int { return granules(w.end) }

// run is some granules of a block in one buffer. It is what is fetched, kept
// and evicted: one granule of it that is kept keeps the whole buffer alive, so
// the run is counted and let go as one. The granules of a run are in no other
// run of its shard.
type run struct {
	id    blockstore.BlockID
	first int
	ahead bool          // begun by read-ahead
	whole bool          // asks for all of a block that the engine reads as one
	done  chan struct{} // closed once settled

	// Written by settle, before done is closed; then they stay.
	granules int // at first those asked for, then those that came
	data     []byte
	err      error
	stored   bool // came from disk; written by the fetch

	// Guarded by the mutex of the shard.
	settled bool
	dropped bool   // while it was fetched: keep nothing of it
	queue   *queue // that it is kept in
	seen    int    // the end of what was read of it, an offset in the block
	onward  int    // bytes by which later reads than the first moved seen
	stamp   int64  // the shard's clock when it was put where it is in queue
}

// wait returns when the run is settled or the caller gives up.
func (r *run) wait(ctx context.Context) error {
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return blockstore.E("get block", r.id.String(), blockstore.Canceled, ctx.Err())
	}
}

// cut returns what a settled run has of the wish from its start; nothing, if it
// does not reach so far.
func (r *run) cut(w wish) []byte {
	base := r.first * blockstore.Granule
	lo, hi := w.off-base, min(w.end-base, len(r.data))
	if lo >= hi {
		return nil
	}
	return r.data[lo:hi:hi]
}

// answers says whether the error of a settled run is also that of a wish that
// joined it. It is not if the run was a guess of read-ahead, or wider than the
// wish: the fault may lie in the rest, unless the engine knows whole blocks
// only; there a fault may take long, and many wait, so that each must not try
// for himself. And a NotFound may be older than the wish, and the block have
// been put in between, unless the wish has waited for another run before.
func (r *run) answers(w wish, again bool) bool {
	narrow := r.first >= w.first() && r.first+r.granules <= w.limit()
	same := narrow && !r.ahead || r.whole && !errors.Is(r.err, blockstore.Canceled)
	return same && (again || !errors.Is(r.err, blockstore.NotFound))
}

// endsBlock says whether nothing follows the bytes of a settled run: the engine
// stops early only at the border of a granule, or never if it reads whole blocks.
func (r *run) endsBlock() bool {
	return len(r.data)%blockstore.Granule != 0 || r.whole && len(r.data) < maxSize(r.id)
}

// onwardBytes is how far a reader must get in a block, after its first read of
// it, to be taken for a sequential one. Random reads hardly ever move the end of
// what was read so far.
const onwardBytes = blockstore.MaxBlock / 4

// moves notes by how much a read moves the end of what was read of a run, and
// says whether it has now proved to be read in order. A block that is not
// full is mostly the last of its segment, and proves nothing.
func (r *run) moves(w wish) bool {
	if r.ahead || w.end <= r.seen || r.onward >= onwardBytes || r.settled && len(r.data) < blockstore.MaxBlock {
		return false
	}
	r.onward += w.end - max(w.off, r.seen)
	return r.onward >= onwardBytes
}
