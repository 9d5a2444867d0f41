package namespace

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

const (
	modeBits  = 0o7777
	setUID    = 0o4000
	setGID    = 0o2000
	groupExec = 0o010
)

// Make makes a node of any kind under a name: POSIX open(O_CREAT|O_EXCL),
// mkdir, symlink, mknod. Exists if the name is taken. A directory made in the
// root is a bucket.
func (d *Door) Make(ctx context.Context, dir NodeID, name string, n NewNode) (Attr, error) {
	return d.make(ctx, dir, name, n, blockstore.NewID())
}

func (d *Door) make(ctx context.Context, dir NodeID, name string, n NewNode, id NodeID) (Attr, error) {
	if err := checkNew(name, n); err != nil {
		return Attr{}, err
	}
	s, err := d.v.named(ctx, dir, name, blockstore.Invalid)
	if err != nil {
		return Attr{}, err
	}
	var node *Node
	err = d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		parent, err := tx.dir(dir)
		if err != nil {
			return err
		}
		e, err := tx.free(dir, s, n.Kind)
		if err != nil {
			return err
		}
		tx.putEntry(dir, s.component, e.with(id, n.Kind))
		node = tx.newNode(dir, parent, s.component, n)
		if err := tx.enter(dir, s.component, id, node); err != nil {
			return err
		}
		return tx.claim(dir, parent, s.component)
	})
	if err != nil {
		return Attr{}, err
	}
	a := node.attr(id)
	if node.Kind == Dir {
		a.Links = 2
	}
	return a, nil
}

// Create makes a file and opens it.
func (d *Door) Create(ctx context.Context, dir NodeID, name string, n NewNode, flags OpenFlags) (*OpenFile, Attr, error) {
	n.Kind = File
	id := blockstore.NewID()
	d.v.opens.enter(id) // or whoever removes the name at once removes the node
	a, err := d.make(ctx, dir, name, n, id)
	var f *OpenFile
	if err == nil {
		f, err = d.Open(ctx, id, flags&^OpenTruncate)
	}
	if failed := d.letGo(ctx, id); err == nil {
		err = failed
	}
	return f, a, err
}

// free reads the entry of a name that shows nothing yet; Exists if it does.
func (tx *tx) free(dir NodeID, s shownName, kind Kind) (*EntryRecord, error) {
	e, old, _, err := tx.slot(dir, s, kind)
	if err == nil && !old.IsZero() {
		err = blockstore.E("create", s.component, blockstore.Exists, nil)
	}
	return e, err
}

func checkNew(name string, n NewNode) error {
	switch {
	case n.Kind < File || n.Kind > Socket:
		return blockstore.E("create", name, blockstore.Invalid, nil)
	case n.Kind == Symlink && (n.Target == "" || len(n.Target) > MaxTarget):
		return blockstore.E("symlink", name, blockstore.NameTooLong, nil)
	}
	return nil
}

// newNode is a node made now in a directory: POSIX open() and mkdir() on owner
// and group, and the setgid directory of System V.
func (tx *tx) newNode(dir NodeID, parent *Node, name string, n NewNode) *Node {
	node := &Node{
		Kind: n.Kind, Mode: n.Mode & modeBits, UID: n.UID, GID: n.GID, Links: 1, Rdev: n.Rdev,
		Atime: tx.now, Mtime: tx.now, Ctime: tx.now, Btime: tx.now,
		Bucket: parent.Bucket, Parent: dir, Name: name, Target: n.Target,
	}
	if parent.Mode&setGID != 0 {
		node.GID = parent.GID
		if n.Kind == Dir {
			node.Mode |= setGID
		}
	}
	return node
}

// enter puts a new node that the entry of the name leads to.
func (tx *tx) enter(dir NodeID, name string, id NodeID, n *Node) error {
	if dir == RootID {
		if err := tx.newBucket(name, id, n); err != nil {
			return err
		}
	}
	if err := tx.beginVersion(n, dir, name); err != nil {
		return err
	}
	switch n.Kind {
	case Dir:
		n.Links, n.MtimeSet = 0, tx.now
		tx.Add(tallyKey(id), tallyCtime, blockstore.Max, int64(n.Ctime))
		tx.touchDir(dir, 1)
	case File:
		if n.Content == nil {
			n.Content = &Manifest{ID: id, Changed: tx.now, Tag: blockstore.NewID()}
		}
		fallthrough
	default:
		tx.touchDir(dir, 0)
		tx.use(n.Bucket, n.size(), 1)
	}
	tx.putNode(id, n)
	return nil
}
