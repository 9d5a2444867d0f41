package namespace

import (
	"context"
	"maps"

	"github.com/cairnfs/cairn/blockstore"
)

// Content is bytes on their way into a volume, before they have a name. It
// takes constant memory, whatever its length. It is used by one goroutine, and
// ends with Publish or Abort.
type Content struct {
	d   *Door
	ctx context.Context //nolint:containedctx // io.Writer has no other way
	n   *liveNode
}

// NewContent begins a content; ctx holds for its writes.
func (d *Door) NewContent(ctx context.Context) *Content {
	id := blockstore.NewID()
	n := &liveNode{d: d, id: id, dirty: newOverlay()}
	n.base = &Node{Kind: File, Content: &Manifest{ID: id}}
	return &Content{d: d, ctx: ctx, n: n}
}

// Write appends p, which is copied.
func (c *Content) Write(p []byte) (int, error) {
	n := c.n
	n.mu.Lock()
	defer n.mu.Unlock()
	n.change()
	k, err := n.writeLocked(c.ctx, p, n.dirty.size)
	n.dirty.size += int64(k)
	return k, err
}

// Size is how many bytes were written so far.
func (c *Content) Size() int64 { return c.n.size() }

// Abort gives the content up; its blocks go to the collector. It does nothing
// after Publish.
func (c *Content) Abort(ctx context.Context) error {
	if c.n == nil {
		return nil
	}
	n := c.n
	c.n = nil
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.app
	if a == nil {
		return nil
	}
	a.wait()
	a.forgetBuffers()
	c.d.v.streams.end(a.segment)
	if !a.registered && !a.unsure {
		return nil
	}
	return c.d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		tx.drop(&Manifest{Segments: []blockstore.SegmentID{a.segment}})
		return nil
	})
}

// Publish says under which terms a content gets its name.
type Publish struct {
	// New gives mode, owner and group where the name is new; a file that is
	// replaced passes its own on.
	New    NewNode
	Mtime  *Time // default: now
	Xattrs map[string][]byte
	Object *Object
	// IfAbsent: the name must be free (Exists). IfNode, if not zero: it must
	// lead to this node (Conflict).
	IfAbsent   bool
	IfNode     NodeID
	Durability blockstore.Durability
}

// Publish gives a content a name, in one change: whoever looks sees the old
// file whole or the new one whole. It is always a new node; the old one goes to
// history. IsDirectory if a directory has the name.
func (d *Door) Publish(ctx context.Context, dir NodeID, name string, c *Content, p Publish) (Attr, error) {
	if err := checkName(name); err != nil {
		return Attr{}, err
	}
	n := c.n
	n.mu.Lock()
	defer n.mu.Unlock()
	small, err := n.finishBlock(ctx)
	if err != nil {
		return Attr{}, err
	}
	if err := n.app.settle(ctx); err != nil {
		return Attr{}, err
	}
	var node *Node
	err = d.update(ctx, p.Durability, func(tx *tx) error {
		cm := &commit{n: n, size: n.size(), small: small, regions: make(map[int64]ExtentList)}
		var err error
		node, err = tx.publish(dir, name, cm, p)
		return err
	})
	if err != nil {
		return Attr{}, err
	}
	if n.app != nil {
		n.app.forgetBuffers()
		d.v.streams.end(n.app.segment)
	}
	c.n = nil
	return node.attr(n.id), nil
}

func (tx *tx) publish(dir NodeID, name string, c *commit, p Publish) (*Node, error) {
	parent, err := tx.dir(dir)
	if err != nil {
		return nil, err
	}
	e, err := tx.entry(dir, name)
	if err != nil {
		return nil, err
	}
	if e != nil && e.File == c.n.id {
		return tx.node(e.File) // it was done before, and the reply was lost
	}
	tx.putEntry(dir, name, entryTo(c.n.id, File))
	p.New.Kind = File
	node := tx.newNode(dir, parent, name, p.New)
	if err := tx.supersede(e, node, dir, name, p); err != nil {
		return nil, err
	}
	m, err := c.manifest(tx)
	if err != nil {
		return nil, err
	}
	node.Content, node.Object, node.Xattrs = m, p.Object, maps.Clone(p.Xattrs)
	if p.Mtime != nil {
		node.Mtime = *p.Mtime
	}
	return node, tx.enter(dir, name, c.n.id, node)
}

// supersede checks the terms, and retires what had the name.
func (tx *tx) supersede(e *EntryRecord, node *Node, dir NodeID, name string, p Publish) error {
	if e == nil {
		if !p.IfNode.IsZero() {
			return blockstore.E("publish", name, blockstore.Conflict, blockstore.NotFound)
		}
		return nil
	}
	old, kind := e.shown()
	switch {
	case kind == Dir:
		return blockstore.E("publish", name, blockstore.IsDirectory, nil)
	case p.IfAbsent:
		return blockstore.E("publish", name, blockstore.Exists, nil)
	case !p.IfNode.IsZero() && old != p.IfNode:
		return blockstore.E("publish", name, blockstore.Conflict, nil)
	}
	before, err := tx.node(old)
	if err != nil {
		return err
	}
	node.Mode, node.UID, node.GID = before.Mode, before.UID, before.GID
	return tx.unlinked(old, dir, name)
}

// manifest is that of a content that has no node yet.
func (c *commit) manifest(tx *tx) (*Manifest, error) {
	m := &Manifest{ID: c.n.base.Content.ID, Size: c.size, Stored: c.n.dirty.stored}
	if c.small != nil {
		tx.Block(c.small.ID, c.small.Data)
		m.Stored += int64(len(c.small.Data))
	}
	if err := c.layAll(tx, m); err != nil {
		return nil, err
	}
	if err := c.refer(tx, m); err != nil {
		return nil, err
	}
	for id := range c.n.dirty.needs {
		tx.Need(id)
	}
	m.Changed, m.Tag = tx.now, blockstore.NewID()
	return m, nil
}
