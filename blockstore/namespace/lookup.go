package namespace

import (
	"context"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

// checkName refuses what no directory entry can be called.
func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return blockstore.E("name", name, blockstore.Invalid, nil)
	case len(name) > MaxName:
		return blockstore.E("name", name, blockstore.NameTooLong, nil)
	}
	return nil
}

// Lookup finds a name in a directory; ".." is the parent, "." the directory
// itself. NotFound if there is no such name.
func (d *Door) Lookup(ctx context.Context, dir NodeID, name string) (Attr, error) {
	switch name {
	case ".":
		return d.Attr(ctx, dir)
	case "..":
		return d.parent(ctx, dir)
	}
	if err := checkName(name); err != nil {
		return Attr{}, err
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
	key := entryKey(dir, name)
	value, version, err := v.store.Get(ctx, key)
	if err != nil {
		return NodeID{}, err
	}
	if version.IsZero() {
		return NodeID{}, blockstore.E("lookup", name, blockstore.NotFound, nil)
	}
	e, err := decodeEntry(key, value)
	if err != nil {
		return NodeID{}, err
	}
	id, _ := e.shown()
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
	parts := []string{name}
	for {
		n, _, err := v.readNode(ctx, dir)
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
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteString(parts[i])
		if i > 0 {
			b.WriteByte('/')
		}
	}
	return b.String(), nil
}

// maxDepth bounds the walk up a tree that is corrupt.
const maxDepth = 1 << 16
