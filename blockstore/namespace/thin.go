package namespace

import (
	"context"
	"maps"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
)

// thinShare is how little of a segment a content may use, as one part of so many,
// before it leaves the segment to those that it shares it with: it may be the
// last that holds the rest.
const thinShare = 8

// worthRewriting are the regions of a file at rest that are worth writing again:
// the scattered ones, and those in segments that the file hardly uses.
func (n *liveNode) worthRewriting(ctx context.Context, use *usage) ([]int64, error) {
	regions := use.scattered()
	thin, err := n.thinSegments(ctx, use)
	if err != nil || len(thin) == 0 {
		return regions, err
	}
	all := make(map[int64]bool)
	for _, r := range regions {
		all[r] = true
	}
	for e, err := range n.d.v.extents(ctx, n.base.Content) {
		if err != nil {
			return nil, err
		}
		if thin[e.Segment] {
			e.byRegion(func(r int64, _ Extent) { all[r] = true })
		}
	}
	return slices.Sorted(maps.Keys(all)), nil
}

// thinSegments are shared segments that the file uses little of.
func (n *liveNode) thinSegments(ctx context.Context, use *usage) (map[blockstore.SegmentID]bool, error) {
	thin := make(map[blockstore.SegmentID]bool)
	for id, blocks := range use.segments {
		rec, err := n.d.v.readSegment(ctx, id)
		if err != nil {
			return nil, err
		}
		// What the record speaks of may be twice what was put.
		if rec != nil && len(rec.Refs) > 1 && rec.Blocks > firstReserve && len(blocks)*thinShare < int(rec.Blocks/2) {
			thin[id] = true
		}
	}
	return thin, nil
}

// readSegment reads a segment's record as it is now; nil if there is none.
func (v *Volume) readSegment(ctx context.Context, id blockstore.SegmentID) (*SegmentRecord, error) {
	value, version, err := v.store.Get(ctx, segmentKey(id))
	if err != nil || version.IsZero() {
		return nil, err
	}
	rec := new(SegmentRecord)
	return rec, decode(segmentKey(id), value, rec)
}
