package namespace

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

// Attr tells of a node; Stale if it is gone. Of an open file it tells what has
// been written so far through this door.
func (d *Door) Attr(ctx context.Context, id NodeID) (Attr, error) {
	if n := d.liveNode(id); n != nil {
		return n.attr(ctx)
	}
	n, _, err := d.v.readNode(ctx, id)
	if err != nil {
		return Attr{}, err
	}
	a := n.attr(id)
	if n.Kind == Dir {
		return a, d.v.addTally(ctx, n, &a)
	}
	return a, nil
}

// addTally adds what a directory's tally knows.
func (v *Volume) addTally(ctx context.Context, n *Node, a *Attr) error {
	t, err := v.tally(ctx, tallyKey(a.ID))
	if err != nil {
		return err
	}
	if changed := Time(t.Field(tallyMtime)); changed > n.MtimeSet {
		a.Mtime = changed
	}
	a.Ctime = Time(t.Field(tallyCtime))
	a.Links = uint32(2 + t.Field(tallyDirs))
	return nil
}

// SetAttr changes attributes: POSIX chmod, chown, utimensat, truncate. Who may
// is the caller's business.
func (d *Door) SetAttr(ctx context.Context, id NodeID, s SetAttr) (Attr, error) {
	if s.Size != nil {
		if err := d.truncate(ctx, id, *s.Size, s.KeepPriv); err != nil {
			return Attr{}, err
		}
	}
	if s.Mode != nil || s.UID != nil || s.GID != nil || s.Atime != nil || s.Mtime != nil {
		if err := d.setAttr(ctx, id, s); err != nil {
			return Attr{}, err
		}
	}
	return d.Attr(ctx, id)
}

func (d *Door) setAttr(ctx context.Context, id NodeID, s SetAttr) error {
	if n := d.liveNode(id); n != nil {
		// What is dirty carries an mtime of its own, and perhaps takes setuid
		// away; both come before this.
		if err := n.flush(ctx, flushAll); err != nil {
			return err
		}
	}
	return d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		n, err := tx.node(id)
		if err != nil {
			return err
		}
		n.set(s)
		n.Ctime = tx.now
		if n.Kind == Dir {
			if err := tx.changedDir(id, n); err != nil {
				return err
			}
			if s.Mtime != nil {
				n.MtimeSet = tx.now
			}
		}
		tx.putNode(id, n)
		return nil
	})
}

// changedDir tells a directory that the change writes that its own attributes
// are changed.
func (tx *tx) changedDir(id NodeID, n *Node) error {
	tx.Add(tallyKey(id), tallyCtime, blockstore.Max, int64(tx.now))
	if !n.Implied {
		return nil
	}
	return tx.makeExplicit(id, n)
}

func (n *Node) set(s SetAttr) {
	if s.UID != nil || s.GID != nil {
		if !s.KeepPriv {
			n.killPriv()
		}
	}
	if s.UID != nil {
		n.UID = *s.UID
	}
	if s.GID != nil {
		n.GID = *s.GID
	}
	if s.Mode != nil {
		n.Mode = *s.Mode & modeBits
	}
	if s.Atime != nil {
		n.Atime = *s.Atime
	}
	if s.Mtime != nil {
		n.Mtime = *s.Mtime
	}
}

// killPriv clears setuid, and setgid where it is not the mark of mandatory
// locking (POSIX chown, write).
func (n *Node) killPriv() {
	if n.Kind != File {
		return
	}
	n.Mode &^= setUID
	if n.Mode&groupExec != 0 {
		n.Mode &^= setGID
	}
}

// hasPriv says whether killPriv would change anything.
func (n *Node) hasPriv() bool {
	return n.Kind == File && (n.Mode&setUID != 0 || n.Mode&(setGID|groupExec) == setGID|groupExec)
}

// Usage tells how full the store is, and how much the bucket of the node holds,
// or all buckets for the root.
func (d *Door) Usage(ctx context.Context, id NodeID) (Usage, error) {
	space, err := d.v.store.Space(ctx)
	if err != nil {
		return Usage{}, err
	}
	u := Usage{Total: space.Total, Free: space.Free, Available: space.Available}
	if id == RootID {
		all, err := d.v.Buckets(ctx)
		for _, b := range all {
			u.Bytes, u.Files = u.Bytes+b.Bytes, u.Files+b.Files
		}
		return u, err
	}
	n, _, err := d.v.readNode(ctx, id)
	if err != nil {
		return Usage{}, err
	}
	t, err := d.v.tally(ctx, usageKey(n.Bucket))
	u.Bytes, u.Files = t.Field(usageBytes), t.Field(usageFiles)
	return u, err
}
