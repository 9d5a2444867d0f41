package ceiling

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/fusefs"
)

// dir finds a directory. The caller has fs.mu.
func (fs *FS) dir(id namespace.NodeID) (*node, error) {
	switch n := fs.nodes[id]; {
	case n == nil:
		return nil, blockstore.Stale
	case n.kind != namespace.Dir:
		return nil, blockstore.NotDirectory
	default:
		return n, nil
	}
}

// child finds an entry. The caller has fs.mu.
func (fs *FS) child(id namespace.NodeID, name string) (dir, child *node, err error) {
	if dir, err = fs.dir(id); err != nil {
		return nil, nil, err
	}
	if len(name) > namespace.MaxName {
		return nil, nil, blockstore.NameTooLong
	}
	if child = dir.entries[name]; child == nil {
		return dir, nil, blockstore.NotFound
	}
	return dir, child, nil
}

// Lookup implements fusefs.Backend.
func (d *Door) Lookup(_ context.Context, dir namespace.NodeID, name string) (namespace.Attr, error) {
	d.fs.mu.RLock()
	_, n, err := d.fs.child(dir, name)
	d.fs.mu.RUnlock()
	if err != nil {
		return namespace.Attr{}, err
	}
	return n.stat(), nil
}

// Make implements fusefs.Backend.
func (d *Door) Make(_ context.Context, dir namespace.NodeID, name string, n namespace.NewNode) (namespace.Attr, error) {
	d.fs.mu.Lock()
	made, err := d.fs.make(dir, name, n)
	d.fs.mu.Unlock()
	if err != nil {
		return namespace.Attr{}, err
	}
	d.tell(namespace.Hint{Dir: dir, Name: name})
	return made.stat(), nil
}

// Create implements fusefs.Backend.
func (d *Door) Create(_ context.Context, dir namespace.NodeID, name string, n namespace.NewNode, flags namespace.OpenFlags) (fusefs.Handle, namespace.Attr, error) {
	d.fs.mu.Lock()
	made, err := d.fs.make(dir, name, n)
	if err == nil {
		made.opened++
	}
	d.fs.mu.Unlock()
	if err != nil {
		return nil, namespace.Attr{}, err
	}
	d.tell(namespace.Hint{Dir: dir, Name: name})
	return &file{door: d, node: made, flags: flags}, made.stat(), nil
}

const setgid = 0o2000

func (fs *FS) make(dirID namespace.NodeID, name string, n namespace.NewNode) (*node, error) {
	dir, old, err := fs.child(dirID, name)
	switch {
	case old != nil:
		return nil, blockstore.Exists
	case err != nil && err != blockstore.NotFound:
		return nil, err
	}
	if a := dir.stat(); a.Mode&setgid != 0 {
		n.GID = a.GID
		if n.Kind == namespace.Dir {
			n.Mode |= setgid
		}
	}
	made := newNode(fs.newID(), n)
	fs.nodes[made.id] = made
	dir.enter(name, made)
	return made, nil
}

// enter makes an entry. The caller has fs.mu, as for leave.
func (n *node) enter(name string, child *node) {
	n.entries[name] = child
	sub := 0
	if child.kind == namespace.Dir {
		child.parent, sub = n, 1
	}
	n.touch(sub)
}

func (n *node) leave(name string) {
	sub := 0
	if n.entries[name].kind == namespace.Dir {
		sub = -1
	}
	delete(n.entries, name)
	n.touch(sub)
}

// touch marks a directory as changed and counts its subdirectories.
func (n *node) touch(sub int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.attr.Links += uint32(sub)
	n.attr.Mtime = namespace.Now()
	n.attr.Ctime = n.attr.Mtime
}

// Link implements fusefs.Backend.
func (d *Door) Link(_ context.Context, id, dirID namespace.NodeID, name string) (namespace.Attr, error) {
	d.fs.mu.Lock()
	n, err := d.fs.link(id, dirID, name)
	d.fs.mu.Unlock()
	if err != nil {
		return namespace.Attr{}, err
	}
	d.tell(namespace.Hint{Dir: dirID, Name: name}, namespace.Hint{Node: id})
	return n.stat(), nil
}

func (fs *FS) link(id, dirID namespace.NodeID, name string) (*node, error) {
	n := fs.nodes[id]
	dir, old, err := fs.child(dirID, name)
	switch {
	case n == nil:
		return nil, blockstore.Stale
	case old != nil:
		return nil, blockstore.Exists
	case err != nil && err != blockstore.NotFound:
		return nil, err
	case n.kind == namespace.Dir:
		return nil, blockstore.Permission
	}
	dir.enter(name, n)
	n.relink(1)
	return n, nil
}

func (n *node) relink(by int) (left uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.attr.Links += uint32(by)
	n.attr.Ctime = namespace.Now()
	return n.attr.Links
}

// Unlink implements fusefs.Backend.
func (d *Door) Unlink(_ context.Context, dirID namespace.NodeID, name string) error {
	return d.remove(dirID, name, func(n *node) error {
		if n.kind == namespace.Dir {
			return blockstore.IsDirectory
		}
		return nil
	})
}

// Rmdir implements fusefs.Backend.
func (d *Door) Rmdir(_ context.Context, dirID namespace.NodeID, name string) error {
	return d.remove(dirID, name, (*node).checkRmdir)
}

func (n *node) checkRmdir() error {
	switch {
	case n.kind != namespace.Dir:
		return blockstore.NotDirectory
	case len(n.entries) > 0:
		return blockstore.NotEmpty
	}
	return nil
}

func (d *Door) remove(dirID namespace.NodeID, name string, check func(*node) error) error {
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	dir, n, err := d.fs.child(dirID, name)
	if err == nil {
		err = check(n)
	}
	if err != nil {
		return err
	}
	dir.leave(name)
	d.fs.unlinked(n)
	d.tell(namespace.Hint{Dir: dirID, Name: name}, namespace.Hint{Node: n.id})
	return nil
}

// unlinked takes one name from a node. The last takes the node, if it isn't open.
func (fs *FS) unlinked(n *node) {
	by := -1
	if n.kind == namespace.Dir {
		by = -2
	}
	if n.relink(by) == 0 && n.opened == 0 {
		delete(fs.nodes, n.id)
	}
}

// Rename implements fusefs.Backend.
func (d *Door) Rename(_ context.Context, dirID namespace.NodeID, name string, newDirID namespace.NodeID, newName string) error {
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	replaced, err := d.fs.rename(dirID, name, newDirID, newName)
	if err != nil {
		return err
	}
	d.tell(namespace.Hint{Dir: dirID, Name: name}, namespace.Hint{Dir: newDirID, Name: newName})
	if replaced != nil {
		d.tell(namespace.Hint{Node: replaced.id})
	}
	return nil
}

func (fs *FS) rename(dirID namespace.NodeID, name string, newDirID namespace.NodeID, newName string) (replaced *node, err error) {
	from, n, err := fs.child(dirID, name)
	if err != nil {
		return nil, err
	}
	to, old, err := fs.child(newDirID, newName)
	if err != nil && err != blockstore.NotFound || n == old {
		return nil, notFoundIsFine(err)
	}
	if err := checkRename(n, to, old); err != nil {
		return nil, err
	}
	if old != nil {
		to.leave(newName)
		fs.unlinked(old)
	}
	from.leave(name)
	to.enter(newName, n)
	n.relink(0)
	return old, nil
}

func notFoundIsFine(err error) error {
	if err == blockstore.NotFound {
		return nil
	}
	return err
}

func checkRename(n, to, old *node) error {
	for up := to; n.kind == namespace.Dir && up.parent != up; up = up.parent {
		if up == n {
			return blockstore.Invalid
		}
	}
	switch {
	case old == nil:
		return nil
	case n.kind == namespace.Dir:
		return old.checkRmdir()
	case old.kind == namespace.Dir:
		return blockstore.IsDirectory
	}
	return nil
}

// Readlink implements fusefs.Backend.
func (d *Door) Readlink(_ context.Context, id namespace.NodeID) (string, error) {
	n, err := d.node(id)
	if err != nil {
		return "", err
	}
	return n.target, nil
}
