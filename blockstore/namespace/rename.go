package namespace

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

// Rename moves a name, replacing what the new name led to (POSIX rename): a
// file replaces a file, a directory an empty directory.
func (d *Door) Rename(ctx context.Context, dir NodeID, name string, newDir NodeID, newName string) error {
	from, err := d.v.named(ctx, dir, name, blockstore.NotFound)
	if err != nil {
		return err
	}
	to, err := d.v.named(ctx, newDir, newName, blockstore.Invalid)
	if err != nil {
		return err
	}
	return d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		return tx.rename(dir, from, newDir, to)
	})
}

func (tx *tx) rename(dir NodeID, name shownName, newDir NodeID, newName shownName) error {
	from, id, kind, err := tx.find(dir, name)
	if err != nil {
		return err
	}
	to, old, oldKind, err := tx.slot(newDir, newName, kind)
	if err != nil {
		return err
	}
	if old == id {
		return nil // two names of one node: POSIX says do nothing
	}
	if err := tx.checkMove(id, kind, dir, newDir, newName.component); err != nil {
		return err
	}
	tx.leaveEntry(dir, name.component, from.without(kind))
	if !old.IsZero() {
		if err := tx.replaced(old, oldKind, kind, newDir, newName.component); err != nil {
			return err
		}
	}
	tx.putEntry(newDir, newName.component, to.with(id, kind))
	if err := tx.move(id, kind, dir, newDir, newName.component); err != nil {
		return err
	}
	if err := tx.markName(dir, name.component, kind); err != nil {
		return err
	}
	return tx.claimBoth(dir, name.component, newDir, newName.component)
}

// claimBoth claims the two directories of a rename.
func (tx *tx) claimBoth(dir NodeID, name string, newDir NodeID, newName string) error {
	if dir == newDir {
		return tx.claim(dir, nil, min(name, newName)) // "", if one of them is
	}
	if err := tx.claim(dir, nil, name); err != nil {
		return err
	}
	return tx.claim(newDir, nil, newName)
}

// checkMove refuses to leave the bucket and to put a directory into itself.
// The walk up depends on every directory that it passes, so that no two
// renames together make a cycle.
func (tx *tx) checkMove(id NodeID, kind Kind, dir, newDir NodeID, newName string) error {
	parent, err := tx.dir(newDir)
	if err != nil {
		return err
	}
	if dir == newDir {
		return nil
	}
	n, err := tx.node(id)
	if err != nil {
		return err
	}
	if n.Bucket != parent.Bucket || newDir == RootID {
		return blockstore.E("rename to", newName, blockstore.CrossBucket, nil)
	}
	if kind != Dir {
		return nil
	}
	for up := newDir; up != RootID; {
		if up == id {
			return blockstore.E("rename to", newName, blockstore.Invalid, nil)
		}
		n, err := tx.node(up)
		if err != nil {
			return err
		}
		up = n.Parent
	}
	return nil
}

// replaced removes what a rename is about to replace.
func (tx *tx) replaced(old NodeID, oldKind, kind Kind, dir NodeID, name string) error {
	switch {
	case kind == Dir && oldKind != Dir:
		return blockstore.E("rename to", name, blockstore.NotDirectory, nil)
	case kind != Dir && oldKind == Dir:
		return blockstore.E("rename to", name, blockstore.IsDirectory, nil)
	case kind == Dir:
		if err := tx.removeDir(old, name); err != nil {
			return err
		}
		tx.Add(tallyKey(dir), tallyDirs, blockstore.Sum, -1)
		return nil
	}
	return tx.unlinked(old, dir, name)
}

// move tells the node and both directories of a new name.
func (tx *tx) move(id NodeID, kind Kind, dir, newDir NodeID, newName string) error {
	n, err := tx.node(id)
	if err != nil {
		return err
	}
	if dir == RootID {
		if err := tx.renameBucket(id, newName); err != nil {
			return err
		}
	}
	n.Parent, n.Name, n.Ctime = newDir, newName, tx.now
	dirs := int64(0)
	if kind == Dir {
		dirs = 1
		if err := tx.changedDir(id, n); err != nil {
			return err
		}
	}
	if err := tx.beginVersion(n, newDir, newName); err != nil {
		return err
	}
	tx.putNode(id, n)
	if dir == newDir {
		tx.touchDir(dir, 0)
		return nil
	}
	tx.touchDir(dir, -dirs)
	tx.touchDir(newDir, dirs)
	return nil
}
