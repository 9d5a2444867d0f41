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
	var node *Node
	err := d.update(ctx, blockstore.Lazy, func(tx *tx) error {
		parent, err := tx.dir(dir)
		if err != nil {
			return err
		}
		if e, err := tx.entry(dir, name); err != nil || e != nil {
			if err == nil {
				err = blockstore.E("create", name, blockstore.Exists, nil)
			}
			return err
		}
		node = tx.newNode(dir, parent, name, n)
		return tx.enter(dir, name, id, node)
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
	d.v.opens.leave(id)
	return f, a, err
}

func checkNew(name string, n NewNode) error {
	if err := checkName(name); err != nil {
		return err
	}
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

// enter puts a new node under a free name.
func (tx *tx) enter(dir NodeID, name string, id NodeID, n *Node) error {
	tx.putEntry(dir, name, entryTo(id, n.Kind))
	if dir == RootID {
		if err := tx.newBucket(name, id, n); err != nil {
			return err
		}
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
