package namespace

import (
	"context"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
)

// draft is a content that is put together from the blocks of others, before
// anything has it. What it takes part in is put on record as it goes, in changes
// of bounded size: references in the segments, pages and regions under the
// content's id, and an open record of the session that names all that, so that
// whoever buries the session finds it. The change that gives the content its
// place removes the open record.
type draft struct {
	d     *Door
	id    blockstore.ID // of the content
	owner NodeID        // the node-to-be
	m     Manifest      // what is on record: all but Runs

	runs   ExtentList // in file order: what no page or region has
	shared int64      // bytes in others' blocks
	taken  map[blockstore.SegmentID]bool
	spill  int // how many runs there may be before some are put on record
}

// source is a content to share blocks with, and the record that must not change
// meanwhile; without a key nothing else can change the content.
type source struct {
	content blockstore.ID
	key     string
	version blockstore.Version
	// whole: all of the content is shared, so that even small pieces are.
	whole bool
}

// still fails with errMoved if the source was changed.
func (s source) still(get func(key string) ([]byte, blockstore.Version, error)) error {
	if s.key == "" {
		return nil
	}
	_, now, err := get(s.key)
	if err == nil && now != s.version {
		err = errMoved
	}
	return err
}

// mostRefs is how many contents share a segment at the most: its record is
// written again for each.
const mostRefs = 1024

// What tests make smaller.
var (
	// mostTaken is how many segments a change takes part in.
	mostTaken = 256
	// mostNamed is how many segments a draft's own record names.
	mostNamed = 1024
	// draftRuns is how many runs a draft holds in memory, nodeRuns how many may
	// stand in a node.
	draftRuns = 4096
	nodeRuns  = 256
)

func newDraft(d *Door, id blockstore.ID, owner NodeID) *draft {
	return &draft{
		d: d, id: id, owner: owner, m: Manifest{ID: id}, spill: draftRuns,
		taken: make(map[blockstore.SegmentID]bool),
	}
}

// key is that of the open record.
func (b *draft) key() string { return openKey(b.d.v.session, b.id) }

// wanted is a segment to take part in, and a content that refers to it.
type wanted struct {
	segment blockstore.SegmentID
	content blockstore.ID
}

// take takes part in the segments of a source, and says which of them it could
// not, because they are dying or shared by too many.
func (b *draft) take(ctx context.Context, ids []blockstore.SegmentID, src source) (refused map[blockstore.SegmentID]bool, err error) {
	var want []wanted
	for _, id := range ids {
		if !b.taken[id] {
			want = append(want, wanted{id, src.content})
		}
	}
	for part := range slices.Chunk(want, mostTaken) {
		if err := b.takeSome(ctx, part, src); err != nil {
			return nil, err
		}
	}
	refused = make(map[blockstore.SegmentID]bool)
	for _, w := range want {
		refused[w.segment] = !b.taken[w.segment]
	}
	return refused, nil
}

// takeAll takes part in segments of contents that nobody changes, as far as it
// can.
func (b *draft) takeAll(ctx context.Context, want []wanted) error {
	for part := range slices.Chunk(want, mostTaken) {
		if err := b.takeSome(ctx, part, source{}); err != nil {
			return err
		}
	}
	return nil
}

func (b *draft) takeSome(ctx context.Context, want []wanted, src source) error {
	var m Manifest
	err := b.d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		m = b.m
		m.Segments = slices.Clone(m.Segments)
		if err := src.still(tx.Get); err != nil {
			return err
		}
		tx.put(b.key(), &OpenRecord{Draft: &m}) // it decides the change
		fresh := make(map[blockstore.SegmentID]bool)
		for _, w := range want {
			if b.taken[w.segment] || fresh[w.segment] || len(m.Segments) >= mostNamed {
				continue
			}
			ok, err := tx.takePart(w, Ref{Content: b.id, Owner: b.owner})
			if err != nil {
				return err
			}
			if ok {
				fresh[w.segment] = true
				m.Segments = append(m.Segments, w.segment)
			}
		}
		tx.put(b.key(), &OpenRecord{Draft: &m})
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range m.Segments[len(b.m.Segments):] {
		b.taken[id] = true
	}
	b.m = m
	return nil
}

// takePart adds a reference to a segment that another content refers to; false
// if it can't be.
func (tx *tx) takePart(w wanted, ref Ref) (bool, error) {
	rec, err := tx.segment(w.segment)
	if err != nil || rec == nil || rec.Dying || !rec.refers(w.content) || len(rec.Refs) >= mostRefs {
		return false, err
	}
	if !rec.refers(ref.Content) {
		rec.Refs = append(rec.Refs, ref)
		tx.put(segmentKey(w.segment), rec)
	}
	return true, nil
}

// add appends an extent in a segment that the draft takes part in.
func (b *draft) add(e Extent) {
	b.runs = b.runs.put(e)
	b.shared += e.Length
}

// large says whether some runs should be put on record.
func (b *draft) large() bool {
	return len(b.runs) > b.spill || len(b.m.Segments) > mostNamed/2
}

// putPages puts the runs before a page into pages. All blocks that they are in
// have their numbers for good.
func (b *draft) putPages(ctx context.Context, before int64) error {
	for len(b.runs) > 0 && b.runs[0].Offset/pageSize < before {
		page := b.runs[0].Offset / pageSize
		lo, hi := page*pageSize, (page+1)*pageSize
		list, err := b.putCrowded(ctx, b.runs.in(lo, hi))
		if err != nil {
			return err
		}
		if err := b.putPage(ctx, page, list); err != nil {
			return err
		}
		b.runs = b.runs.in(hi, MaxSize)
	}
	b.spill = max(draftRuns, 2*len(b.runs))
	return nil
}

// putCrowded gives records to the regions with many runs, and returns the runs of
// the others, which fit into a page.
func (b *draft) putCrowded(ctx context.Context, list ExtentList) (ExtentList, error) {
	if len(list) <= draftRuns {
		return list, nil
	}
	var left ExtentList
	regions := list.regions()
	for part := range slices.Chunk(regions, regionsAtOnce) {
		var crowded []regionList
		for _, r := range part {
			if len(r.list) > spillAt {
				crowded = append(crowded, r)
			} else {
				left = left.over(r.list)
			}
		}
		if err := b.putRegions(ctx, crowded); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// regions is the list by regions.
func (l ExtentList) regions() []regionList {
	var out []regionList
	for _, e := range l {
		e.byRegion(func(r int64, part Extent) {
			if n := len(out); n == 0 || out[n-1].region != r {
				out = append(out, regionList{region: r})
			}
			last := &out[len(out)-1]
			last.list = append(last.list, part)
		})
	}
	return out
}

func (b *draft) putRegions(ctx context.Context, regions []regionList) error {
	if len(regions) == 0 {
		return nil
	}
	b.m.Spilled = true
	return b.d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		for _, r := range regions {
			tx.put(extentsKey(b.id, r.region), &ExtentsRecord{List: r.list})
		}
		tx.put(b.key(), &OpenRecord{Draft: &b.m})
		return nil
	})
}

// putPage puts one page. Its segments are named by it from then on.
func (b *draft) putPage(ctx context.Context, page int64, list ExtentList) error {
	m := b.m
	m.Spilled, m.Paged = true, true
	own := make(map[blockstore.SegmentID]bool)
	for _, id := range list.segments() {
		own[id] = true
	}
	m.Segments = slices.DeleteFunc(slices.Clone(m.Segments), func(id blockstore.SegmentID) bool { return own[id] })
	err := b.d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		tx.put(pageKey(b.id, page), &ExtentsRecord{List: list})
		tx.put(b.key(), &OpenRecord{Draft: &m})
		return nil
	})
	if err == nil {
		b.m = m
	}
	return err
}

// into hands all over to the manifest that the content gets its place with.
func (b *draft) into(tx *tx, m *Manifest) {
	m.Runs, m.Segments = slices.Clone(b.runs), slices.Clone(b.m.Segments)
	m.Spilled, m.Paged = b.m.Spilled, b.m.Paged
	m.Stored += b.shared
	tx.Delete(b.key())
}

// drop gives the draft up, as it is on record: a change of it may have happened
// without an answer. b may be nil.
func (b *draft) drop(tx *tx) error {
	if b == nil {
		return nil
	}
	value, version, err := tx.Get(b.key())
	if err != nil || version.IsZero() {
		return err
	}
	var open OpenRecord
	if err := decode(b.key(), value, &open); err != nil {
		return err
	}
	tx.drop(open.Draft)
	tx.Delete(b.key())
	return nil
}
