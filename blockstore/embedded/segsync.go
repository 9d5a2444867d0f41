package embedded

import (
	"errors"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
)

// syncsAtOnce bounds the fsyncs in flight: enough that the file system's journal
// commits many at a time.
const syncsAtOnce = 8

// wrote notes that a block was written: it is dirty, and the next commit that
// names its segment needs it.
func (s *segments) wrote(g *segment, f blockFile, number uint32, size int) {
	s.mu.Lock()
	g.written++
	g.fresh = addBlock(g.fresh, number)
	g.pending += size
	start := g.pending >= writebackEvery
	if start {
		g.pending = 0
	}
	s.mu.Unlock()
	if start {
		f.startWriteback()
	}
}

// addBlock adds a block to the ranges; a writer numbers upwards, so it nearly
// always extends the last one.
func addBlock(ranges []blockRange, number uint32) []blockRange {
	if n := len(ranges); n > 0 {
		last := &ranges[n-1]
		switch {
		case last.To == number:
			last.To++
			return ranges
		case last.From <= number && number < last.To:
			return ranges
		}
	}
	return append(ranges, blockRange{number, number + 1})
}

// without takes a block out of the ranges.
func without(ranges []blockRange, number uint32) []blockRange {
	var left []blockRange
	for _, r := range ranges {
		for _, part := range []blockRange{{r.From, min(r.To, number)}, {max(r.From, number+1), r.To}} {
			if part.From < part.To {
				left = append(left, part)
			}
		}
	}
	return left
}

// discard is called before the removal of blocks is in the log. A commit after that
// does not need them: if it said so, recovery would miss them.
func (s *segments) discard(ids []blockstore.BlockID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if g, ok := s.known[id.Segment]; ok {
			g.fresh = without(g.fresh, id.Number)
		}
	}
}

// discardSegment is discard for all blocks of a segment.
func (s *segments) discardSegment(id blockstore.SegmentID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g, ok := s.known[id]; ok {
		g.fresh = nil
	}
}

// need makes the log wait for the segments, and returns the blocks put to them
// since they were last needed. It is called in commit order, and before the
// commit is in the log.
func (s *segments) need(ids []blockstore.SegmentID) []need {
	if len(ids) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var needs []need
	for _, id := range ids {
		g := s.get(id)
		if g.written == 0 {
			// Not written by this process: perhaps by one that was killed.
			g.written, g.newEntry = 1, true
		}
		if len(g.fresh) > 0 {
			needs = append(needs, need{id, g.fresh})
			g.fresh = nil
		}
		g.needed = g.written
		if g.needed > g.synced {
			s.owed[id] = g
		}
	}
	return needs
}

// adopt syncs those of the segments that another process may have written: one that was
// killed after it had put blocks for a commit that comes only now. Which ones is not
// known any more, so recovery could not check them.
func (s *segments) adopt(ids []blockstore.SegmentID) error {
	foreign := s.foreign(ids)
	if len(foreign) == 0 {
		return nil
	}
	if err := s.syncSome(foreign); err != nil {
		return err
	}
	for _, g := range foreign {
		g.fileMu.Lock()
		g.foreign = false
		g.fileMu.Unlock()
	}
	return nil
}

func (s *segments) foreign(ids []blockstore.SegmentID) (foreign []*segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		g := s.get(id)
		g.fileMu.Lock()
		if g.written == 0 {
			g.written, g.newEntry, g.foreign = 1, true, true
		}
		if g.foreign {
			foreign = append(foreign, g)
		}
		g.fileMu.Unlock()
	}
	return foreign
}

// syncOwed syncs every segment that a commit so far needs.
func (s *segments) syncOwed() error { return s.syncSome(s.owedNow()) }

func (s *segments) owedNow() []*segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.owed))
}

// syncThese syncs those of the segments that are dirty.
func (s *segments) syncThese(ids []blockstore.SegmentID) error {
	if len(ids) == 0 {
		return nil
	}
	s.mu.Lock()
	var some []*segment
	for _, id := range ids {
		if g, ok := s.known[id]; ok && g.written > g.synced {
			some = append(some, g)
		}
	}
	s.mu.Unlock()
	return s.syncSome(some)
}

func (s *segments) syncSome(some []*segment) error {
	if len(some) == 1 {
		return s.sync(some[0])
	}
	var group errgroup.Group
	group.SetLimit(syncsAtOnce)
	for _, g := range some {
		group.Go(func() error { return s.sync(g) })
	}
	return group.Wait()
}

// sync makes all blocks of a segment durable whose writes ended before it was
// called.
func (s *segments) sync(g *segment) error {
	g.syncMu.Lock()
	defer g.syncMu.Unlock()
	s.mu.Lock()
	target := g.written
	done := g.synced >= target
	s.mu.Unlock()
	if done {
		return nil
	}
	if err := s.syncFile(g); err != nil {
		return fault("sync segment", s.path(g.id), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g.synced = target
	if g.synced >= g.needed {
		delete(s.owed, g.id)
	}
	s.settle(g)
	return nil
}

func (s *segments) syncFile(g *segment) error {
	s.mu.Lock()
	g.users++
	s.mu.Unlock()
	defer s.release(g)
	there, err := s.exists(g.id)
	if err != nil || !there { // needed, but removed since
		return err
	}
	f, err := s.forWriting(g)
	if err != nil {
		return err
	}
	// Both at once, so that they share what the file system writes of its own.
	var entry errgroup.Group
	entry.Go(func() error { return s.syncEntry(g) })
	return errors.Join(f.SyncData(), entry.Wait())
}

// syncEntry makes the name of a new segment durable.
func (s *segments) syncEntry(g *segment) error {
	g.fileMu.Lock()
	isNew := g.newEntry
	g.fileMu.Unlock()
	if !isNew {
		return nil
	}
	if err := syncDir(s.fs, s.dir(g.id)); err != nil {
		return err
	}
	g.fileMu.Lock()
	g.newEntry = false
	g.fileMu.Unlock()
	return nil
}
