// Package ceiling is a file system in memory behind the fusefs interface: what
// the FUSE loop can do at best. `make bench` measures it beside the real one,
// and it is what the loop is tested on. It keeps POSIX as far as the kernel
// leaves that to a file system; nothing is ever stored, so nothing is durable.
//
// It may import fusefs, blockstore, blockstore/namespace and the standard
// library.
package ceiling

import (
	"context"
	"encoding/binary"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/fusefs"
)

// FS is the whole file system. Its doors show the same files, and each hears
// what the others change.
type FS struct {
	lastID atomic.Uint64

	mu    sync.RWMutex // the tree: nodes and the entries of directories
	nodes map[namespace.NodeID]*node

	doorsMu sync.Mutex
	doors   []*Door
}

// node is one file, directory or other thing. FS.mu is taken before mu.
type node struct {
	id   namespace.NodeID
	kind namespace.Kind

	// Guarded by FS.mu:
	entries map[string]*node // of a directory
	parent  *node            // of a directory
	opened  int              // handles

	mu      sync.Mutex
	attr    namespace.Attr
	target  string
	xattrs  map[string][]byte
	content content
}

// New returns a file system with an empty root that everybody may write to.
func New() *FS {
	fs := &FS{nodes: make(map[namespace.NodeID]*node)}
	fs.lastID.Store(binary.BigEndian.Uint64(namespace.RootID[8:]))
	root := newNode(namespace.RootID, namespace.NewNode{Kind: namespace.Dir, Mode: 0o777})
	root.parent = root
	fs.nodes[root.id] = root
	return fs
}

func newNode(id namespace.NodeID, n namespace.NewNode) *node {
	now := namespace.Now()
	made := &node{id: id, kind: n.Kind, target: n.Target, attr: namespace.Attr{
		ID: id, Kind: n.Kind, Mode: n.Mode, UID: n.UID, GID: n.GID, Rdev: n.Rdev, Links: 1,
		Size: int64(len(n.Target)), Atime: now, Mtime: now, Ctime: now, Btime: now,
	}}
	if n.Kind == namespace.Dir {
		made.entries, made.attr.Links = make(map[string]*node), 2
	}
	return made
}

func (fs *FS) newID() namespace.NodeID {
	var id namespace.NodeID
	binary.BigEndian.PutUint64(id[8:], fs.lastID.Add(1))
	return id
}

// Door is one way into an FS: a fusefs.Backend.
type Door struct {
	fs    *FS
	hints chan namespace.Hint
	deaf  atomic.Bool // hints were lost
}

var _ fusefs.Backend = (*Door)(nil)

// Door opens one more way in.
func (fs *FS) Door() *Door {
	d := &Door{fs: fs, hints: make(chan namespace.Hint, 1024)}
	fs.doorsMu.Lock()
	defer fs.doorsMu.Unlock()
	fs.doors = append(fs.doors, d)
	return d
}

// Hints implements fusefs.Backend.
func (d *Door) Hints(ctx context.Context) iter.Seq2[namespace.Hint, error] {
	return func(yield func(namespace.Hint, error) bool) {
		for {
			select {
			case <-ctx.Done():
				return
			case h := <-d.hints:
				if d.deaf.Swap(false) {
					h = namespace.Hint{All: true}
				}
				if !yield(h, nil) {
					return
				}
			}
		}
	}
}

// tell passes hints on to the other doors.
func (d *Door) tell(hints ...namespace.Hint) {
	d.fs.doorsMu.Lock()
	defer d.fs.doorsMu.Unlock()
	for _, other := range d.fs.doors {
		for _, h := range hints {
			if other != d {
				other.hear(h)
			}
		}
	}
}

func (d *Door) hear(h namespace.Hint) {
	select {
	case d.hints <- h:
	default:
		d.deaf.Store(true)
	}
}

// node finds a node by its id.
func (d *Door) node(id namespace.NodeID) (*node, error) {
	d.fs.mu.RLock()
	defer d.fs.mu.RUnlock()
	if n := d.fs.nodes[id]; n != nil {
		return n, nil
	}
	return nil, blockstore.Stale
}

// Sync implements fusefs.Backend.
func (d *Door) Sync(context.Context) error { return nil }

// Usage implements fusefs.Backend.
func (d *Door) Usage(context.Context, namespace.NodeID) (namespace.Usage, error) {
	d.fs.mu.RLock()
	defer d.fs.mu.RUnlock()
	const room = 1 << 40
	return namespace.Usage{Total: room, Free: room, Available: room, Files: int64(len(d.fs.nodes))}, nil
}
