package namespace

import (
	"cmp"
	"maps"
)

// arrival is a new file on its way to a name.
type arrival struct {
	id     NodeID
	attr   NewNode // mode, owner and group where nothing is replaced
	object *Object
	xattrs map[string][]byte
	mtime  *Time // nil: now
	// content makes the manifest, and writes what belongs to it.
	content func(tx *tx) (*Manifest, error)
}

// arrive gives a new file the file slot of a name, and retires what had it. e is
// the entry as it was; nil: none.
func (tx *tx) arrive(dir NodeID, parent *Node, name string, e *EntryRecord, a arrival) (*Node, error) {
	tx.putEntry(dir, name, e.with(a.id, File))
	a.attr.Kind = File
	node := tx.newNode(dir, parent, name, a.attr)
	node.Object, node.Xattrs = a.object, maps.Clone(a.xattrs)
	if a.mtime != nil {
		node.Mtime = *a.mtime
	}
	if e != nil && !e.File.IsZero() {
		before, err := tx.node(e.File)
		if err != nil {
			return nil, err
		}
		node.inherit(before)
		if err := tx.unlinked(e.File, dir, name); err != nil {
			return nil, err
		}
	}
	var err error
	if node.Content, err = a.content(tx); err != nil {
		return nil, err
	}
	return node, tx.enter(dir, name, a.id, node)
}

// inherit takes over what a name keeps when its file is replaced. Other bytes do
// not run with the rights that the old ones had (POSIX write, S_ISUID).
func (n *Node) inherit(before *Node) {
	n.UID, n.GID = before.UID, before.GID
	if before.Kind == File {
		n.Mode = before.Mode
		n.killPriv()
	}
	n.Object = n.Object.keepGrants(before.Object)
}

// keepGrants is the object with the grants of the one before, if it has none of
// its own.
func (o *Object) keepGrants(before *Object) *Object {
	if before == nil || len(before.ACL) == 0 || o != nil && len(o.ACL) > 0 {
		return o
	}
	o = o.clone()
	o.ACL = before.ACL
	o.Owner = cmp.Or(o.Owner, before.Owner)
	return o
}
