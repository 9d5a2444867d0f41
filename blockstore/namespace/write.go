package namespace

import (
	"context"
	"math"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// mostDirtyExtents bounds what a flush has to lay over the committed extents.
const mostDirtyExtents = 16 << 10

// write writes p at off, or at the end.
func (n *liveNode) write(ctx context.Context, p []byte, off int64, flags OpenFlags) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.reload(ctx); err != nil {
		return 0, err
	}
	if flags&OpenAppend != 0 {
		off = n.size()
	}
	if off < 0 || off > MaxSize-int64(len(p)) {
		return 0, blockstore.E("write", n.base.Name, blockstore.TooLarge, nil)
	}
	if len(p) == 0 {
		return 0, nil
	}
	n.change()
	if flags&OpenKeepPriv == 0 && n.base.hasPriv() {
		n.dirty.killPriv = true
	}
	done, err := n.writeLocked(ctx, p, off)
	n.dirty.size = max(n.dirty.size, off+int64(done))
	if err == nil && n.dirty.extents > mostDirtyExtents {
		err = n.flushLocked(ctx, flushAll)
	}
	return done, err
}

// writeLocked lays p over the file; the caller sees to the size.
func (n *liveNode) writeLocked(ctx context.Context, p []byte, off int64) (int, error) {
	total := 0
	for len(p) > 0 {
		k := n.overwrite(p, off)
		if k == 0 {
			var err error
			if k, err = n.append(ctx, p, off); err != nil {
				return total, err
			}
		}
		p, off, total = p[k:], off+int64(k), total+k
	}
	return total, nil
}

// overwrite changes bytes in place that lie in the block being filled, where
// nobody has seen them yet. It returns how many.
func (n *liveNode) overwrite(p []byte, off int64) int {
	a := n.app
	if a == nil || a.hasTail || len(a.buf) == 0 {
		return 0
	}
	list := n.dirty.regions[off/Region]
	i := list.search(off)
	if i == len(list) || list[i].Offset > off || list[i].isHole() {
		return 0
	}
	e := list[i].clip(off, off+int64(len(p)))
	if e.block() != a.block() {
		return 0
	}
	k := min(int(e.Length), len(a.buf)-e.At)
	return copy(a.buf[e.At:e.At+k], p)
}

// append puts bytes into the log and an extent over the file.
func (n *liveNode) append(ctx context.Context, p []byte, off int64) (int, error) {
	a, err := n.appender(ctx)
	if err != nil {
		return 0, err
	}
	if err := n.useTail(ctx, off); err != nil {
		return 0, err
	}
	start := off
	if a.hasTail {
		start = a.tail
	}
	k, at := a.add(p)
	if a.hasTail {
		a.hasTail, at = false, 0
	}
	n.lay(Extent{
		Offset: start, Length: off + int64(k) - start,
		Segment: a.segment, BlockSize: a.blockSize, Number: a.number, At: at,
	})
	return k, nil
}

// lay puts an extent, or a hole, over the file.
func (n *liveNode) lay(e Extent) {
	e.byRegion(func(r int64, part Extent) {
		before := len(n.dirty.regions[r])
		n.dirty.regions[r] = n.dirty.regions[r].put(part)
		n.dirty.extents += len(n.dirty.regions[r]) - before
	})
}

// seal sends the block that is being filled to the engine, on its own.
func (n *liveNode) seal(ctx context.Context) error {
	size := len(n.app.buf)
	if err := n.app.seal(ctx); err != nil {
		return err
	}
	if n.dirty.needs == nil {
		n.dirty.needs = make(map[blockstore.SegmentID]bool)
	}
	n.dirty.needs[n.app.segment] = true
	n.dirty.stored += int64(size)
	return nil
}

// appender is the node's log, with room in the block being filled. A log that
// an earlier opening of the node left is continued.
func (n *liveNode) appender(ctx context.Context) (*appender, error) {
	if n.app == nil {
		n.app = n.d.v.streams.resume(n.id, n.base.Content)
		if n.app == nil {
			n.app = newAppender(n.d.v)
		}
	}
	a := n.app
	if a.full() {
		if err := n.seal(ctx); err != nil {
			return nil, err
		}
	}
	if len(a.buf) == 0 && a.worn(n.size()) {
		if err := a.settle(ctx); err != nil {
			return nil, err
		}
		if !n.dirty.needs[a.segment] {
			n.d.v.streams.end(a.segment)
		}
		n.app = newAppender(n.d.v)
	}
	return n.app, nil
}

// useTail gets the log ready for a write at off. An append to a short tail
// writes the tail again, so that a file that grows in small steps does not
// become a row of crumbs.
func (n *liveNode) useTail(ctx context.Context, off int64) error {
	a := n.app
	if a.hasTail && off == a.tail+int64(len(a.buf)) && len(a.buf) < blockstore.MaxSmall {
		return nil
	}
	if a.hasTail {
		a.buf, a.hasTail = a.buf[:0], false
	}
	if len(a.buf) > 0 || off == 0 || off != n.size() || n.dirty.keep <= off {
		return nil
	}
	e, err := n.lastExtent(ctx, off)
	if err != nil || !e.block().Small() || e.Length >= blockstore.MaxSmall || e.end() != off {
		return err
	}
	tail := make([]byte, e.Length)
	if k, err := n.readInto(ctx, tail, e.Offset); err != nil || k < len(tail) {
		return err
	}
	a.buf, a.tail, a.hasTail, a.since = tail, e.Offset, true, time.Now()
	return nil
}

// lastExtent is the committed extent that ends at off, if nothing is dirty
// there.
func (n *liveNode) lastExtent(ctx context.Context, off int64) (Extent, error) {
	r := (off - 1) / Region
	if len(n.dirty.regions[r]) > 0 {
		return Extent{}, nil
	}
	list, err := n.region(ctx, r)
	if err != nil {
		return Extent{}, err
	}
	if i := list.search(off - 1); i < len(list) && list[i].Offset < off {
		return list[i], nil
	}
	return Extent{}, nil
}

// truncate sets the size: what is cut off is gone, what is added is a hole.
func (n *liveNode) truncate(ctx context.Context, size int64, keepPriv bool) error {
	if size < 0 || size > MaxSize {
		return blockstore.E("truncate", n.id.String(), blockstore.TooLarge, nil)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.reload(ctx); err != nil {
		return err
	}
	n.change()
	if !keepPriv && n.base.hasPriv() {
		n.dirty.killPriv = true
	}
	if size < n.dirty.size {
		n.cutOff(size)
	}
	n.dirty.size = size
	return nil
}

func (n *liveNode) cutOff(size int64) {
	n.dirty.keep = min(n.dirty.keep, size)
	if size == 0 {
		n.leaveLog()
	}
	for r, list := range n.dirty.regions {
		if _, hi := regionRange(r); hi > size {
			list = list.cut(size, math.MaxInt64)
			n.dirty.regions[r] = list
		}
		if len(list) == 0 {
			delete(n.dirty.regions, r)
		}
	}
	n.app.dropTail()
}

// leaveLog ends the node's log: the content that it was for is cut to nothing,
// and its segments go with it.
func (n *liveNode) leaveLog() {
	n.d.v.streams.take(n.id)
	if n.app == nil {
		return
	}
	n.app.wait()
	n.app.forgetBuffers()
	n.d.v.streams.end(n.app.segment)
	if n.app.registered {
		n.dirty.left = append(n.dirty.left, n.app.segment)
	}
	n.app, n.dirty.needs, n.dirty.stored = nil, nil, 0
}

// allocate is fallocate(2): more size, or a hole.
func (n *liveNode) allocate(ctx context.Context, off, length int64, mode AllocateMode) error {
	if off < 0 || length <= 0 || off > MaxSize-length {
		return blockstore.E("allocate", n.id.String(), blockstore.Invalid, nil)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.reload(ctx); err != nil {
		return err
	}
	n.change()
	if mode&(AllocatePunchHole|AllocateZeroRange) != 0 {
		n.app.dropTail()
		if end := min(off+length, n.dirty.size); off < end {
			n.lay(Extent{Offset: off, Length: end - off})
		}
	}
	if mode&AllocateKeepSize == 0 {
		n.dirty.size = max(n.dirty.size, off+length)
	}
	return nil
}
