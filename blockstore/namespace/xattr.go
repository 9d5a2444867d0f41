package namespace

import (
	"bytes"
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

// GetXattr returns a copy of an extended attribute; NoAttribute if there is
// none.
func (d *Door) GetXattr(ctx context.Context, id NodeID, name string) ([]byte, error) {
	n, _, err := d.v.readNode(ctx, id)
	if err != nil {
		return nil, err
	}
	value, ok := n.xattr(name)
	if !ok {
		return nil, blockstore.E("get attribute", name, blockstore.NoAttribute, nil)
	}
	return bytes.Clone(value), nil
}

// ListXattr returns the names, sorted.
func (d *Door) ListXattr(ctx context.Context, id NodeID) ([]string, error) {
	n, _, err := d.v.readNode(ctx, id)
	if err != nil {
		return nil, err
	}
	return n.xattrNames(), nil
}

// SetXattr sets an extended attribute: with create only a new one (Exists),
// with replace only one that is there (NoAttribute). value is copied. NoSpace
// if all together are larger than MaxXattr.
func (d *Door) SetXattr(ctx context.Context, id NodeID, name string, value []byte, create, replace bool) error {
	if name == "" || len(name) > MaxName {
		return blockstore.E("set attribute", name, blockstore.OutOfRange, nil)
	}
	value = append([]byte{}, value...)
	return d.changeXattrs(ctx, id, func(n *Node) error {
		_, have := n.xattr(name)
		switch {
		case have && create:
			return blockstore.E("set attribute", name, blockstore.Exists, nil)
		case !have && replace:
			return blockstore.E("set attribute", name, blockstore.NoAttribute, nil)
		}
		if err := n.setXattr(name, value); err != nil {
			return err
		}
		if n.xattrBytes() > MaxXattr {
			return blockstore.E("set attribute", name, blockstore.NoSpace, nil)
		}
		return nil
	})
}

// RemoveXattr removes an extended attribute; NoAttribute if there is none.
func (d *Door) RemoveXattr(ctx context.Context, id NodeID, name string) error {
	return d.changeXattrs(ctx, id, func(n *Node) error {
		if _, have := n.xattr(name); !have {
			return blockstore.E("remove attribute", name, blockstore.NoAttribute, nil)
		}
		return n.setXattr(name, nil)
	})
}

func (d *Door) changeXattrs(ctx context.Context, id NodeID, change func(*Node) error) error {
	return d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		n, err := tx.node(id)
		if err != nil {
			return err
		}
		if err := change(n); err != nil {
			return err
		}
		n.Ctime = tx.now
		if n.Kind == Dir {
			if err := tx.changedDir(id, n); err != nil {
				return err
			}
		}
		tx.putNode(id, n)
		return nil
	})
}
