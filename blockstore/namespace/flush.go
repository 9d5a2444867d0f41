package namespace

import (
	"context"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

type flushMode int

const (
	// flushAll commits everything.
	flushAll flushMode = iota
	// flushWaiting commits what has waited for a while, and leaves a block
	// alone that a stream of writes is just filling.
	flushWaiting
)

// flush commits what is dirty, lazily.
func (n *liveNode) flush(ctx context.Context, mode flushMode) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.flushLocked(ctx, mode)
}

// flushAndLet is flush for a node that may have been left without handles by a
// close that failed.
func (n *liveNode) flushAndLet(ctx context.Context, mode flushMode) error {
	err := n.flush(ctx, mode)
	if out := n.settleHandles(ctx); out != nil {
		return out
	}
	if err != nil && n.d.liveNode(n.id) != n {
		return nil // it had no name any more
	}
	return err
}

func (n *liveNode) flushLocked(ctx context.Context, mode flushMode) error {
	if !n.dirty.changed {
		return nil
	}
	var held Extent
	if mode == flushWaiting {
		if time.Since(n.dirty.since) < n.d.v.opts.FlushEvery {
			return nil
		}
		held = n.holdBack()
	}
	err := n.flushBut(ctx, held)
	n.unhold(held, max(n.dirty.size, held.end()))
	if err != nil {
		return err
	}
	return n.reclaimIfLarge(ctx)
}

// holdBack takes the block that is being filled out of what is dirty, if it is
// young and holds nothing but the end of the file: a stream is being written,
// and its blocks shall be full.
func (n *liveNode) holdBack() Extent {
	a := n.app
	if a == nil || a.hasTail || len(a.buf) == 0 || time.Since(a.since) > n.d.v.opts.FlushEvery {
		return Extent{}
	}
	start := n.dirty.size - int64(len(a.buf))
	for off := start; off < n.dirty.size; {
		list := n.dirty.regions[off/Region]
		i := list.search(off)
		if i == len(list) || list[i].Offset > off {
			return Extent{}
		}
		e := list[i].clip(off, n.dirty.size)
		if e.block() != a.block() || int64(e.At) != off-start {
			return Extent{}
		}
		off = e.end()
	}
	if start < 0 || start < n.base.Content.Size && n.dirty.keep > start {
		return Extent{}
	}
	held := Extent{
		Offset: start, Length: int64(len(a.buf)), Segment: a.segment, BlockSize: a.blockSize, Number: a.number,
	}
	held.byRegion(func(r int64, part Extent) {
		n.dirty.regions[r] = n.dirty.regions[r].cut(part.Offset, part.end())
	})
	return held
}

// unhold puts back what holdBack took.
func (n *liveNode) unhold(held Extent, size int64) {
	if held.Length == 0 {
		return
	}
	mtime := n.dirty.mtime
	if !n.dirty.changed {
		mtime = n.base.Mtime
	}
	n.change()
	n.lay(held)
	n.dirty.size = max(n.dirty.size, size)
	n.dirty.mtime, n.dirty.since = mtime, n.app.since
}

// flushBut sees the blocks to the engine and commits the extents, but for the
// held one.
func (n *liveNode) flushBut(ctx context.Context, held Extent) error {
	if held.Length > 0 {
		return n.commit(ctx, &commit{n: n, size: held.Offset})
	}
	before, err := n.tidy(ctx)
	if err != nil {
		// What was written comes first: an old block that can't be read, or
		// no room to write it again, is no reason not to commit it.
		n.d.v.log.Warn("a scattered file is not tidied", "node", n.id, "err", err)
	}
	small, err := n.finishBlock(ctx)
	if err != nil {
		return err
	}
	c := &commit{n: n, size: n.dirty.size, small: small, exact: before != nil}
	err = n.commit(ctx, c)
	if before != nil && blockstore.KindOf(err) == blockstore.Busy {
		// Another door changed the file while its regions were read to be
		// written again: commit only what was written here.
		n.dirty.regions, c.exact = before, false
		err = n.commit(ctx, c)
	}
	return err
}

func (n *liveNode) commit(ctx context.Context, c *commit) error {
	if err := n.app.settle(ctx); err != nil {
		return err
	}
	if err := c.run(ctx); err != nil {
		if c.small != nil {
			// It may have happened: the number may be taken, the segment known.
			n.app.small++
			n.app.unsure = true
		}
		return err
	}
	c.done()
	return nil
}

// finishBlock sends off the block that is being filled as it is, or makes a
// small block of it, which rides with the commit.
func (n *liveNode) finishBlock(ctx context.Context) (*blockstore.Block, error) {
	a := n.app
	if a == nil || a.hasTail || len(a.buf) == 0 {
		return nil, nil
	}
	if len(a.buf) > blockstore.MaxSmall {
		return nil, n.seal(ctx)
	}
	id := blockstore.BlockID{Segment: a.segment, Number: a.small | blockstore.SmallBit}
	return &blockstore.Block{ID: id, Data: a.buf}, nil
}
