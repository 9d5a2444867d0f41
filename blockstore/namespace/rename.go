package namespace

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

// Rename moves a name, replacing what the new name led to (POSIX rename): a
// file replaces a file, a directory an empty directory.
func (d *Door) Rename(ctx context.Context, dir NodeID, name string, newDir NodeID, newName string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := checkName(newName); err != nil {
		return err
	}
	return d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		return tx.rename(dir, name, newDir, newName)
	})
}

func (tx *tx) rename(dir NodeID, name string, newDir NodeID, newName string) error {
	from, err := tx.entry(dir, name)
	if err != nil {
		return err
	}
	if from == nil {
		return tx.v.noEntry(tx, dir, name)
	}
	to, err := tx.entry(newDir, newName)
	if err != nil {
		return err
	}
	id, kind := from.shown()
	if to != nil {
		if old, _ := to.shown(); old == id {
			return nil // two names of one node: POSIX says do nothing
		}
	}
	if err := tx.checkMove(id, kind, dir, newDir, newName); err != nil {
		return err
	}
	tx.leaveEntry(dir, name, from.without(kind))
	if to != nil {
		if err := tx.replaced(to, kind, newDir, newName); err != nil {
			return err
		}
	}
	tx.putEntry(newDir, newName, to.with(id, kind))
	return tx.move(id, kind, dir, newDir, newName)
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
func (tx *tx) replaced(to *EntryRecord, kind Kind, dir NodeID, name string) error {
	old, oldKind := to.shown()
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
	tx.putNode(id, n)
	dirs := int64(0)
	if kind == Dir {
		dirs = 1
		tx.Add(tallyKey(id), tallyCtime, blockstore.Max, int64(tx.now))
	}
	if dir == newDir {
		tx.touchDir(dir, 0)
		return nil
	}
	tx.touchDir(dir, -dirs)
	tx.touchDir(newDir, dirs)
	return nil
}
