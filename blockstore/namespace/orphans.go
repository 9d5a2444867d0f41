package namespace

import (
	"context"
	"math"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// buryBlocks finds what a dead session's writing left: segments without a
// reference go to the collector, files with blocks behind their end to the
// compaction. Segments are ordered by time, so older ones need no look. It is not
// sure that it found all while a segment may be that of another session.
func (v *Volume) buryBlocks(ctx context.Context, session blockstore.ID) (sure bool, err error) {
	const skew = time.Minute
	from := blockstore.FirstIDAt(session.Time().Add(-skew))
	s := &search{dead: func(_ *tx, writer blockstore.ID) (bool, error) { return writer == session, nil }}
	err = v.orphans(ctx, blockstore.BlockID{Segment: from}, s)
	return !s.unsure, err
}

// search is a look for what the dead left.
type search struct {
	dead   isDead
	unsure bool // a segment was seen that may be of a dead session
}

// isDead says whether a writer can't come back for its blocks.
type isDead func(tx *tx, writer blockstore.ID) (bool, error)

// sweep looks at every segment for those that nobody can come back for, and at
// what is held by sessions that are not on record.
func (v *Volume) sweep(ctx context.Context) error {
	if err := v.sweepHeld(ctx); err != nil {
		return err
	}
	s := &search{dead: func(tx *tx, writer blockstore.ID) (bool, error) {
		alive, err := tx.onRecord(writer)
		return !alive, err
	}}
	if err := v.orphans(ctx, blockstore.BlockID{}, s); err != nil {
		return err
	}
	for r, err := range v.store.Scan(ctx, prefixSegment, "") {
		if err != nil {
			return err
		}
		id, _ := keyID(r.Key)
		if err := v.orphan(ctx, id, 0, s); err != nil {
			return err
		}
	}
	return nil
}

// sweepHeld releases what a session holds that was buried: a change of it may have
// come after that.
func (v *Volume) sweepHeld(ctx context.Context) error {
	for r, err := range v.store.Scan(ctx, prefixOpen, "") {
		if err != nil {
			return err
		}
		session, rest := keyID(r.Key)
		var id NodeID
		copy(id[:], rest)
		_, version, err := v.store.Get(ctx, sessionKey(session))
		if err == nil && version.IsZero() {
			err = v.release(ctx, session, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// orphans looks at the segments of all blocks after one.
func (v *Volume) orphans(ctx context.Context, after blockstore.BlockID, s *search) error {
	var id blockstore.SegmentID
	var blocks uint32
	for b, err := range v.store.ListBlocks(ctx, after) {
		if err != nil {
			return err
		}
		if b.ID.Segment != id {
			if err := v.orphan(ctx, id, blocks, s); err != nil {
				return err
			}
			id, blocks = b.ID.Segment, 0
		}
		if !b.ID.Small() {
			blocks = b.ID.Number + 1
		}
	}
	return v.orphan(ctx, id, blocks, s)
}

// orphan deals with one segment, if its writer is dead. blocks bounds the
// numbers of the blocks that were seen of it: it may be more than the record
// knows, for a crash can take the record back and leave the blocks.
func (v *Volume) orphan(ctx context.Context, id blockstore.SegmentID, blocks uint32, s *search) error {
	if id.IsZero() {
		return nil
	}
	return v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		rec, err := tx.segment(id)
		if err != nil {
			return err
		}
		if rec == nil {
			if theirs, err := tx.maybeTheirs(id); err != nil || theirs {
				s.unsure = true
				return err
			}
			rec = &SegmentRecord{BlockSize: v.Settings().BlockSize, Small: math.MaxUint32 &^ blockstore.SmallBit}
		}
		if !rec.Writer.IsZero() && !rec.Dying {
			if gone, err := s.dead(tx, rec.Writer); err != nil || !gone {
				return err
			}
		}
		if rec.Dying {
			return nil
		}
		if rec.Writer.IsZero() && len(rec.Refs) > 0 && blocks <= rec.Blocks {
			return nil // closed before
		}
		tx.closeSegment(id, rec, blocks)
		return nil
	})
}

// closeSegment gives what a dead writer left behind the last commit to the
// collector.
func (tx *tx) closeSegment(id blockstore.SegmentID, rec *SegmentRecord, blocks uint32) {
	rec.Writer, rec.Blocks = blockstore.ID{}, max(rec.Blocks, blocks)
	tx.put(segmentKey(id), rec)
	switch {
	case len(rec.Refs) == 0:
		tx.drop(&Manifest{Segments: []blockstore.SegmentID{id}})
	case rec.Blocks > 0:
		tx.due(tx.now, &DueRecord{Compact: rec.Refs[0].Owner})
	}
}
