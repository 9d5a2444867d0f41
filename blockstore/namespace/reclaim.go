package namespace

import (
	"context"
	"maps"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
)

// mostGone is how many segments are left in one change.
const mostGone = 1024

// usage is which blocks a file's extents are in.
type usage struct {
	segments map[blockstore.SegmentID]map[uint32]*blockUse
	regions  map[int64]int // extents in each region
	byBlock  map[int64][]*blockUse
}

// blockUse is how much of a block is used.
type blockUse struct {
	used int // bytes
	end  int // the highest byte used, plus one: about how long the block is
}

// usage counts the blocks of what is committed and of what is dirty. mu is
// held.
func (n *liveNode) usage(ctx context.Context) (*usage, error) {
	u := &usage{
		segments: make(map[blockstore.SegmentID]map[uint32]*blockUse),
		regions:  make(map[int64]int),
		byBlock:  make(map[int64][]*blockUse),
	}
	for e, err := range n.d.v.extents(ctx, n.base.Content) {
		if err != nil {
			return nil, err
		}
		u.add(e)
	}
	for _, list := range n.dirty.regions {
		for _, e := range list {
			if !e.isHole() {
				u.add(e)
			}
		}
	}
	return u, nil
}

func (u *usage) add(e Extent) {
	blocks := u.segments[e.Segment]
	if blocks == nil {
		blocks = make(map[uint32]*blockUse)
		u.segments[e.Segment] = blocks
	}
	e.byRegion(func(r int64, part Extent) {
		u.regions[r]++
		for left := part.Length; left > 0; {
			k := left
			if !part.block().Small() {
				k = min(left, int64(part.BlockSize-part.At))
			}
			b := blocks[part.Number]
			if b == nil {
				b = new(blockUse)
				blocks[part.Number] = b
			}
			b.used, b.end = b.used+int(k), max(b.end, part.At+int(k))
			u.byBlock[r] = append(u.byBlock[r], b)
			if left -= k; left > 0 {
				part = part.from(k)
			}
		}
	})
}

// scattered are the regions that are worth writing again: in many pieces, or
// in blocks that are mostly dead.
func (u *usage) scattered() []int64 {
	var out []int64
	for r, count := range u.regions {
		sparse := slices.ContainsFunc(u.byBlock[r], func(b *blockUse) bool { return b.used < b.end/2 })
		if count > fragmented || sparse {
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return out
}

// stored is about how many bytes the used blocks have.
func (u *usage) stored() int64 {
	var total int64
	for _, blocks := range u.segments {
		for _, b := range blocks {
			total += int64(b.end)
		}
	}
	return total
}

// reclaim gives back the blocks and segments that the file is no longer in.
// It returns about how many bytes those were. mu is held.
//
// A block may go only when no change that a crash could take back stands
// between it and what still refers to it, so the store is synced first.
func (n *liveNode) reclaim(ctx context.Context) (int64, error) {
	// An idle log is nobody's until this is done: who opens the file meanwhile
	// begins another segment.
	if n.app == nil {
		n.app = n.d.v.streams.resume(n.id, n.base.Content)
	} else {
		n.d.v.streams.take(n.id)
	}
	use, err := n.usage(ctx)
	if err != nil {
		return 0, err
	}
	shared := n.elsewhere()
	segments, err := n.d.v.segmentsOf(ctx, n.base.Content)
	if err != nil {
		return 0, err
	}
	var gone []blockstore.SegmentID
	var dead []blockstore.BlockID
	for _, id := range segments {
		blocks := use.segments[id]
		mine := n.app != nil && n.app.segment == id
		if shared && !mine {
			continue // another door may be writing there
		}
		if foreign, err := n.d.v.foreign(ctx, id); err != nil {
			return 0, err
		} else if foreign {
			continue
		}
		if len(blocks) == 0 && (!mine || len(n.app.buf) == 0 && !n.dirty.changed) {
			if len(gone) < mostGone {
				gone = append(gone, id)
			}
			continue
		}
		more, err := n.deadBlocks(ctx, id, blocks)
		if err != nil {
			return 0, err
		}
		dead = append(dead, more...)
	}
	before := n.base.Content.Stored
	after := use.stored()
	if len(gone) == 0 && len(dead) == 0 && !n.base.Content.Queued && after >= before {
		return 0, nil
	}
	if n.app != nil && slices.Contains(gone, n.app.segment) {
		n.app.forgetBuffers()
		n.d.v.streams.end(n.app.segment)
		n.app = nil
	}
	if err := n.forget(ctx, gone, after); err != nil {
		return 0, err
	}
	if err := n.d.v.store.Sync(ctx); err != nil {
		return 0, err
	}
	return max(before-after, 0), n.d.v.store.DeleteBlocks(ctx, dead)
}

// foreign says whether another session may be writing to a segment.
func (v *Volume) foreign(ctx context.Context, id blockstore.SegmentID) (bool, error) {
	live, err := v.sessions(ctx)
	if err != nil || v.isAlone(live) {
		return false, err
	}
	value, version, err := v.store.Get(ctx, segmentKey(id))
	if err != nil || version.IsZero() {
		return false, err
	}
	var rec SegmentRecord
	err = decode(segmentKey(id), value, &rec)
	return rec.Writer != v.session && slices.Contains(live, rec.Writer), err
}

// deadBlocks are the blocks of a segment that the file no longer uses; none if
// others refer to the segment.
func (n *liveNode) deadBlocks(ctx context.Context, id blockstore.SegmentID, used map[uint32]*blockUse) ([]blockstore.BlockID, error) {
	value, version, err := n.d.v.store.Get(ctx, segmentKey(id))
	if err != nil || version.IsZero() {
		return nil, err
	}
	var rec SegmentRecord
	if err := decode(segmentKey(id), value, &rec); err != nil {
		return nil, err
	}
	if len(rec.Refs) != 1 || !rec.refers(n.base.Content.ID) {
		return nil, nil
	}
	blocks, small := rec.Blocks, rec.Small
	if a := n.app; a != nil && a.segment == id {
		blocks, small = a.number, a.small
	} else if !rec.Writer.IsZero() {
		blocks, small = highest(used) // a live writer goes on above
	}
	var dead []blockstore.BlockID
	for i := range blocks {
		if used[i] == nil {
			dead = append(dead, blockstore.BlockID{Segment: id, Number: i})
		}
	}
	for i := range small {
		if used[i|blockstore.SmallBit] == nil {
			dead = append(dead, blockstore.BlockID{Segment: id, Number: i | blockstore.SmallBit})
		}
	}
	return dead, nil
}

// forget commits that the file is not in some segments any more; the collector
// takes them.
func (n *liveNode) forget(ctx context.Context, gone []blockstore.SegmentID, stored int64) error {
	var next *Node
	version, err := n.d.updateVersion(ctx, blockstore.Lazy, func(tx *tx) error {
		node, version, err := tx.versionOf(n.id)
		if err != nil {
			return err
		}
		if version != n.version {
			return blockstore.E("reclaim", node.Name, blockstore.Busy, nil)
		}
		m := node.Content
		m.Segments = slices.DeleteFunc(slices.Clone(m.Segments), func(id blockstore.SegmentID) bool {
			return slices.Contains(gone, id)
		})
		m.Stored, m.Queued = stored, false
		if err := tx.leavePages(m, gone); err != nil {
			return err
		}
		if len(gone) > 0 {
			tx.drop(&Manifest{ID: m.ID, Segments: gone})
		}
		tx.putNode(n.id, node)
		next = node
		return nil
	})
	if err != nil {
		return err
	}
	regions := maps.Clone(n.regions)
	n.rebase(next, version)
	n.regions = regions
	return nil
}

func highest(used map[uint32]*blockUse) (blocks, small uint32) {
	for i := range used {
		if i&blockstore.SmallBit != 0 {
			small = max(small, i&^blockstore.SmallBit+1)
		} else {
			blocks = max(blocks, i+1)
		}
	}
	return blocks, small
}

// elsewhere says whether the file is open in other doors too.
func (n *liveNode) elsewhere() bool {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	return n.d.v.opens.count(n.id) > n.handles
}
