package namespace

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

// Content is bytes on their way into a volume, before they have a name. It
// takes constant memory, whatever its length. It is used by one goroutine, and
// ends with Publish or Abort.
type Content struct {
	d   *Door
	ctx context.Context //nolint:containedctx // io.Writer has no other way
	n   *liveNode
	// draft is what it shares with other contents; nil: nothing. failed is what
	// went wrong with that.
	draft  *draft
	failed error
}

// NewContent begins a content; ctx holds for its writes.
func (d *Door) NewContent(ctx context.Context) *Content {
	id := blockstore.NewID()
	return d.newContent(ctx, id, id)
}

// newContent begins the content of a node-to-be.
func (d *Door) newContent(ctx context.Context, node NodeID, id blockstore.ID) *Content {
	n := &liveNode{d: d, id: node, dirty: newOverlay()}
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
	if a != nil {
		a.wait()
		a.forgetBuffers()
		c.d.v.streams.end(a.segment)
	}
	return c.d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		if a != nil && (a.registered || a.unsure) {
			tx.drop(&Manifest{Segments: []blockstore.SegmentID{a.segment}})
		}
		return c.draft.drop(tx)
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
	s, err := d.v.named(ctx, dir, name, blockstore.Invalid)
	if err != nil {
		return Attr{}, err
	}
	id := c.n.id
	var node *Node
	err = c.commit(ctx, p.Durability, func(tx *tx, cm *commit) error {
		var err error
		node, err = tx.publish(dir, s, cm, p)
		return err
	})
	if err != nil {
		return Attr{}, err
	}
	return node.attr(id), nil
}

// commit makes the change in which the content gets its place; after that it is
// no longer the Content's.
func (c *Content) commit(ctx context.Context, dur blockstore.Durability, fn func(*tx, *commit) error) error {
	if err := c.finish(ctx); err != nil {
		return err
	}
	n := c.n
	n.mu.Lock()
	defer n.mu.Unlock()
	small, err := n.finishBlock(ctx)
	if err != nil {
		return err
	}
	if err := n.app.settle(ctx); err != nil {
		return err
	}
	err = c.d.update(ctx, dur, func(tx *tx) error {
		return fn(tx, &commit{
			n: n, draft: c.draft, final: true, size: n.size(), small: small, regions: make(map[int64]ExtentList),
		})
	})
	if err != nil {
		return err
	}
	if n.app != nil {
		n.app.forgetBuffers()
		c.d.v.streams.end(n.app.segment)
	}
	c.n = nil
	return nil
}

func (tx *tx) publish(dir NodeID, name shownName, c *commit, p Publish) (*Node, error) {
	parent, err := tx.dir(dir)
	if err != nil {
		return nil, err
	}
	e, old, kind, err := tx.slot(dir, name, File)
	if err != nil {
		return nil, err
	}
	if old == c.n.id {
		return tx.node(old) // it was done before, and the reply was lost
	}
	if err := p.check(old, kind, name.component); err != nil {
		return nil, err
	}
	node, err := tx.arrive(dir, parent, name.component, e, arrival{
		id: c.n.id, attr: p.New, object: p.Object, xattrs: p.Xattrs, mtime: p.Mtime, content: c.manifest,
	})
	if err != nil {
		return nil, err
	}
	return node, tx.claim(dir, parent, name.component)
}

// check says whether the terms hold of what has the name.
func (p *Publish) check(old NodeID, kind Kind, name string) error {
	switch {
	case old.IsZero() && !p.IfNode.IsZero():
		return blockstore.E("publish", name, blockstore.Conflict, blockstore.NotFound)
	case old.IsZero():
		return nil
	case kind == Dir:
		return blockstore.E("publish", name, blockstore.IsDirectory, nil)
	case p.IfAbsent:
		return blockstore.E("publish", name, blockstore.Exists, nil)
	case !p.IfNode.IsZero() && old != p.IfNode:
		return blockstore.E("publish", name, blockstore.Conflict, nil)
	}
	return nil
}

// manifest is that of a content that has no node yet.
func (c *commit) manifest(tx *tx) (*Manifest, error) {
	m := &Manifest{ID: c.n.base.Content.ID, Size: c.size, Stored: c.n.dirty.stored}
	if c.small != nil {
		tx.Block(c.small.ID, c.small.Data)
		m.Stored += int64(len(c.small.Data))
	}
	if c.draft != nil {
		c.draft.into(tx, m)
		m.Runs = c.named(m.Runs)
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
