package namespace

import (
	"context"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

// A key is split at every "/". What is before the last one are directories:
// the directory slots of entries whose names are exactly those components, the
// empty one included. What is after it is the file slot of the last entry. The
// key "x/" is the file slot of the component "" in the directory x; where that
// is free, it is the directory x itself, if that is explicit.

// MaxObjectKey is the most bytes that a key may have (S3: "Creating object key
// names").
const MaxObjectKey = 1024

func checkKey(key string) error {
	switch {
	case key == "":
		return blockstore.E("put", key, blockstore.Invalid, nil)
	case len(key) > MaxObjectKey:
		return blockstore.E("put", key, blockstore.NameTooLong, nil)
	}
	return nil
}

// tree reads entries and nodes: a tx so that the change depends on them, a view
// just as they are.
type tree interface {
	versioning(bucket NodeID) (string, error)
	entry(dir NodeID, name string) (*EntryRecord, error)
	versionOf(id NodeID) (*Node, blockstore.Version, error)
}

// view reads the tree without depending on it. It lives as long as one call.
type view struct {
	ctx context.Context //nolint:containedctx // lives as long as one call
	v   *Volume
}

func (w view) versioning(bucket NodeID) (string, error) { return w.v.versioning(w.ctx, bucket) }

func (w view) entry(dir NodeID, name string) (*EntryRecord, error) {
	return w.v.entry(w.ctx, dir, name)
}

func (w view) versionOf(id NodeID) (*Node, blockstore.Version, error) {
	return w.v.readNode(w.ctx, id)
}

// entry reads a name; nil if it is free.
func (v *Volume) entry(ctx context.Context, dir NodeID, name string) (*EntryRecord, error) {
	key := entryKey(dir, name)
	value, version, err := v.store.Get(ctx, key)
	if err != nil || version.IsZero() {
		return nil, err
	}
	return v.decodedEntry(key, value, version)
}

// holder is the place of a key and what is there.
type holder struct {
	versioning string // of the bucket
	dir        NodeID // the last of the key's directories that is there
	// rest is what of the key is below dir: the last component alone, if all
	// its directories are there.
	rest   string
	parent *Node        // the directory dir, once makeDirs has read it
	entry  *EntryRecord // of rest in dir; nil: none
	// id and node are what the key leads to; nil: it is no key, even if the
	// entry leads to something (a fifo, a device, a socket).
	id      NodeID
	node    *Node
	version blockstore.Version // of the node
}

// whole says whether all directories of the key are there.
func (h *holder) whole() bool { return strings.IndexByte(h.rest, '/') < 0 }

func (tx *tx) holder(bucket NodeID, key string) (holder, error) { return findHolder(tx, bucket, key) }

func (w view) holder(bucket NodeID, key string) (holder, error) { return findHolder(w, bucket, key) }

func findHolder(t tree, bucket NodeID, key string) (holder, error) {
	versioning, err := t.versioning(bucket)
	if err != nil {
		return holder{}, err
	}
	h, err := descend(t, bucket, key)
	h.versioning = versioning
	if err != nil || !h.whole() || len(h.rest) > MaxObjectKey {
		return h, err
	}
	return h, h.resolve(t, bucket)
}

// resolve finds what is at the holder's place.
func (h *holder) resolve(t tree, bucket NodeID) (err error) {
	if h.entry, err = t.entry(h.dir, h.rest); err != nil {
		return err
	}
	switch {
	case h.entry != nil && h.entry.FileKind.isKey():
		h.id = h.entry.File
	case h.rest == "" && h.dir != bucket:
		h.id = h.dir
	default:
		return nil
	}
	n, version, err := t.versionOf(h.id)
	if err == nil && !n.Implied {
		h.node, h.version = n, version
	}
	return err
}

// descend follows a key down the directories that are there.
func descend(t tree, bucket NodeID, key string) (holder, error) {
	h := holder{dir: bucket, rest: key}
	for {
		name, below, more := strings.Cut(h.rest, "/")
		if !more || len(name) > MaxObjectKey {
			return h, nil
		}
		e, err := t.entry(h.dir, name)
		if err != nil || e == nil || e.Dir.IsZero() {
			return h, err
		}
		h.dir, h.rest = e.Dir, below
	}
}

// isKey says whether what is in a file slot is an object to S3.
func (k Kind) isKey() bool { return k == File || k == Symlink }
