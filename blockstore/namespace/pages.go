package namespace

import (
	"context"
	"encoding/binary"
	"iter"
	"math"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
)

// A content that was joined from many pieces, each longer than a region, has
// more runs than a node should hold. They stand in pages then: records beside
// those of the regions, each for pageSize bytes of the file. A page is told by
// its key, which is past all regions. The segments that its extents are in are
// the content's, and need not stand in the manifest again.

// pageSize is how much of a file a page tells, in bytes. It is part of the format:
// only tests change it.
var pageSize int64 = 1024 * Region

// pageBit marks the keys of pages.
const pageBit = 1 << 63

func pageKey(content blockstore.ID, page int64) string {
	return extentsPrefix(content) + string(binary.BigEndian.AppendUint64(nil, uint64(page)|pageBit))
}

// pageOf is the page in an extents key; false if it is of a region.
func pageOf(key string) (int64, bool) {
	if len(key) != 1+16+8 {
		return 0, false
	}
	n := binary.BigEndian.Uint64([]byte(key[17:]))
	return int64(n &^ pageBit), n&pageBit != 0
}

// readExtents reads a record of a region or of a page; false if there is none.
func (v *Volume) readExtents(ctx context.Context, key string) (ExtentList, bool, error) {
	value, version, err := v.store.Get(ctx, key)
	if err != nil || version.IsZero() {
		return nil, false, err
	}
	var rec ExtentsRecord
	if err := decode(key, value, &rec); err != nil {
		return nil, false, err
	}
	return rec.List, true, nil
}

// runsIn is what the runs say of a region that has no record of its own.
func (v *Volume) runsIn(ctx context.Context, m *Manifest, r int64) (ExtentList, error) {
	lo, hi := regionRange(r)
	if !m.Paged {
		return m.Runs.in(lo, hi), nil
	}
	if hi = min(hi, m.Size); lo >= hi {
		return nil, nil // the page may be as it was before a change that cuts it
	}
	list, _, err := v.readExtents(ctx, pageKey(m.ID, lo/pageSize))
	return list.in(lo, hi), err
}

// extents yields every extent of a manifest in file order.
func (v *Volume) extents(ctx context.Context, m *Manifest) iter.Seq2[Extent, error] {
	return v.extentsIn(ctx, m, 0, math.MaxInt64)
}

// extentsIn yields the extents in [lo, hi) in file order.
func (v *Volume) extentsIn(ctx context.Context, m *Manifest, lo, hi int64) iter.Seq2[Extent, error] {
	return func(yield func(Extent, error) bool) {
		pos := lo
		for rec, err := range v.regions(ctx, m, lo) {
			if err != nil {
				yield(Extent{}, err)
				return
			}
			start, end := regionRange(rec.region)
			if start >= hi {
				break
			}
			if !v.yieldRuns(ctx, m, pos, start, yield) || !yieldAll(rec.list.in(max(lo, start), min(hi, end)), yield) {
				return
			}
			pos = end
		}
		v.yieldRuns(ctx, m, pos, hi, yield)
	}
}

// regionList is a region with a record.
type regionList struct {
	region int64
	list   ExtentList
}

// regions yields the regions with records from an offset on.
func (v *Volume) regions(ctx context.Context, m *Manifest, from int64) iter.Seq2[regionList, error] {
	return func(yield func(regionList, error) bool) {
		if !m.Spilled {
			return
		}
		after := ""
		if r := from / Region; r > 0 {
			after = extentsKey(m.ID, r-1)
		}
		for rec, err := range v.store.Scan(ctx, extentsPrefix(m.ID), after) {
			if _, page := pageOf(rec.Key); err == nil && page {
				return
			}
			var x ExtentsRecord
			if err == nil {
				err = decode(rec.Key, rec.Value, &x)
			}
			r, ok := regionOf(rec.Key)
			if err == nil && !ok {
				err = blockstore.E("decode", keyName(rec.Key), blockstore.Corrupt, nil)
			}
			if !yield(regionList{r, x.List}, err) || err != nil {
				return
			}
		}
	}
}

// yieldRuns yields what the runs have in [lo, hi); false if no more is wanted.
func (v *Volume) yieldRuns(ctx context.Context, m *Manifest, lo, hi int64, yield func(Extent, error) bool) bool {
	if lo >= hi {
		return true
	}
	if !m.Paged {
		return yieldAll(m.Runs.in(lo, hi), yield)
	}
	for p, err := range v.pages(ctx, m, lo/pageSize) {
		if err != nil {
			yield(Extent{}, err)
			return false
		}
		if p.page*pageSize >= hi {
			break
		}
		if !yieldAll(p.list.in(lo, hi), yield) {
			return false
		}
	}
	return true
}

func yieldAll(list ExtentList, yield func(Extent, error) bool) bool {
	for _, e := range list {
		if !yield(e, nil) {
			return false
		}
	}
	return true
}

// pageList is a page as it is stored.
type pageList struct {
	page int64
	list ExtentList
}

// pages yields the pages of a content from one on.
func (v *Volume) pages(ctx context.Context, m *Manifest, from int64) iter.Seq2[pageList, error] {
	return func(yield func(pageList, error) bool) {
		if !m.Paged {
			return
		}
		after := extentsKey(m.ID, math.MaxInt64)
		if from > 0 {
			after = pageKey(m.ID, from-1)
		}
		for rec, err := range v.store.Scan(ctx, extentsPrefix(m.ID), after) {
			var x ExtentsRecord
			if err == nil {
				err = decode(rec.Key, rec.Value, &x)
			}
			p, _ := pageOf(rec.Key)
			if !yield(pageList{p, x.List}, err) || err != nil {
				return
			}
		}
	}
}

// segments are all that the list is in, each once.
func (l ExtentList) segments() []blockstore.SegmentID {
	var ids []blockstore.SegmentID
	seen := make(map[blockstore.SegmentID]bool)
	for _, e := range l {
		if !seen[e.Segment] && !e.isHole() {
			seen[e.Segment] = true
			ids = append(ids, e.Segment)
		}
	}
	return ids
}

// segmentsOf are all segments that refer to a content, each once.
func (v *Volume) segmentsOf(ctx context.Context, m *Manifest) ([]blockstore.SegmentID, error) {
	if !m.Paged {
		return m.Segments, nil
	}
	ids := slices.Clone(m.Segments)
	seen := make(map[blockstore.SegmentID]bool, len(ids))
	for _, id := range ids {
		seen[id] = true
	}
	for p, err := range v.pages(ctx, m, 0) {
		if err != nil {
			return nil, err
		}
		for _, id := range p.list.segments() {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// cutPages drops what the pages have from an offset on. Segments that no page
// names any more are the manifest's to name.
func (tx *tx) cutPages(m *Manifest, keep int64) error {
	for p, err := range tx.v.pages(tx.Context(), m, keep/pageSize) {
		if err != nil {
			return err
		}
		tx.replacePage(m, p, p.list.cut(keep, math.MaxInt64))
		for _, id := range p.list.segments() {
			if !slices.Contains(m.Segments, id) {
				m.Segments = append(m.Segments, id)
			}
		}
	}
	return nil
}

// leavePages takes segments out of the pages: regions with records of their own
// stand where their extents were.
func (tx *tx) leavePages(m *Manifest, gone []blockstore.SegmentID) error {
	if !m.Paged || len(gone) == 0 {
		return nil
	}
	left := make(map[blockstore.SegmentID]bool, len(gone))
	for _, id := range gone {
		left[id] = true
	}
	for p, err := range tx.v.pages(tx.Context(), m, 0) {
		if err != nil {
			return err
		}
		list := slices.DeleteFunc(slices.Clone(p.list), func(e Extent) bool { return left[e.Segment] })
		if len(list) < len(p.list) {
			tx.replacePage(m, p, list)
		}
	}
	return nil
}

func (tx *tx) replacePage(m *Manifest, p pageList, list ExtentList) {
	if len(list) == 0 {
		tx.Delete(pageKey(m.ID, p.page))
		return
	}
	tx.put(pageKey(m.ID, p.page), &ExtentsRecord{List: list})
}
