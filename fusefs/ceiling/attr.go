package ceiling

import (
	"context"
	"maps"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

func (n *node) stat() namespace.Attr {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.attr
}

// Attr implements fusefs.Backend.
func (d *Door) Attr(_ context.Context, id namespace.NodeID) (namespace.Attr, error) {
	n, err := d.node(id)
	if err != nil {
		return namespace.Attr{}, err
	}
	return n.stat(), nil
}

// SetAttr implements fusefs.Backend.
func (d *Door) SetAttr(_ context.Context, id namespace.NodeID, s namespace.SetAttr) (namespace.Attr, error) {
	n, err := d.node(id)
	if err != nil {
		return namespace.Attr{}, err
	}
	if s.Size != nil && *s.Size > namespace.MaxSize {
		return namespace.Attr{}, blockstore.TooLarge
	}
	n.mu.Lock()
	n.set(s)
	a := n.attr
	n.mu.Unlock()
	d.tell(namespace.Hint{Node: id})
	return a, nil
}

func (n *node) set(s namespace.SetAttr) {
	a := &n.attr
	a.Ctime = namespace.Now()
	if s.Size != nil {
		n.content.truncate(*s.Size)
		a.Size, a.Mtime = *s.Size, a.Ctime
		a.Stored = n.content.stored
	}
	if (s.Size != nil || s.UID != nil || s.GID != nil) && !s.KeepPriv && n.kind == namespace.File {
		a.Mode = unprivileged(a.Mode)
	}
	assign(&a.Mode, s.Mode)
	assign(&a.UID, s.UID)
	assign(&a.GID, s.GID)
	assign(&a.Atime, s.Atime)
	assign(&a.Mtime, s.Mtime)
}

func assign[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// unprivileged clears setuid, and setgid where it means that.
func unprivileged(mode uint32) uint32 {
	const setuid, groupExec = 0o4000, 0o010
	if mode&groupExec != 0 {
		mode &^= setgid
	}
	return mode &^ setuid
}

// GetXattr implements fusefs.Backend.
func (d *Door) GetXattr(_ context.Context, id namespace.NodeID, name string) ([]byte, error) {
	n, err := d.node(id)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if value, ok := n.xattrs[name]; ok {
		return value, nil
	}
	return nil, blockstore.NoAttribute
}

// SetXattr implements fusefs.Backend.
func (d *Door) SetXattr(_ context.Context, id namespace.NodeID, name string, value []byte, create, replace bool) error {
	n, err := d.node(id)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	_, there := n.xattrs[name]
	switch {
	case create && there:
		return blockstore.Exists
	case replace && !there:
		return blockstore.NoAttribute
	case n.xattrBytes()+len(name)+len(value) > namespace.MaxXattr:
		return blockstore.NoSpace
	case n.xattrs == nil:
		n.xattrs = make(map[string][]byte)
	}
	n.xattrs[name] = value
	n.attr.Ctime = namespace.Now()
	return nil
}

func (n *node) xattrBytes() (sum int) {
	for name, value := range n.xattrs {
		sum += len(name) + len(value)
	}
	return sum
}

// ListXattr implements fusefs.Backend.
func (d *Door) ListXattr(_ context.Context, id namespace.NodeID) ([]string, error) {
	n, err := d.node(id)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(maps.Keys(n.xattrs)), nil
}

// RemoveXattr implements fusefs.Backend.
func (d *Door) RemoveXattr(_ context.Context, id namespace.NodeID, name string) error {
	n, err := d.node(id)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.xattrs[name]; !ok {
		return blockstore.NoAttribute
	}
	delete(n.xattrs, name)
	n.attr.Ctime = namespace.Now()
	return nil
}
