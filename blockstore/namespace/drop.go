package namespace

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

// droppedAtOnce bounds the references that one change takes away.
const droppedAtOnce = 2048

// dropContents takes contents' references from their segments. A segment whose
// last reference goes is dying from then on: nobody may refer to it any more,
// and after the leeway it is removed.
func (v *Volume) dropContents(ctx context.Context, drops []work) (Collected, error) {
	var done Collected
	for len(drops) > 0 {
		var contents []*Manifest
		var keys []string
		for refs := 0; len(drops) > 0 && refs < droppedAtOnce; drops = drops[1:] {
			refs += len(drops[0].Drop.Segments)
			contents, keys = append(contents, drops[0].Drop), append(keys, drops[0].key)
		}
		more, err := v.dropSome(ctx, contents, keys, NodeID{})
		done.add(more)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// dropSome drops contents and deletes records: those that the contents were
// found by, last. heir, if not zero, needs all that the contents shared with it.
func (v *Volume) dropSome(ctx context.Context, contents []*Manifest, keys []string, heir NodeID) (Collected, error) {
	var done Collected
	for _, m := range contents {
		more, err := v.dropRecords(ctx, m)
		done.add(more)
		if err != nil {
			return done, err
		}
	}
	more, err := v.dropAll(ctx, contents, keys, heir)
	done.add(more)
	if err == nil {
		done.Contents += len(contents)
	}
	return done, err
}

// dropAll takes contents' references away and deletes records, in one change.
// Pages and regions must be gone.
func (v *Volume) dropAll(ctx context.Context, contents []*Manifest, keys []string, heir NodeID) (Collected, error) {
	leeway := v.Settings().Leeway
	var dying []work
	var done Collected
	err := v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		dying, done = dying[:0], Collected{}
		g := newGarbage(heir)
		for _, m := range contents {
			dead, err := tx.dropRefs(m, g)
			if err != nil {
				return err
			}
			if len(dead) == 0 {
				continue
			}
			r := work{dueKey(tx.now+Time(leeway), blockstore.NewID()), DueRecord{Remove: dead}}
			tx.put(r.key, &r.DueRecord)
			dying = append(dying, r)
			done.Bytes += m.Stored
		}
		for _, k := range keys {
			tx.Delete(k)
		}
		return tx.visit(g)
	})
	if err != nil || leeway > 0 {
		return done, err
	}
	more, err := v.removeSegments(ctx, dying)
	done.add(more)
	return done, err
}

// garbage is what one change knows of the segments that it takes references
// from.
type garbage struct {
	heir NodeID
	seen map[blockstore.SegmentID]*SegmentRecord
	// left are the contents that the segments were shared with: what only the
	// others needed there is dead now.
	left map[blockstore.ID]leftover
}

// leftover is whose a content is, and the one that shared its segments.
type leftover struct {
	owner   NodeID
	dropped *Manifest
}

func newGarbage(heir NodeID) *garbage {
	return &garbage{
		heir: heir, seen: make(map[blockstore.SegmentID]*SegmentRecord), left: make(map[blockstore.ID]leftover),
	}
}

// dropRefs returns the segments that nobody refers to any more.
func (tx *tx) dropRefs(m *Manifest, g *garbage) ([]blockstore.SegmentID, error) {
	var dead, theirs []blockstore.SegmentID
	for _, id := range m.Segments {
		rec, err := tx.garbageOf(id, g)
		if err != nil {
			return nil, err
		}
		if rec == nil || rec.Dying {
			continue
		}
		if foreign, err := tx.theirs(rec); err != nil {
			return nil, err
		} else if foreign {
			theirs = append(theirs, id)
			continue
		}
		if died := tx.dropRef(id, rec, m, g); died {
			dead = append(dead, id)
		}
	}
	if len(theirs) > 0 {
		tx.due(tx.now, &DueRecord{Drop: &Manifest{ID: m.ID, Segments: theirs}})
	}
	return dead, nil
}

// garbageOf is a segment's record as the change has left it so far.
func (tx *tx) garbageOf(id blockstore.SegmentID, g *garbage) (*SegmentRecord, error) {
	if rec := g.seen[id]; rec != nil {
		return rec, nil
	}
	rec, err := tx.segment(id)
	g.seen[id] = rec
	return rec, err
}

// dropRef takes one reference away, and says whether the segment is dying now.
func (tx *tx) dropRef(id blockstore.SegmentID, rec *SegmentRecord, m *Manifest, g *garbage) (died bool) {
	writer := rec.ownerOf(m.ID)
	rec.drop(m.ID)
	switch {
	case len(rec.Refs) > 0:
		g.share(rec, m)
	case !tx.v.streams.retire(id, writer):
		// It has blocks that a commit is still to come for: look again.
		tx.due(tx.now+compactAfter, &DueRecord{Drop: &Manifest{Segments: []blockstore.SegmentID{id}}})
	default:
		rec.Dying, died = true, true
	}
	tx.put(segmentKey(id), rec)
	return died
}

// fewSharers is how many contents may be left in a segment for them to be looked
// at.
const fewSharers = 4

// share notes who is left in a segment.
func (g *garbage) share(rec *SegmentRecord, m *Manifest) {
	if len(rec.Refs) > fewSharers {
		return
	}
	for _, r := range rec.Refs {
		if r.Owner != g.heir {
			g.left[r.Content] = leftover{r.Owner, m}
		}
	}
}

// visit has the collector look at the files that are left in segments of
// contents that went: their blocks may be garbage now.
func (tx *tx) visit(g *garbage) error {
	for content, l := range g.left {
		n, _, err := tx.v.readNode(tx.Context(), l.owner)
		if blockstore.KindOf(err) == blockstore.Stale {
			continue
		}
		if err != nil {
			return err
		}
		if m := n.Content; m != nil && m.ID == content && !m.covers(l.dropped) {
			tx.due(tx.now+compactAfter, &DueRecord{Compact: l.owner})
		}
	}
	return nil
}

// covers says whether the content needs about all that another stored: it was
// copied as a whole.
func (m *Manifest) covers(other *Manifest) bool {
	return m.Size == other.Size && other.Stored <= other.Size+slack
}

// dropRecords deletes the extents records of a content, with the references of
// its pages.
func (v *Volume) dropRecords(ctx context.Context, m *Manifest) (Collected, error) {
	if !m.Spilled {
		return Collected{}, nil
	}
	var done Collected
	for p, err := range v.pages(ctx, m, 0) {
		if err != nil {
			return done, err
		}
		part := &Manifest{ID: m.ID, Segments: p.list.segments()}
		more, err := v.dropAll(ctx, []*Manifest{part}, []string{pageKey(m.ID, p.page)}, NodeID{})
		done.add(more)
		if err != nil {
			return done, err
		}
	}
	return done, v.dropRegions(ctx, m)
}

// dropRegions deletes what is left of the extents records of a content.
func (v *Volume) dropRegions(ctx context.Context, m *Manifest) error {
	for {
		var keys []string
		for r, err := range v.store.Scan(ctx, extentsPrefix(m.ID), "") {
			if err != nil {
				return err
			}
			if keys = append(keys, r.Key); len(keys) == 1000 {
				break
			}
		}
		if len(keys) == 0 {
			return nil
		}
		err := v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
			for _, k := range keys {
				tx.Delete(k)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}
