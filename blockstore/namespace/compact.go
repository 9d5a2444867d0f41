package namespace

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// When space is given back, and what is worth writing again.
const (
	// slack is how many dead bytes nobody minds.
	slack = 1 << 20
	// openSlack is the same for a file that is being written.
	openSlack = 64 << 20
	// mostSegments is how many segments a content may have before those that
	// are dead are looked for.
	mostSegments = 32
	// fragmented is how many extents a region may have at rest.
	fragmented = 4
	// compactAfter is how long a closed file waits for its compaction: it may
	// be opened again.
	compactAfter = Time(30 * time.Second)
)

// wasteful says whether a content at rest is worth compacting.
func (m *Manifest) wasteful() bool {
	return m.Stored > m.Size+m.Size/2+slack || len(m.Segments) > mostSegments || m.Spilled ||
		len(m.Runs) > mostRuns/2
}

// large says whether a file that is being written takes much more room than it
// has bytes.
func (n *liveNode) large() bool {
	m := n.base.Content
	return m.Stored >= 2*m.Size+openSlack
}

// reclaimIfLarge gives dead blocks back while a file is being written. If that
// is not enough, because most blocks are still in use for a little, some regions
// are written again at each flush until it is. mu is held.
func (n *liveNode) reclaimIfLarge(ctx context.Context) error {
	if !n.large() && len(n.base.Content.Segments) < max(4*mostSegments, 2*n.segmentsLeft) {
		return nil
	}
	_, err := n.reclaim(ctx)
	n.segmentsLeft = len(n.base.Content.Segments)
	if err == nil && n.large() && !n.dirty.changed {
		err = n.rewriteSome(ctx)
	}
	if err != nil {
		// What was written is committed; the space can wait.
		n.d.v.log.Warn("dead blocks were not given back", "node", n.id, "err", err)
	}
	return nil
}

// rewriteSome writes the next few scattered regions again. Nothing is dirty, so
// nothing is lost if it must be abandoned.
func (n *liveNode) rewriteSome(ctx context.Context) error {
	use, err := n.usage(ctx)
	if err != nil {
		return err
	}
	regions := use.scattered()
	first, _ := slices.BinarySearch(regions, n.rewritten)
	if regions = regions[first:]; len(regions) > regionsAtOnce {
		regions = regions[:regionsAtOnce]
	}
	n.rewritten = 0
	if len(regions) > 0 {
		n.rewritten = regions[len(regions)-1] + 1
	}
	if err := n.rewriteAll(ctx, regions); err != nil {
		return errors.Join(err, n.abandon(ctx))
	}
	return nil
}

// tidy writes regions with too many extents again, each as one run. It returns
// what was dirty before, or nil if there was nothing to do. mu is held.
func (n *liveNode) tidy(ctx context.Context) (map[int64]ExtentList, error) {
	var crowded []int64
	for r, top := range n.dirty.regions {
		list, err := n.region(ctx, r)
		if err != nil {
			return nil, err
		}
		lo, hi := regionRange(r)
		if most := mostIn(r); len(top)+len(list) > most && len(list.in(lo, min(hi, n.dirty.keep)).over(top)) > most {
			crowded = append(crowded, r)
		}
	}
	if crowded == nil {
		return nil, nil
	}
	before := make(map[int64]ExtentList, len(n.dirty.regions))
	for r, list := range n.dirty.regions {
		before[r] = slices.Clone(list)
	}
	slices.Sort(crowded)
	for _, r := range crowded {
		if err := n.rewrite(ctx, r); err != nil {
			n.dirty.regions = before
			return nil, err
		}
	}
	return before, nil
}

// rewrite writes the data of a region again, in order. Holes stay holes.
func (n *liveNode) rewrite(ctx context.Context, r int64) error {
	lo, hi := regionRange(r)
	hi = min(hi, n.size())
	buf := buffers.Get().(*[blockstore.MaxBlock]byte)
	defer buffers.Put(buf)
	for off := lo; off < hi; {
		e, err := n.extentAt(ctx, off, hi)
		if err != nil {
			return err
		}
		if e.isHole() {
			off = e.end()
			continue
		}
		run, err := n.dataRun(ctx, e, min(hi, off+int64(len(buf))))
		if err != nil {
			return err
		}
		k, err := n.readInto(ctx, buf[:run-off], off)
		if err != nil {
			return err
		}
		if _, err := n.appendAll(ctx, buf[:k], off); err != nil {
			return err
		}
		off = run
	}
	return nil
}

// dataRun is where the data that begins with e ends in a hole, at most at end.
func (n *liveNode) dataRun(ctx context.Context, e Extent, end int64) (int64, error) {
	for e.end() < end {
		next, err := n.extentAt(ctx, e.end(), end)
		if err != nil {
			return 0, err
		}
		if next.isHole() {
			return e.end(), nil
		}
		e = next
	}
	return min(e.end(), end), nil
}

// appendAll is writeLocked that never writes in place.
func (n *liveNode) appendAll(ctx context.Context, p []byte, off int64) (int, error) {
	total := 0
	for len(p) > 0 {
		k, err := n.append(ctx, p, off)
		if err != nil {
			return total, err
		}
		p, off, total = p[k:], off+int64(k), total+k
	}
	return total, nil
}

// compact writes scattered regions again and gives back what is dead. It
// returns the bytes of the blocks that were given back. The node must be open
// in the collector's door alone.
func (n *liveNode) compact(ctx context.Context) (int64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.reload(ctx); err != nil {
		return 0, err
	}
	use, err := n.usage(ctx)
	if err != nil {
		return 0, err
	}
	regions, err := n.worthRewriting(ctx, use)
	if err != nil {
		return 0, err
	}
	err = n.rewriteAll(ctx, regions)
	if blockstore.KindOf(err) == blockstore.Busy {
		return 0, n.abandon(ctx)
	}
	if err != nil {
		return 0, errors.Join(err, n.abandon(ctx))
	}
	return n.reclaim(ctx)
}

// regionsAtOnce bounds what a compaction has uncommitted: 64 MiB.
const regionsAtOnce = 16

func (n *liveNode) rewriteAll(ctx context.Context, regions []int64) error {
	for part := range slices.Chunk(regions, regionsAtOnce) {
		n.change()
		for _, r := range part {
			if err := n.rewrite(ctx, r); err != nil {
				return err
			}
		}
		small, err := n.finishBlock(ctx)
		if err != nil {
			return err
		}
		c := &commit{n: n, size: n.dirty.size, small: small, exact: true, quiet: true}
		if err := n.commit(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// abandon forgets a compaction that another change came before. Its blocks are
// nobody's: the segment goes to the collector.
func (n *liveNode) abandon(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // at shutdown too, or the segment would be forgotten
	n.dirty = newOverlay()
	a := n.app
	n.app = nil
	n.stale.Store(true)
	if a == nil {
		return nil
	}
	a.wait()
	n.d.v.streams.end(a.segment)
	if !a.registered || slices.Contains(n.base.Content.Segments, a.segment) {
		return nil
	}
	return n.d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		tx.drop(&Manifest{Segments: []blockstore.SegmentID{a.segment}})
		return nil
	})
}

// queueCompaction tells the collector of a wasteful node when it is closed.
func (d *Door) queueCompaction(ctx context.Context, id NodeID) error {
	n, _, err := d.v.readNode(ctx, id)
	if err != nil || n.Content == nil || n.Content.Queued || !n.Content.wasteful() {
		if blockstore.KindOf(err) == blockstore.Stale {
			return nil
		}
		return err
	}
	return d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		n, err := tx.node(id)
		if err != nil {
			return err
		}
		n.Content.Queued = true
		tx.putNode(id, n)
		tx.due(tx.now+compactAfter, &DueRecord{Compact: id, By: d.v.session})
		return nil
	})
}
