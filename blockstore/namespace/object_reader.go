package namespace

import (
	"cmp"
	"context"
	"io"

	"github.com/cairnfs/cairn/blockstore"
)

// ObjectReader reads one state of a content, in constant memory. Its blocks stay
// while it is open. Its methods may be called concurrently.
type ObjectReader struct {
	// node is the file in that state, apart from the nodes that are open for
	// writing; nil if body is all there is.
	node *liveNode
	body string // of a symlink: its target
	// filed is the key of the history record that has the content, which nobody
	// changes as long as it is there; "": it is a node's.
	filed string
}

// OpenKey opens the content of a key, or of one of its versions, as it is now:
// the reader and the info are of one state. What is not yet committed through
// another door is not in it.
func (d *Door) OpenKey(ctx context.Context, bucket NodeID, key, version string) (*ObjectReader, ObjectInfo, error) {
	for range 100 {
		at, err := d.v.findKey(ctx, bucket, key, version)
		if err != nil {
			return nil, at.info, err
		}
		if at.node.Content == nil {
			return &ObjectReader{body: at.info.Target}, at.info, nil
		}
		d.pin(at)
		unchanged, err := d.v.unchanged(ctx, at)
		if unchanged {
			return d.objectReader(at), at.info, nil
		}
		if gone := d.unpin(ctx, at); err != nil || gone != nil {
			return nil, ObjectInfo{}, cmp.Or(err, gone)
		}
	}
	return nil, ObjectInfo{}, blockstore.E("open", key, blockstore.Busy, nil)
}

func (d *Door) objectReader(at foundKey) *ObjectReader {
	n := &liveNode{d: d, id: at.id, base: at.node, version: at.version, filed: at.filed, dirty: newOverlay()}
	return &ObjectReader{node: n, filed: at.filed}
}

// unchanged says whether what was found is still as it was.
func (v *Volume) unchanged(ctx context.Context, at foundKey) (bool, error) {
	key := at.filed
	if key == "" {
		key = nodeKey(at.id)
	}
	_, version, err := v.store.Get(ctx, key)
	return err == nil && version == at.version, err
}

// pin keeps the blocks of what was found, if it is still there now.
func (d *Door) pin(at foundKey) {
	if at.filed != "" {
		d.v.readers.enter(at.node.Content.ID)
		return
	}
	d.v.opens.enter(at.id)
}

func (d *Door) unpin(ctx context.Context, at foundKey) error {
	if at.filed != "" {
		d.v.readers.leave(at.node.Content.ID)
		return nil
	}
	return d.letGo(ctx, at.id)
}

// Size is the length of the content.
func (r *ObjectReader) Size() int64 {
	if r.node == nil {
		return int64(len(r.body))
	}
	return r.node.base.Content.Size
}

// Read returns up to want bytes from off as consecutive shared pieces, which
// nobody may change and everybody may keep: fewer at the end, none past it.
// For errors see ReadAt.
func (r *ObjectReader) Read(ctx context.Context, off int64, want int) ([][]byte, error) {
	if off < 0 || want < 0 {
		return nil, blockstore.E("read", "", blockstore.Invalid, nil)
	}
	if r.node != nil {
		return r.node.readState(ctx, off, want)
	}
	body := []byte(r.body)
	body = body[min(off, int64(len(body))):]
	return [][]byte{body[:min(want, len(body))]}, nil
}

// ReadAt fills p from off; io.EOF if the content ends before that. It fails
// with Stale if the file was changed in place and the state that was opened
// can't be read any more.
func (r *ObjectReader) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	data, err := r.Read(ctx, off, len(p))
	n := gather(p, data)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// readState reads from the state that the node was opened in.
func (n *liveNode) readState(ctx context.Context, off int64, want int) ([][]byte, error) {
	for attempt := 0; ; attempt++ {
		data, err := n.stateBytes(ctx, off, want)
		if blockstore.KindOf(err) != blockstore.NotFound || attempt == 3 {
			return data, missing(err)
		}
		// The blocks were given back: the file was changed, or its bytes are
		// elsewhere now.
		if err := n.follow(ctx); err != nil {
			return nil, err
		}
	}
}

func (n *liveNode) stateBytes(ctx context.Context, off int64, want int) ([][]byte, error) {
	for {
		n.mu.RLock()
		pieces, err := n.resolveLocked(ctx, off, want)
		version, spilled := n.version, n.base.Content.Spilled
		n.mu.RUnlock()
		if err != nil {
			return nil, err
		}
		if spilled {
			n.keepFewRegions()
			// Extents that have records of their own may be those of a later
			// state, unless the node is unchanged after they were read.
			if err := n.follow(ctx); err != nil {
				return nil, err
			}
			n.mu.RLock()
			moved := n.version != version
			n.mu.RUnlock()
			if moved {
				continue
			}
		}
		return n.fetch(ctx, pieces, off)
	}
}

// readerRegions is how many regions a reader keeps: those around where it reads.
const readerRegions = 8

func (n *liveNode) keepFewRegions() {
	n.regionsMu.Lock()
	defer n.regionsMu.Unlock()
	if len(n.regions) > readerRegions {
		clear(n.regions)
	}
}

// follow takes over where the bytes are now, if they are still the same; Stale
// if they are not.
func (n *liveNode) follow(ctx context.Context) error {
	if n.filed != "" {
		return n.d.v.stillFiled(ctx, n.filed)
	}
	if same, err := n.unmoved(ctx); err != nil || same {
		return err
	}
	node, version, err := n.d.v.readNode(ctx, n.id)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if node.Content == nil || node.Content.Tag != n.base.Content.Tag {
		return blockstore.E("read", node.Name, blockstore.Stale, nil)
	}
	n.rebase(node, version)
	return nil
}

// unmoved says whether the record is as it was when it was read: it may be a
// large one, and is not decoded for that.
func (n *liveNode) unmoved(ctx context.Context) (bool, error) {
	_, version, err := n.d.v.store.Get(ctx, nodeKey(n.id))
	n.mu.RLock()
	defer n.mu.RUnlock()
	return version == n.version, err
}

// Close ends the reading. A file that lost its name meanwhile goes with its last
// reader.
func (r *ObjectReader) Close(ctx context.Context) error {
	if r.node == nil {
		return nil
	}
	n := r.node
	r.node = nil
	return n.d.unpin(ctx, foundKey{id: n.id, node: n.base, filed: n.filed})
}

// letGo undoes an enter in the table of open nodes, and retires a node without a
// name that nobody has open any more.
func (d *Door) letGo(ctx context.Context, id NodeID) error {
	if last, _ := d.v.opens.leave(id); !last {
		return nil
	}
	node, _, err := d.v.readNode(ctx, id)
	switch {
	case blockstore.KindOf(err) == blockstore.Stale:
		return nil
	case err == nil && node.Links == 0:
		return d.v.release(ctx, d.v.session, id)
	}
	return err
}
