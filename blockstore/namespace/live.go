package namespace

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// liveNode is a file that is open in a door: what is committed of it, and laid
// over that what was written since. All handles of the door share it.
type liveNode struct {
	d  *Door
	id NodeID

	// handles are open; owed are closed, which the table of open nodes was not
	// told yet. Both are guarded by d.mu.
	handles int
	owed    int
	filed   string      // the key of the history record that has it, of a reader of that
	stale   atomic.Bool // the record may have changed: read it again

	mu    sync.RWMutex
	wrote bool // something was committed
	// opened: it was opened for writing since the last commit of what was
	// written; in a versioned bucket the next makes a version.
	opened bool
	// segmentsLeft is how many segments the last reclaim left, rewritten the
	// region where the next rewriteSome goes on.
	segmentsLeft int
	rewritten    int64
	base         *Node // shared: never changed in place
	version      blockstore.Version
	dirty        overlay
	app          *appender

	regionsMu sync.Mutex
	regions   map[int64]regionExtents // of base, as read
}

// regionExtents is what is committed of a region; own: it has a record.
type regionExtents struct {
	list ExtentList
	own  bool
}

// overlay is what was changed of a file and not yet committed.
type overlay struct {
	changed bool
	since   time.Time            // of the oldest change
	regions map[int64]ExtentList // what was written, holes punched included
	extents int                  // about how many those are
	// keep: base's content from this offset on is cut off. When it is 0 a new
	// content begins, whose log begins with it; left are the segments of the
	// logs before, which no commit may have come for.
	keep     int64
	left     []blockstore.SegmentID
	size     int64
	mtime    Time
	killPriv bool
	stored   int64                         // bytes of blocks put
	needs    map[blockstore.SegmentID]bool // segments with blocks put on their own
}

func newOverlay() overlay {
	return overlay{keep: math.MaxInt64, regions: make(map[int64]ExtentList)}
}

// change begins or goes on with a change of content.
func (n *liveNode) change() {
	if !n.dirty.changed {
		n.dirty.changed, n.dirty.since, n.dirty.size = true, time.Now(), n.base.Content.Size
	}
	n.dirty.mtime = Now()
}

// size is the length of the file as its handles see it; with mu held.
func (n *liveNode) size() int64 {
	if n.dirty.changed {
		return n.dirty.size
	}
	return n.base.Content.Size
}

// acquire opens a node in the door.
func (d *Door) acquire(ctx context.Context, id NodeID) (*liveNode, error) {
	d.v.opens.enter(id)
	node, version, err := d.v.readNode(ctx, id)
	if err == nil {
		err = openable(node)
	}
	if err == nil && node.Links == 0 && d.v.opens.count(id) == 1 {
		// It lost its last name, and only those who had it open keep it.
		err = blockstore.E("open", node.Name, blockstore.Stale, nil)
	}
	if err != nil {
		// Who gave the node up meanwhile saw it open, and left it to the last.
		if failed := d.letGo(ctx, id); failed != nil {
			err = errors.Join(err, failed)
		}
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.live[id]
	if n == nil {
		n = &liveNode{d: d, id: id, base: node, version: version, dirty: newOverlay()}
		n.stale.Store(true) // the node may have changed before it was in the table
		d.live[id] = n
	}
	n.handles++
	return n, nil
}

func openable(n *Node) error {
	switch n.Kind {
	case File:
		return nil
	case Dir:
		return blockstore.E("open", n.Name, blockstore.IsDirectory, nil)
	}
	return blockstore.E("open", n.Name, blockstore.Invalid, nil)
}

// let undoes acquire. The last handle of the door commits what is dirty, and
// the last of the process retires a node without a name. If it can't be
// committed the node stays, and is tried again with the door's other nodes.
func (n *liveNode) let(ctx context.Context) error {
	err := n.flush(ctx, flushAll)
	n.d.mu.Lock()
	n.handles--
	n.owed++
	n.d.mu.Unlock()
	if done := n.settleHandles(ctx); err == nil {
		err = done
	}
	if err != nil {
		n.d.v.unclean.Store(true)
	}
	return err
}

// settleHandles takes a clean node without handles out of the door.
func (n *liveNode) settleHandles(ctx context.Context) error {
	owed, wrote, err := n.takeOut(ctx)
	if err != nil {
		return err
	}
	gone, nameless := false, false
	for range owed {
		gone, nameless = n.d.v.opens.leave(n.id)
	}
	if !gone {
		return nil
	}
	err = n.retireNameless(ctx, nameless)
	if wrote && err == nil {
		if err := n.d.queueCompaction(ctx, n.id); err != nil {
			n.d.v.log.Warn("a file is not queued for compaction", "node", n.id, "err", err)
		}
	}
	return err
}

// takeOut returns how many handles the table of open nodes is to be told are
// closed: all if other handles are left or the node is clean, else none yet.
// What could not be committed of a node without a name is given up with it.
func (n *liveNode) takeOut(ctx context.Context) (owed int, wrote bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dirty.changed {
		if err := n.reload(ctx); err != nil {
			return 0, false, err
		}
	}
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if n.handles == 0 && n.dirty.changed {
		if n.base.Links > 0 {
			return 0, false, nil
		}
		n.leaveLog()
		n.d.v.unclean.Store(true) // its last segment is found by the next start
		n.dirty = newOverlay()
	}
	owed, n.owed = n.owed, 0
	if n.handles == 0 && n.d.live[n.id] == n {
		delete(n.d.live, n.id)
		n.d.v.streams.keep(n.id, n.app)
		n.app = nil
	}
	return owed, n.wrote, nil
}

// retireNameless retires the node if it lost its last name while it was open.
// It may not have heard of that itself.
func (n *liveNode) retireNameless(ctx context.Context, nameless bool) error {
	n.mu.RLock()
	named := !nameless && !n.stale.Load() && n.base.Links > 0
	n.mu.RUnlock()
	if named {
		return nil
	}
	node, _, err := n.d.v.readNode(ctx, n.id)
	if blockstore.KindOf(err) == blockstore.Stale {
		return nil
	}
	if err != nil {
		return err
	}
	if node.Links == 0 {
		return n.d.v.release(ctx, n.d.v.session, n.id)
	}
	return nil
}

// fresh reads the record again if somebody changed it.
func (n *liveNode) fresh(ctx context.Context) error {
	if !n.stale.Load() {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.reload(ctx)
}

// reload is fresh with mu held. A node that another session removed stays as
// it was last seen: its handles go on.
func (n *liveNode) reload(ctx context.Context) error {
	if !n.stale.Swap(false) {
		return nil
	}
	node, version, err := n.d.v.readNode(ctx, n.id)
	if blockstore.KindOf(err) == blockstore.Stale {
		return nil
	}
	if err != nil {
		n.stale.Store(true)
		return err
	}
	n.rebase(node, version)
	return nil
}

func (n *liveNode) rebase(node *Node, version blockstore.Version) {
	if version == n.version {
		return
	}
	n.base, n.version = node, version
	n.app.dropTail()
	n.regionsMu.Lock()
	n.regions = nil
	n.regionsMu.Unlock()
}

// attr is the node's attributes with what is dirty.
func (n *liveNode) attr(ctx context.Context) (Attr, error) {
	if err := n.fresh(ctx); err != nil {
		return Attr{}, err
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	a := n.base.attr(n.id)
	if !n.dirty.changed {
		return a, nil
	}
	a.Size, a.Stored = n.dirty.size, min(n.dirty.size, a.Stored+n.dirty.stored+n.app.buffered())
	a.Mtime, a.Ctime = n.dirty.mtime, max(a.Ctime, n.dirty.mtime)
	if n.dirty.killPriv {
		node := *n.base
		node.killPriv()
		a.Mode = node.Mode
	}
	return a, nil
}

// region is the committed extents of a region: its record, or the runs.
func (n *liveNode) region(ctx context.Context, r int64) (ExtentList, error) {
	m := n.base.Content
	if !m.Spilled {
		return m.Runs, nil
	}
	if known, ok := n.knownRegion(r); ok {
		return known.list, nil
	}
	list, own, err := n.d.v.readRegion(ctx, m.ID, r)
	if err != nil {
		return nil, err
	}
	if !own {
		if list, err = n.d.v.runsIn(ctx, m, r); err != nil {
			return nil, err
		}
	}
	n.keepRegion(r, regionExtents{list, own})
	return list, nil
}

func (n *liveNode) knownRegion(r int64) (regionExtents, bool) {
	n.regionsMu.Lock()
	defer n.regionsMu.Unlock()
	known, ok := n.regions[r]
	return known, ok
}

// regionsKept bounds the decoded regions of one file in memory: 512 of at most
// 36 KiB.
const regionsKept = 512

func (n *liveNode) keepRegion(r int64, x regionExtents) {
	n.regionsMu.Lock()
	defer n.regionsMu.Unlock()
	if n.regions == nil {
		n.regions = make(map[int64]regionExtents)
	}
	if len(n.regions) >= regionsKept {
		for other := range n.regions { // any one
			delete(n.regions, other)
			break
		}
	}
	n.regions[r] = x
}

// readRegion reads the record of a region, if it has one.
func (v *Volume) readRegion(ctx context.Context, content blockstore.ID, r int64) (ExtentList, bool, error) {
	return v.readExtents(ctx, extentsKey(content, r))
}
