package namespace

import (
	"context"
	"errors"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
)

const (
	// worthSharing is how many bytes in a row are shared: to copy less costs
	// less than what it leaves behind, a file in pieces.
	worthSharing = 64 << 10
	// clonedAtOnce is how many extents of a source are looked at in one go.
	clonedAtOnce = 1024
	// sourceMoves is how often a source may change while it is cloned before it
	// is copied.
	sourceMoves = 8
)

// errMoved: the source is not as it was when its extents were read.
var errMoved = errors.New("the content was changed meanwhile")

// Clone appends the bytes [off, off+length) of another content by sharing its
// blocks: it moves no data, but for pieces too small to share and segments that
// can't be. It takes what its manifest takes, whatever the length. Write and
// Clone may be mixed. OutOfRange if the source ends before that; Stale as for
// ObjectReader.ReadAt. After an error the content can only be aborted.
func (c *Content) Clone(ctx context.Context, src *ObjectReader, off, length int64) error {
	if off < 0 || length < 0 || off > src.Size()-length {
		return blockstore.E("clone", "", blockstore.OutOfRange, nil)
	}
	if c.Size() > MaxSize-length {
		return blockstore.E("clone", "", blockstore.TooLarge, nil)
	}
	err := c.clone(ctx, src, off, off+length)
	if err != nil {
		c.failed = err
	}
	return err
}

func (c *Content) clone(ctx context.Context, src *ObjectReader, off, end int64) error {
	if src.node == nil || end-off < worthSharing {
		return c.copy(ctx, src, off, end)
	}
	for range sourceMoves {
		before := c.Size()
		m, from, err := src.source(ctx)
		if err == nil {
			err = c.shareAll(ctx, src, m, from, off, end)
		}
		if !errors.Is(err, errMoved) {
			return err
		}
		off += c.Size() - before
	}
	return c.copy(ctx, src, off, end)
}

// source is where the state that was opened has its bytes now; errMoved if that
// can't be known for sure.
func (r *ObjectReader) source(ctx context.Context) (*Manifest, source, error) {
	n := r.node
	n.mu.RLock()
	m := n.base.Content
	n.mu.RUnlock()
	if r.filed != "" {
		return n.d.v.filedSource(ctx, m, r.filed)
	}
	node, version, err := n.d.v.readNode(ctx, n.id)
	if err != nil && blockstore.KindOf(err) != blockstore.Stale {
		return nil, source{}, err
	}
	if err != nil || node.Content == nil || node.Content.ID != m.ID || node.Content.Tag != m.Tag {
		return nil, source{}, errMoved
	}
	return node.Content, source{content: m.ID, key: nodeKey(n.id), version: version}, nil
}

// shareAll appends a range of a source, as its manifest has it.
func (c *Content) shareAll(ctx context.Context, src *ObjectReader, m *Manifest, from source, off, end int64) error {
	shift := c.Size() - off
	var list ExtentList
	for e, err := range c.d.v.extentsIn(ctx, m, off, end) {
		if err != nil {
			return err
		}
		if list = list.put(e); len(list) < clonedAtOnce {
			continue
		}
		// The last one may go on.
		last := list[len(list)-1]
		if err := c.shareSome(ctx, src, m, from, list[:len(list)-1], shift); err != nil {
			return err
		}
		list = ExtentList{last}
	}
	if err := c.shareSome(ctx, src, m, from, list, shift); err != nil {
		return err
	}
	c.extend(end + shift)
	return nil
}

// shareSome appends extents of a source, with holes before them where they are
// not next to each other.
func (c *Content) shareSome(ctx context.Context, src *ObjectReader, m *Manifest, from source, list ExtentList, shift int64) error {
	if c.draft == nil {
		c.draft = newDraft(c.d, c.n.base.Content.ID, c.n.id)
	}
	refused, err := c.draft.take(ctx, from.worthy(list).segments(), from)
	if err == nil && m.Spilled {
		// Regions with records of their own were read one after the other.
		err = from.still(func(key string) ([]byte, blockstore.Version, error) { return c.d.v.store.Get(ctx, key) })
	}
	if err != nil {
		return err
	}
	for _, e := range list {
		c.extend(e.Offset + shift)
		if !from.worthSharing(e) || refused[e.Segment] {
			err = c.copy(ctx, src, e.Offset, e.end())
		} else {
			e.Offset += shift
			err = c.share(ctx, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s source) worthSharing(e Extent) bool {
	return s.whole || e.Length >= worthSharing && !e.block().Small()
}

// worthy is what of a list is worth sharing.
func (s source) worthy(l ExtentList) ExtentList {
	return slices.DeleteFunc(slices.Clone(l), func(e Extent) bool { return !s.worthSharing(e) })
}

// share appends an extent in a segment that the draft takes part in.
func (c *Content) share(ctx context.Context, e Extent) error {
	c.fold()
	c.draft.add(e)
	c.extend(e.end())
	if !c.draft.large() {
		return nil
	}
	return c.putPages(ctx, e.end()/pageSize)
}

// extend makes the content so long, with a hole.
func (c *Content) extend(size int64) {
	n := c.n
	n.mu.Lock()
	defer n.mu.Unlock()
	n.change()
	n.dirty.size = max(n.dirty.size, size)
}

// fold moves what was written to the draft's runs.
func (c *Content) fold() {
	n := c.n
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range slices.Sorted(maps.Keys(n.dirty.regions)) {
		c.draft.runs = c.draft.runs.over(n.dirty.regions[r])
	}
	clear(n.dirty.regions)
	n.dirty.extents = 0
}

// putPages puts the draft's runs before a page on record, with the block that is
// being filled sent off as it is.
func (c *Content) putPages(ctx context.Context, before int64) error {
	n := c.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.app != nil && len(n.app.buf) > 0 {
		if err := n.seal(ctx); err != nil {
			return err
		}
	}
	return c.draft.putPages(ctx, before)
}

// finish puts as much of a draft on record as must not stand in a node.
func (c *Content) finish(ctx context.Context) error {
	if c.failed != nil || c.draft == nil {
		return c.failed
	}
	c.fold()
	if b := c.draft; b.m.Paged || len(b.runs) > nodeRuns || len(b.m.Segments) > nodeRuns {
		return c.putPages(ctx, math.MaxInt64)
	}
	return nil
}

// copy appends the bytes [off, end) of another content by reading and writing
// them.
func (c *Content) copy(ctx context.Context, src *ObjectReader, off, end int64) error {
	buf := buffers.Get().(*[blockstore.MaxBlock]byte)
	defer buffers.Put(buf)
	for off < end {
		p := buf[:min(end-off, int64(len(buf)))]
		k, err := src.ReadAt(ctx, p, off)
		if err != nil && (err != io.EOF || k < len(p)) {
			return blockstore.E("clone", "", blockstore.Other, err)
		}
		if _, err := c.Write(p); err != nil {
			return err
		}
		off += int64(k)
	}
	return nil
}
