package namespace

import (
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

// A directory that was only implied by the keys that run through it is no key
// itself, and goes with the last of them. There is always a key below it: S3
// makes it together with one, and prunes it with the last; a change by any other
// door makes it explicit.

// impliedMode is that of implied directories.
const impliedMode = 0o755

// makeDirs makes the directories that a key still needs, and leaves the holder
// at the last of them, which it reads.
func (tx *tx) makeDirs(h *holder) error {
	var err error
	if h.parent, err = tx.dir(h.dir); err != nil {
		return err
	}
	for fresh := false; ; fresh = true {
		name, below, more := strings.Cut(h.rest, "/")
		if !more {
			return nil
		}
		var e *EntryRecord
		if !fresh {
			if e, err = tx.entry(h.dir, name); err != nil {
				return err
			}
		}
		id := blockstore.NewID()
		tx.putEntry(h.dir, name, e.with(id, Dir))
		n := tx.newNode(h.dir, h.parent, name, NewNode{Kind: Dir, Mode: impliedMode, UID: h.parent.UID, GID: h.parent.GID})
		n.Implied = true
		if err := tx.enter(h.dir, name, id, n); err != nil {
			return err
		}
		h.dir, h.parent, h.rest = id, n, below
	}
}

// claim tells a directory that another door than S3 changed one of its entries:
// it is there for its own sake from now on. n is the directory, if it is known.
func (tx *tx) claim(dir NodeID, n *Node, name string) error {
	if n == nil {
		shared, version, err := tx.v.readNode(tx.Context(), dir)
		if err != nil {
			return err
		}
		tx.Guard(nodeKey(dir), version)
		n = shared
	}
	if !n.Implied && (name != "" || n.Bucket == dir) {
		return nil
	}
	n = n.clone()
	before := n.Implied
	if err := tx.makeExplicit(dir, n); err != nil || n.Implied == before {
		return err
	}
	tx.putNode(dir, n)
	return nil
}

// makeExplicit marks a directory as explicit, whose key is "dir/". If the file
// of that key is in it, it can't be both: then it is implied by the file.
func (tx *tx) makeExplicit(dir NodeID, n *Node) error {
	key := entryKey(dir, "")
	value, written := tx.Pending(key)
	if !written {
		var err error
		if value, _, err = tx.Get(key); err != nil {
			return err
		}
	}
	n.Implied = false
	if value == nil {
		return nil
	}
	e, err := decodeEntry(key, value)
	n.Implied = err == nil && e.FileKind.isKey()
	return err
}

// pruneImplied removes a directory if it is implied and the change leaves no key
// below it, and then what is above it in the same way.
func (tx *tx) pruneImplied(bucket, dir NodeID) error {
	for dir != bucket {
		n, err := tx.latest(dir)
		if err != nil || !n.Implied {
			return err
		}
		left, err := tx.leftIn(dir)
		switch {
		case err != nil || left == keysLeft:
			return err
		case left == othersLeft:
			// Nothing but fifos, devices and sockets: it is there for them.
			return tx.claim(dir, n, "")
		}
		if err := tx.pruneDir(dir, n); err != nil {
			return err
		}
		dir = n.Parent
	}
	return nil
}

func (tx *tx) pruneDir(dir NodeID, n *Node) error {
	e, err := tx.entry(n.Parent, n.Name)
	if err != nil {
		return err
	}
	if e == nil || e.Dir != dir {
		return blockstore.E("prune", n.Name, blockstore.Stale, nil)
	}
	tx.leaveEntry(n.Parent, n.Name, e.without(Dir))
	tx.touchDir(n.Parent, -1)
	tx.dropDir(dir, n)
	return nil
}

// latest is a node as the change has it so far.
func (tx *tx) latest(id NodeID) (*Node, error) {
	for i := len(tx.written) - 1; i >= 0; i-- {
		if w := tx.written[i]; w.id == id && w.node != nil {
			return w.node.clone(), nil
		}
	}
	return tx.node(id)
}

// remains is what a change leaves in a directory.
type remains uint8

const (
	nothingLeft remains = iota
	othersLeft          // only what is no key
	keysLeft
)

// leftIn finds out what the change leaves in a directory. It makes the change
// depend on an entry that has a key, so that no two changes each count on what
// the other takes away.
func (tx *tx) leftIn(dir NodeID) (remains, error) {
	left := nothingLeft
	for r, err := range tx.v.store.Scan(tx.Context(), entryKey(dir, ""), "") {
		if err != nil {
			return left, err
		}
		value, written := tx.Pending(r.Key)
		switch {
		case !written:
			value = r.Value
		case value == nil:
			continue
		}
		e, err := decodeEntry(r.Key, value)
		if err != nil {
			return left, err
		}
		if !e.Dir.IsZero() || e.FileKind.isKey() {
			tx.Guard(r.Key, r.Version)
			return keysLeft, nil
		}
		left = othersLeft
	}
	return left, nil
}
