package embedded

import (
	"context"
	"errors"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// A removal is a commit in the log first. The file goes only after the log is
// synced to there: else a power cut could take back the change that made the
// blocks garbage, and keep their removal. Until then the blocks are doomed: no
// reader finds them.

// doom is what is to be removed of one segment.
type doom struct {
	whole  bool
	blocks map[uint32]bool
}

// manySmall is from where on a segment's small blocks are removed with one range
// tombstone; for few ones it would cost every reader more than it saves.
const manySmall = 64

// maxDoomed is how many segments wait for a sync before a removal forces one.
const maxDoomed = 4096

// DeleteBlocks removes single blocks.
func (s *Store) DeleteBlocks(ctx context.Context, ids []blockstore.BlockID) error {
	const op = "delete blocks"
	if err := s.usable(ctx, op, ""); err != nil {
		return err
	}
	b := s.db.NewBatch()
	defer b.Close()
	var large []blockstore.BlockID
	for _, id := range ids {
		if id.Small() {
			_ = b.Delete(smallKey(id), nil)
		} else {
			_ = b.Set(blockKey(removalKeys, id), nil, nil)
			large = append(large, id)
		}
	}
	s.segs.discard(large)
	if err := s.logRemoval(op, "", b); err != nil {
		return err
	}
	return s.enforceDoomed(ctx, s.segs.doomBlocks(large))
}

// RemoveSegment removes a segment and its small blocks.
func (s *Store) RemoveSegment(ctx context.Context, id blockstore.SegmentID, blocks, small uint32) error {
	const op = "remove segment"
	if err := s.usable(ctx, op, id.String()); err != nil {
		return err
	}
	b := s.db.NewBatch()
	defer b.Close()
	if err := s.removeSmall(b, id); err != nil {
		return fault(op, id.String(), err)
	}
	there := false
	if blocks > 0 || small == 0 { // else it has small blocks, and no file to look for
		var err error
		if there, err = s.segs.exists(id); err != nil {
			return fault(op, id.String(), err)
		}
	}
	if there {
		_ = b.Set(segmentKey(removalKeys, id), nil, nil)
		s.segs.discardSegment(id)
	}
	if err := s.logRemoval(op, id.String(), b); err != nil || !there {
		return err
	}
	return s.enforceDoomed(ctx, s.segs.doomSegment(id))
}

// removeSmall adds the removal of the segment's small blocks to the batch.
func (s *Store) removeSmall(b *pebble.Batch, id blockstore.SegmentID) error {
	prefix := segmentKey(smallKeys, id)
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: prefixEnd(prefix)})
	if err != nil {
		return err
	}
	n := 0
	for ok := it.First(); ok && n < manySmall; ok = it.Next() {
		_ = b.Delete(it.Key(), nil)
		n++
	}
	if n == manySmall {
		b.Reset()
		_ = b.DeleteRange(prefix, prefixEnd(prefix), nil)
	}
	return it.Close()
}

// logRemoval puts a removal into the log, behind the commits that led to it.
func (s *Store) logRemoval(op, name string, b *pebble.Batch) error {
	if b.Empty() {
		return nil
	}
	return s.logNumbered(op, name, b)
}

func (s *Store) enforceDoomed(ctx context.Context, doomed int) error {
	if doomed < maxDoomed {
		return nil
	}
	return s.reclaim(ctx)
}

// reclaim removes on disk all that is doomed.
func (s *Store) reclaim(ctx context.Context) error {
	s.reclaimMu.Lock()
	defer s.reclaimMu.Unlock()
	doomed := s.segs.doomedNow()
	if len(doomed) == 0 {
		return nil
	}
	if err := s.Sync(ctx); err != nil {
		return err
	}
	return s.finish(doomed)
}

// doomBlocks hides blocks, and returns in how many segments blocks are doomed.
func (s *segments) doomBlocks(ids []blockstore.BlockID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.doom(id.Segment).blocks[id.Number] = true
	}
	return len(s.doomed)
}

// doom is what is to be removed of a segment; the caller holds mu.
func (s *segments) doom(id blockstore.SegmentID) *doom {
	d := s.doomed[id]
	if d == nil {
		d = &doom{blocks: make(map[uint32]bool)}
		s.doomed[id] = d
	}
	return d
}

func (s *segments) doomSegment(id blockstore.SegmentID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doom(id).whole = true
	return len(s.doomed)
}

func (s *segments) isDoomed(id blockstore.BlockID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.doomed) == 0 {
		return false
	}
	d := s.doomed[id.Segment]
	return d != nil && (d.whole || d.blocks[id.Number])
}

// doomedNow is a copy of what is doomed.
func (s *segments) doomedNow() map[blockstore.SegmentID]doom {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := make(map[blockstore.SegmentID]doom, len(s.doomed))
	for id, d := range s.doomed {
		c := doom{whole: d.whole, blocks: make(map[uint32]bool, len(d.blocks))}
		for number := range d.blocks {
			c.blocks[number] = true
		}
		now[id] = c
	}
	return now
}

// spared ends the doom of what was removed.
func (s *segments) spared(id blockstore.SegmentID, done doom) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.doomed[id]
	if d == nil {
		return
	}
	for number := range done.blocks {
		delete(d.blocks, number)
	}
	d.whole = d.whole && !done.whole
	if !d.whole && len(d.blocks) == 0 {
		delete(s.doomed, id)
	}
}

// finish removes on disk what was doomed. The log must be synced to there, and
// nobody else may be finishing.
func (s *Store) finish(doomed map[blockstore.SegmentID]doom) error {
	var failed error
	for id, d := range doomed {
		if err := s.segs.remove(id, d); err != nil {
			failed = errors.Join(failed, fault("remove blocks", s.segs.path(id), err))
			continue
		}
		// In this order: a block put after it was spared must be behind the
		// end of its removal in the log.
		if err := s.forgetRemoval(id, d); err != nil {
			return err
		}
		s.segs.spared(id, d)
	}
	return failed
}

func (s *Store) forgetRemoval(id blockstore.SegmentID, d doom) error {
	b := s.db.NewBatch()
	defer b.Close()
	if d.whole {
		_ = b.Delete(segmentKey(removalKeys, id), nil)
	}
	for number := range d.blocks {
		_ = b.Delete(blockKey(removalKeys, blockstore.BlockID{Segment: id, Number: number}), nil)
	}
	return s.logNumbered("remove blocks", id.String(), b)
}

// remove unlinks the file or punches the blocks.
func (s *segments) remove(id blockstore.SegmentID, d doom) error {
	if d.whole {
		s.forget(id)
		err := s.fs.Remove(s.path(id))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if there, err := s.exists(id); err != nil || !there {
		return err
	}
	g := s.use(id)
	defer s.release(g)
	f, err := s.forWriting(g)
	if err != nil {
		return err
	}
	for number := range d.blocks {
		if err := f.punchBlock(number); err != nil {
			return err
		}
	}
	return nil
}

// resumeRemovals finishes the removals that a crash or a failure interrupted.
// Everything in the database is durable when it is called.
func (s *Store) resumeRemovals() error {
	lower := []byte{removalKeys}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: prefixEnd(lower)})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		id, whole, valid := parseBlockKey(it.Key())
		switch {
		case whole:
			s.segs.doomSegment(id.Segment)
		case valid:
			s.segs.doomBlocks([]blockstore.BlockID{id})
		}
	}
	if err := it.Close(); err != nil {
		return err
	}
	return s.finish(s.segs.doomedNow())
}
