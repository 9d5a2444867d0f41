package namespace

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

// Link gives a node another name (POSIX link). Permission for a directory,
// CrossBucket for one of another bucket.
func (d *Door) Link(ctx context.Context, id, dir NodeID, name string) (Attr, error) {
	s, err := d.v.named(ctx, dir, name, blockstore.Invalid)
	if err != nil {
		return Attr{}, err
	}
	err = d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		parent, err := tx.dir(dir)
		if err != nil {
			return err
		}
		n, err := tx.node(id)
		if err != nil {
			return err
		}
		if err := linkable(n, parent, name); err != nil {
			return err
		}
		e, err := tx.free(dir, s, n.Kind)
		if err != nil {
			return err
		}
		n.Links, n.Ctime = n.Links+1, tx.now
		n.Parent, n.Name = dir, s.component
		tx.putNode(id, n)
		tx.putEntry(dir, s.component, e.with(id, n.Kind))
		tx.touchDir(dir, 0)
		return tx.claim(dir, parent, s.component)
	})
	if err != nil {
		return Attr{}, err
	}
	return d.Attr(ctx, id)
}

func linkable(n, parent *Node, name string) error {
	kind := blockstore.Other
	switch {
	case n.Kind == Dir:
		kind = blockstore.Permission
	case n.Links == 0:
		kind = blockstore.NotFound // unlinked, only held open
	case n.Links >= MaxLinks:
		kind = blockstore.TooManyLinks
	case n.Bucket != parent.Bucket:
		kind = blockstore.CrossBucket
	default:
		return nil
	}
	return blockstore.E("link", name, kind, nil)
}

// Readlink returns the target of a symlink; Invalid for anything else.
func (d *Door) Readlink(ctx context.Context, id NodeID) (string, error) {
	n, _, err := d.v.readNode(ctx, id)
	if err != nil {
		return "", err
	}
	if n.Kind != Symlink {
		return "", blockstore.E("readlink", n.Name, blockstore.Invalid, nil)
	}
	return n.Target, nil
}
