package namespace

import (
	"context"
	"slices"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

// Lookup finds a name in a directory; ".." is the parent, "." the directory
// itself. NotFound if there is no such name.
func (d *Door) Lookup(ctx context.Context, dir NodeID, name string) (Attr, error) {
	switch name {
	case ".":
		return d.Attr(ctx, dir)
	case "..":
		return d.parent(ctx, dir)
	}
	for range 100 {
		id, err := d.v.lookup(ctx, dir, name)
		if err != nil {
			return Attr{}, err
		}
		a, err := d.Attr(ctx, id)
		if blockstore.KindOf(err) != blockstore.Stale {
			return a, err
		}
		// Removed or replaced between the two reads: look again.
	}
	return Attr{}, blockstore.E("lookup", name, blockstore.Corrupt, nil)
}

// lookup is the node that a name shows.
func (v *Volume) lookup(ctx context.Context, dir NodeID, name string) (NodeID, error) {
	s, err := v.named(ctx, dir, name, blockstore.NotFound)
	if err != nil {
		return NodeID{}, err
	}
	e, err := v.entry(ctx, dir, s.component)
	if err != nil {
		return NodeID{}, err
	}
	id, _ := e.at(s.beside)
	if id.IsZero() {
		return id, blockstore.E("lookup", name, blockstore.NotFound, nil)
	}
	return id, nil
}

func (d *Door) parent(ctx context.Context, dir NodeID) (Attr, error) {
	if dir == RootID {
		return d.Attr(ctx, dir)
	}
	n, _, err := d.v.readNode(ctx, dir)
	if err != nil {
		return Attr{}, err
	}
	return d.Attr(ctx, n.Parent)
}

// Path finds "bucket/dir/name" from the root; symlinks are not followed.
func (d *Door) Path(ctx context.Context, path string) (Attr, error) {
	id := RootID
	for name := range strings.SplitSeq(path, "/") {
		if name == "" {
			continue
		}
		next, err := d.v.lookup(ctx, id, name)
		if err != nil {
			return Attr{}, blockstore.E("open", path, blockstore.Other, err)
		}
		id = next
	}
	return d.Attr(ctx, id)
}

// fullKey is the key of a name below its bucket.
func (v *Volume) fullKey(ctx context.Context, dir NodeID, name string) (string, error) {
	return fullKey(dir, name, func(id NodeID) (*Node, error) {
		n, _, err := v.readNode(ctx, id)
		return n, err
	})
}

// fullKey is that of a name in a directory that the change itself may have made.
func (tx *tx) fullKey(dir NodeID, name string) (string, error) {
	return fullKey(dir, name, func(id NodeID) (*Node, error) {
		for _, w := range tx.written {
			if w.id == id && w.node != nil {
				return w.node, nil
			}
		}
		n, _, err := tx.v.readNode(tx.Context(), id)
		return n, err
	})
}

func fullKey(dir NodeID, name string, read func(NodeID) (*Node, error)) (string, error) {
	parts := []string{name}
	for {
		n, err := read(dir)
		if err != nil {
			return "", err
		}
		if n.Bucket == dir || dir == RootID {
			break
		}
		parts = append(parts, n.Name)
		dir = n.Parent
		if len(parts) > maxDepth {
			return "", blockstore.E("find path of", name, blockstore.Corrupt, nil)
		}
	}
	slices.Reverse(parts)
	return strings.Join(parts, "/"), nil
}

// maxDepth bounds the walk up a tree that is corrupt.
const maxDepth = 1 << 16
