package namespace

import (
	"context"
	"maps"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

// PutKey says under which terms a content gets its key.
type PutKey struct {
	// Mode is of a new file; default 0644. Owner and group are the parent
	// directory's; a file that is replaced passes all three on, and its ACL
	// if Object has none.
	Mode   uint32
	Object *Object // belongs to the file from now on
	Xattrs map[string][]byte
	Mtime  *Time // default: now
	// If is asked in the change itself what the key holds (nil: nothing). Its
	// error is returned as it is, and nothing happens. It may be asked again.
	If         func(current *ObjectInfo) error
	Durability blockstore.Durability
}

// PutKey gives a content a key, in one change, and makes the directories that
// are missing on the way as implied ones. It is always a new node; what the key
// held goes to history. A key that ends in "/" makes, with an empty content, the
// directory of that name explicit.
func (d *Door) PutKey(ctx context.Context, bucket NodeID, key string, c *Content, p PutKey) (ObjectInfo, error) {
	if err := checkKey(key); err != nil {
		return ObjectInfo{}, err
	}
	if strings.HasSuffix(key, "/") && c.Size() == 0 {
		return d.putDirectory(ctx, bucket, key, c, p)
	}
	versioning, err := d.v.versioning(ctx, bucket)
	if err != nil {
		return ObjectInfo{}, err
	}
	id := c.n.id
	var node *Node
	err = c.commit(ctx, p.Durability, func(tx *tx, cm *commit) error {
		var err error
		node, err = tx.putKey(bucket, key, id, p, cm.manifest)
		return err
	})
	if err != nil {
		return ObjectInfo{}, err
	}
	return objectInfo(key, id, node, versioning), nil
}

// putKey gives a new file with the id a key. It is the file's already if this
// was done before and the reply was lost.
func (tx *tx) putKey(bucket NodeID, key string, id NodeID, p PutKey, content func(*tx) (*Manifest, error)) (*Node, error) {
	h, err := tx.holder(bucket, key)
	if err != nil {
		return nil, err
	}
	if h.node != nil && h.id == id {
		return h.node, nil
	}
	if err := p.ask(&h, key); err != nil {
		return nil, err
	}
	if err := tx.makeDirs(&h); err != nil {
		return nil, err
	}
	if h.node != nil && h.node.Kind == Dir {
		// The key was the directory itself; now it is the file in it.
		h.node.Implied, h.node.Object = true, nil
		tx.putNode(h.id, h.node)
	}
	return tx.arrive(h.dir, h.parent, h.rest, h.entry, arrival{
		id: id, attr: p.newNode(h.parent), object: p.Object, xattrs: p.Xattrs, mtime: p.Mtime, content: content,
	})
}

// ask puts the condition to what the key holds.
func (p *PutKey) ask(h *holder, key string) error {
	if p.If == nil {
		return nil
	}
	return p.If(h.info(key))
}

// newNode: what S3 makes belongs to whom its directory belongs.
func (p *PutKey) newNode(parent *Node) NewNode {
	mode := p.Mode
	if mode == 0 {
		mode = 0o644
	}
	return NewNode{Mode: mode, UID: parent.UID, GID: parent.GID}
}

// putDirectory makes a directory explicit.
func (d *Door) putDirectory(ctx context.Context, bucket NodeID, key string, c *Content, p PutKey) (ObjectInfo, error) {
	var info ObjectInfo
	err := d.update(ctx, p.Durability, func(tx *tx) error {
		h, err := tx.holder(bucket, key)
		if err != nil {
			return err
		}
		if err := p.ask(&h, key); err != nil {
			return err
		}
		if err := tx.makeDirs(&h); err != nil {
			return err
		}
		if err := tx.clearSlot(&h); err != nil {
			return err
		}
		tx.markDir(&h, p)
		info = objectInfo(key, h.dir, h.parent, h.versioning)
		return nil
	})
	if err != nil {
		return ObjectInfo{}, err
	}
	return info, c.Abort(ctx)
}

// markDir makes the directory of the holder explicit on the terms of a PUT.
func (tx *tx) markDir(h *holder, p PutKey) {
	n := h.parent
	n.Implied, n.Object, n.Xattrs = false, p.Object.keepGrants(n.Object), maps.Clone(p.Xattrs)
	n.Mtime, n.MtimeSet = tx.now, tx.now
	if p.Mtime != nil {
		n.Mtime = *p.Mtime
	}
	tx.Add(tallyKey(h.dir), tallyCtime, blockstore.Max, int64(tx.now))
	tx.putNode(h.dir, n)
}

// clearSlot retires what the file slot of the holder's entry leads to.
func (tx *tx) clearSlot(h *holder) error {
	if h.entry == nil || h.entry.File.IsZero() {
		return nil
	}
	tx.leaveEntry(h.dir, h.rest, h.entry.without(File))
	tx.touchDir(h.dir, 0)
	return tx.unlinked(h.entry.File, h.dir, h.rest)
}
