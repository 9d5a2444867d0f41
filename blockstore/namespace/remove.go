package namespace

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

// Unlink removes a name of anything but a directory (POSIX unlink). With its
// last name goes the node, or when its last handle is closed.
func (d *Door) Unlink(ctx context.Context, dir NodeID, name string) error {
	s, err := d.v.named(ctx, dir, name, blockstore.NotFound)
	if err != nil {
		return err
	}
	return d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		e, id, kind, err := tx.find(dir, s)
		if err != nil {
			return err
		}
		if kind == Dir {
			return blockstore.E("unlink", name, blockstore.IsDirectory, nil)
		}
		tx.leaveEntry(dir, s.component, e.without(kind))
		tx.touchDir(dir, 0)
		if err := tx.unlinked(id, dir, s.component); err != nil {
			return err
		}
		if err := tx.markName(dir, s.component, kind); err != nil {
			return err
		}
		return tx.claim(dir, nil, s.component)
	})
}

// noEntry tells a missing name from a missing directory.
func (v *Volume) noEntry(tx *tx, dir NodeID, name string) error {
	if _, err := tx.dir(dir); err != nil {
		return err
	}
	return blockstore.E("find", name, blockstore.NotFound, nil)
}

// unlinked takes one name from a node that is no directory. What has other
// names goes on under those.
func (tx *tx) unlinked(id, dir NodeID, name string) error {
	return tx.unlink(id, dir, name, asUsual)
}

func (tx *tx) unlink(id, dir NodeID, name string, f fate) error {
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
	key, err := tx.fullKey(dir, name)
	if err != nil {
		return err
	}
	return tx.nameless(id, n, key, f)
}

// nameless deals with a node that lost its last name. What history is to have of
// it, it has at once, for others to see; for its handles the node stays.
func (tx *tx) nameless(id NodeID, n *Node, fullKey string, f fate) error {
	opened := !tx.v.opens.beginRemove(id)
	if !opened {
		tx.removed = append(tx.removed, id)
	}
	stays, err := tx.staysNameless(n, opened)
	if err != nil {
		return err
	}
	kept, err := tx.keep(id, n, fullKey, f, stays)
	switch {
	case err != nil:
		return err
	case kept && !stays:
		tx.deleteNode(id)
		return nil
	case (kept || f == forGood) && n.Content != nil:
		n.Kept = n.Content.Tag
	}
	switch {
	case opened:
		tx.put(openKey(tx.v.session, id), &OpenRecord{Key: fullKey})
		tx.held = append(tx.held, id)
		tx.putNode(id, n)
	case stays:
		tx.linger(id, n, fullKey)
	default:
		tx.retire(id, n, fullKey)
	}
	return nil
}

// retire removes a node without names or handles: what history does not have yet
// of its content goes there, or to the collector.
func (tx *tx) retire(id NodeID, n *Node, fullKey string) {
	tx.deleteNode(id)
	switch {
	case n.Content == nil:
	case n.Content.Tag != n.Kept && tx.v.keepsHistory(n, tx.now):
		tx.file(id, n, fullKey)
	default:
		tx.drop(n.Content)
	}
}

// drop hands a content that nobody has any more to the collector.
func (tx *tx) drop(m *Manifest) {
	if len(m.Segments) > 0 || m.Spilled {
		tx.due(tx.now, &DueRecord{Drop: m})
	}
}

// Rmdir removes an empty directory (POSIX rmdir); NotEmpty if it is not.
func (d *Door) Rmdir(ctx context.Context, dir NodeID, name string) error {
	s, err := d.v.named(ctx, dir, name, blockstore.NotFound)
	if err != nil {
		return err
	}
	return d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		e, id, kind, err := tx.find(dir, s)
		if err != nil {
			return err
		}
		if kind != Dir {
			return blockstore.E("rmdir", name, blockstore.NotDirectory, nil)
		}
		tx.leaveEntry(dir, s.component, e.without(Dir))
		tx.touchDir(dir, -1)
		if err := tx.removeDir(id, name); err != nil {
			return err
		}
		return tx.claim(dir, nil, s.component)
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
	if err == nil && n.Bucket == id {
		err = tx.noVersions(id, name)
	}
	if err != nil {
		return err
	}
	tx.dropDir(id, n)
	return nil
}

// dropDir removes a directory's records, if the change leaves nothing in it.
func (tx *tx) dropDir(id NodeID, n *Node) {
	tx.Empty(entryKey(id, ""))
	tx.deleteNode(id)
	tx.Delete(tallyKey(id))
	if n.Bucket == id {
		tx.Delete(bucketKey(id))
		tx.Delete(usageKey(id))
		tx.due(tx.now, &DueRecord{Uploads: id})
	}
}
