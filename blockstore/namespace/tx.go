package namespace

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

// tx is one attempt at a change of the namespace.
type tx struct {
	*blockstore.Tx
	v       *Volume
	current Stamp
	now     Time
	by      string                                   // the door's name, for people
	filed   Time                                     // of the last version that it filed
	written []writtenNode                            // nodes written or deleted
	self    *liveNode                                // whose commit it is: it knows what was written
	known   func(region int64) (regionExtents, bool) // of self, if that is fresh
	held    []NodeID                                 // nodes kept because they are open
	removed []NodeID                                 // nodes that beginRemove was called for
	// state is that of the versioning of a bucket, once it was asked for.
	bucket NodeID
	state  string
	// segments are those that shareContent put.
	segments map[blockstore.SegmentID]*SegmentRecord
}

// update runs fn until its change is committed (see blockstore.Writer.Update)
// and then lets the open nodes know.
func (d *Door) update(ctx context.Context, dur blockstore.Durability, fn func(*tx) error) error {
	_, err := d.updateVersion(ctx, dur, fn)
	return err
}

func (d *Door) updateVersion(ctx context.Context, dur blockstore.Durability, fn func(*tx) error) (blockstore.Version, error) {
	version, err := d.tryUpdate(ctx, dur, fn)
	for err != nil && d.v.madeRoom(ctx, err) {
		version, err = d.tryUpdate(ctx, dur, fn)
	}
	if err == nil && dur == blockstore.Sync && version.IsZero() {
		err = d.Sync(ctx) // it was so already, and nobody knows whether that is durable
	}
	return version, err
}

func (d *Door) tryUpdate(ctx context.Context, dur blockstore.Durability, fn func(*tx) error) (blockstore.Version, error) {
	stamp, err := d.v.stamper.stamp(ctx)
	if err != nil {
		return blockstore.Version{}, err
	}
	var t *tx
	var refused error // by fn: it is not the engine's
	finish := func() {
		if t != nil {
			d.v.opens.endRemove(t.removed)
		}
	}
	version, err := d.v.writer.Update(ctx, d.id, dur, func(btx *blockstore.Tx) error {
		finish()
		t = &tx{Tx: btx, v: d.v, current: stamp, now: Now(), by: d.name}
		refused = fn(t)
		return refused
	})
	if refused == nil {
		d.v.noteFull(err)
	}
	switch {
	case err == nil:
		d.v.nodes.keep(t.written, version)
		d.v.markStale(t.written, t.self)
	case t != nil:
		d.v.markStale(t.written, nil) // it may have happened all the same
	}
	finish()
	if err == nil {
		d.v.releaseClosed(ctx, t.held)
	}
	return version, err
}

// releaseClosed retires nodes that were kept because they were open, and were
// closed before that was committed. What fails is left to the next start: the
// change itself was done.
func (v *Volume) releaseClosed(ctx context.Context, held []NodeID) {
	for _, id := range held {
		if v.opens.leaveToLast(id) {
			continue
		}
		if err := v.release(ctx, v.session, id); err != nil {
			v.log.Warn("a removed file still takes room", "node", id, "err", err)
		}
	}
}

// put stamps and writes a record.
func (tx *tx) put(key string, r stamped) {
	*r.stamp() = tx.current
	tx.Put(key, encode(r))
}

// node reads a node and makes the change depend on it; Stale if it is gone.
func (tx *tx) node(id NodeID) (*Node, error) {
	n, _, err := tx.versionOf(id)
	return n, err
}

// versionOf is node with the version that it is in.
func (tx *tx) versionOf(id NodeID) (*Node, blockstore.Version, error) {
	n, v, err := tx.v.readNode(tx.Context(), id)
	if err != nil {
		return nil, v, err
	}
	tx.Guard(nodeKey(id), v)
	return n.clone(), v, nil
}

// dir is node for one that must be a directory.
func (tx *tx) dir(id NodeID) (*Node, error) {
	n, err := tx.node(id)
	if err == nil && n.Kind != Dir {
		err = blockstore.E("open", n.Name, blockstore.NotDirectory, nil)
	}
	return n, err
}

// putNode writes a node, which nobody may change after the commit.
func (tx *tx) putNode(id NodeID, n *Node) {
	tx.put(nodeKey(id), n)
	tx.written = append(tx.written, writtenNode{id, n})
	tx.Event(nodeKey(id))
}

func (tx *tx) deleteNode(id NodeID) {
	tx.Delete(nodeKey(id))
	tx.written = append(tx.written, writtenNode{id, nil})
	tx.Event(nodeKey(id))
}

// entry reads a name and makes the change depend on it; nil if it is free.
func (tx *tx) entry(dir NodeID, name string) (*EntryRecord, error) {
	key := entryKey(dir, name)
	value, v, err := tx.Get(key)
	if err != nil || v.IsZero() {
		return nil, err
	}
	return tx.v.decodedEntry(key, value, v)
}

// find reads what a POSIX name shows; NotFound if it shows nothing.
func (tx *tx) find(dir NodeID, s shownName) (*EntryRecord, NodeID, Kind, error) {
	e, err := tx.entry(dir, s.component)
	if err != nil {
		return nil, NodeID{}, 0, err
	}
	id, kind := e.at(s.beside)
	if id.IsZero() {
		return nil, NodeID{}, 0, tx.v.noEntry(tx, dir, s.component)
	}
	if s.beside && !e.both() {
		tx.Event(besideKey(dir, s.component)) // it shows under the plain name too
	}
	return e, id, kind, nil
}

// slot reads what a POSIX name shows that is about to lead to a node of a kind;
// zero: nothing. Invalid if it could not show that.
func (tx *tx) slot(dir NodeID, s shownName, kind Kind) (*EntryRecord, NodeID, Kind, error) {
	e, err := tx.entry(dir, s.component)
	if err == nil && s.beside && (kind == Dir || e == nil || e.Dir.IsZero()) {
		err = blockstore.E("name", posixName(s.component, true), blockstore.Invalid, nil)
	}
	if err == nil && s.component == "" && kind != Dir {
		err = tx.inBucket(dir)
	}
	if err != nil {
		return nil, NodeID{}, 0, err
	}
	old, oldKind := e.at(s.beside)
	return e, old, oldKind, nil
}

// inBucket refuses a file without a name directly in a bucket: its key would be
// empty.
func (tx *tx) inBucket(dir NodeID) error {
	n, err := tx.dir(dir)
	if err == nil && n.Bucket == dir {
		err = blockstore.E("name", posixName("", false), blockstore.Invalid, nil)
	}
	return err
}

func (tx *tx) putEntry(dir NodeID, name string, e *EntryRecord) {
	tx.put(entryKey(dir, name), e)
	tx.Event(entryKey(dir, name))
	if e.both() {
		tx.Event(besideKey(dir, name))
	}
	if hasAlias(name) {
		tx.put(aliasKey(dir, componentHash(name)), &AliasRecord{Component: name})
	}
}

// leaveEntry writes what is left of an entry; nil: nothing.
func (tx *tx) leaveEntry(dir NodeID, name string, e *EntryRecord) {
	if e != nil {
		tx.putEntry(dir, name, e)
		tx.Event(besideKey(dir, name))
		return
	}
	tx.Delete(entryKey(dir, name))
	tx.Event(entryKey(dir, name))
	if hasAlias(name) {
		tx.Delete(aliasKey(dir, componentHash(name)))
	}
}

// touchDir tells a directory that its entries changed, with how many more
// directories are in it.
func (tx *tx) touchDir(id NodeID, dirs int64) {
	key := tallyKey(id)
	tx.Add(key, tallyMtime, blockstore.Max, int64(tx.now))
	tx.Add(key, tallyCtime, blockstore.Max, int64(tx.now))
	if dirs != 0 {
		tx.Add(key, tallyDirs, blockstore.Sum, dirs)
	}
	tx.Event(nodeKey(id))
}

// use counts the bytes and files of a bucket.
func (tx *tx) use(bucket NodeID, bytes, files int64) {
	if bytes != 0 {
		tx.Add(usageKey(bucket), usageBytes, blockstore.Sum, bytes)
	}
	if files != 0 {
		tx.Add(usageKey(bucket), usageFiles, blockstore.Sum, files)
	}
}

// segment reads a segment's record and depends on it; nil if there is none. It
// is as the change has put it, if it has.
func (tx *tx) segment(id blockstore.SegmentID) (*SegmentRecord, error) {
	if s := tx.segments[id]; s != nil {
		return s, nil
	}
	value, v, err := tx.Get(segmentKey(id))
	if err != nil || v.IsZero() {
		return nil, err
	}
	s := new(SegmentRecord)
	return s, decode(segmentKey(id), value, s)
}

// due leaves work for the collector.
func (tx *tx) due(at Time, r *DueRecord) {
	tx.put(dueKey(at, blockstore.NewID()), r)
}
