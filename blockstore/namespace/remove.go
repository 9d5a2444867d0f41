package namespace

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

// Unlink removes a name of anything but a directory (POSIX unlink). With its
// last name goes the node, or when its last handle is closed.
func (d *Door) Unlink(ctx context.Context, dir NodeID, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		e, err := tx.entry(dir, name)
		if err != nil {
			return err
		}
		if e == nil {
			return tx.v.noEntry(tx, dir, name)
		}
		id, kind := e.shown()
		if kind == Dir {
			return blockstore.E("unlink", name, blockstore.IsDirectory, nil)
		}
		tx.leaveEntry(dir, name, e.without(kind))
		tx.touchDir(dir, 0)
		return tx.unlinked(id, dir, name)
	})
}

// noEntry tells a missing name from a missing directory.
func (v *Volume) noEntry(tx *tx, dir NodeID, name string) error {
	if _, err := tx.dir(dir); err != nil {
		return err
	}
	return blockstore.E("find", name, blockstore.NotFound, nil)
}

// unlinked takes one name from a node that is no directory.
func (tx *tx) unlinked(id, dir NodeID, name string) error {
	n, err := tx.node(id)
	if err != nil {
		return err
	}
	n.Links, n.Ctime = n.Links-1, tx.now
	if n.Links > 0 {
		tx.putNode(id, n)
		return nil
	}
	tx.use(n.Bucket, -n.size(), -1)
	key, err := tx.v.fullKey(tx.Context(), dir, name)
	if err != nil {
		return err
	}
	if !tx.v.opens.beginRemove(id) {
		tx.put(openKey(tx.v.session, id), &OpenRecord{Key: key})
		tx.held = append(tx.held, id)
		tx.putNode(id, n)
		return nil
	}
	tx.removed = append(tx.removed, id)
	tx.retire(id, n, key)
	return nil
}

// retire removes a node without names or handles: its content goes to history,
// or to the collector.
func (tx *tx) retire(id NodeID, n *Node, fullKey string) {
	tx.deleteNode(id)
	if n.Content == nil {
		return
	}
	if tx.v.keepsHistory(n, tx.now) {
		tx.file(id, n, fullKey)
		return
	}
	tx.drop(n.Content)
}

// drop hands a content that nobody has any more to the collector.
func (tx *tx) drop(m *Manifest) {
	if len(m.Segments) > 0 || m.Spilled {
		tx.due(tx.now, &DueRecord{Drop: m})
	}
}

// Rmdir removes an empty directory (POSIX rmdir); NotEmpty if it is not.
func (d *Door) Rmdir(ctx context.Context, dir NodeID, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		e, err := tx.entry(dir, name)
		if err != nil {
			return err
		}
		if e == nil {
			return tx.v.noEntry(tx, dir, name)
		}
		if e.Dir.IsZero() {
			return blockstore.E("rmdir", name, blockstore.NotDirectory, nil)
		}
		tx.leaveEntry(dir, name, e.without(Dir))
		tx.touchDir(dir, -1)
		return tx.removeDir(e.Dir, name)
	})
}

// removeDir removes a directory's records; it must be empty, now and when the
// change is committed.
func (tx *tx) removeDir(id NodeID, name string) error {
	for _, err := range tx.v.store.Scan(tx.Context(), entryKey(id, ""), "") {
		if err == nil {
			err = blockstore.E("remove directory", name, blockstore.NotEmpty, nil)
		}
		return err
	}
	n, err := tx.node(id)
	if err != nil {
		return err
	}
	tx.Empty(entryKey(id, ""))
	tx.deleteNode(id)
	tx.Delete(tallyKey(id))
	if n.Bucket == id {
		tx.Delete(bucketKey(id))
		tx.Delete(usageKey(id))
	}
	return nil
}
