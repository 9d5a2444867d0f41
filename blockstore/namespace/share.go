package namespace

import (
	"context"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
)

// mostVersionRefs is how many contents may share a segment for the sake of
// history: its record has to hold them all.
const mostVersionRefs = 8192

// shareContent makes a content with the same bytes in the same blocks. The
// change must depend on the record that has the one that is there. TooManyLinks if
// too many share them already.
func (tx *tx) shareContent(m *Manifest, owner NodeID) (*Manifest, error) {
	c := *m
	c.ID, c.Queued = blockstore.NewID(), false
	c.Runs, c.Segments = slices.Clone(m.Runs), slices.Clone(m.Segments)
	segments, err := tx.v.segmentsOf(tx.Context(), m)
	if err != nil {
		return nil, err
	}
	for _, id := range segments {
		if err := tx.shareSegment(id, Ref{Content: c.ID, Owner: owner}); err != nil {
			return nil, err
		}
	}
	return &c, tx.shareRecords(m, &c)
}

func (tx *tx) shareSegment(id blockstore.SegmentID, ref Ref) error {
	rec, err := tx.segment(id)
	switch {
	case err != nil:
		return err
	case rec == nil || rec.Dying:
		return blockstore.E("share", "segment "+id.String(), blockstore.Corrupt, nil)
	case len(rec.Refs) >= mostVersionRefs:
		return blockstore.E("share", "segment "+id.String(), blockstore.TooManyLinks, nil)
	}
	rec.Refs = append(rec.Refs, ref)
	if tx.segments == nil {
		tx.segments = make(map[blockstore.SegmentID]*SegmentRecord)
	}
	tx.segments[id] = rec
	tx.put(segmentKey(id), rec)
	return nil
}

// shareRecords copies the extents that have records of their own.
func (tx *tx) shareRecords(from, to *Manifest) error {
	if !from.Spilled && !from.Paged {
		return nil
	}
	prefix := extentsPrefix(from.ID)
	for r, err := range tx.v.store.Scan(tx.Context(), prefix, "") {
		if err != nil {
			return err
		}
		var rec ExtentsRecord
		if err := decode(r.Key, r.Value, &rec); err != nil {
			return err
		}
		tx.put(extentsPrefix(to.ID)+r.Key[len(prefix):], &rec)
	}
	return nil
}

// filedSource is a content that a history record has, to share blocks with;
// errMoved if it has it no more.
func (v *Volume) filedSource(ctx context.Context, m *Manifest, key string) (*Manifest, source, error) {
	_, version, err := v.store.Get(ctx, key)
	if err == nil && version.IsZero() {
		err = errMoved
	}
	return m, source{content: m.ID, key: key, version: version}, err
}
