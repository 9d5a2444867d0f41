package namespace

import (
	"context"
	"fmt"
	"io"

	"github.com/cairnfs/cairn/blockstore"
)

// piece is some bytes of a file: in a block, or in memory.
type piece struct {
	block blockstore.BlockID
	at, n int
	mem   []byte // not nil: the bytes themselves
}

// zeros is what holes read as.
var zeros = make([]byte, 128<<10)

// read returns the bytes [off, off+want) as shared pieces, fewer at the end of
// the file.
func (n *liveNode) read(ctx context.Context, off int64, want int) ([][]byte, error) {
	for attempt := 0; ; attempt++ {
		pieces, err := n.resolve(ctx, off, want)
		if err != nil {
			return nil, err
		}
		data, err := n.fetch(ctx, pieces, off)
		if blockstore.KindOf(err) != blockstore.NotFound || attempt == 3 {
			return data, missing(err)
		}
		// The blocks were given back after the extents were looked up, for
		// the file had changed: look again.
		n.stale.Store(true)
	}
}

// missing: a block that the extents promise must be there.
func missing(err error) error {
	switch {
	case err == nil:
		return nil
	case blockstore.KindOf(err) == blockstore.NotFound, blockstore.KindOf(err) == blockstore.OutOfRange:
		return blockstore.E("read", "", blockstore.Corrupt, fmt.Errorf("%v", err))
	}
	return err
}

// resolve finds where the bytes are.
func (n *liveNode) resolve(ctx context.Context, off int64, want int) ([]piece, error) {
	if err := n.fresh(ctx); err != nil {
		return nil, err
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.resolveLocked(ctx, off, want)
}

func (n *liveNode) resolveLocked(ctx context.Context, off int64, want int) ([]piece, error) {
	end := min(off+int64(want), n.size())
	var pieces []piece
	for off < end {
		e, err := n.extentAt(ctx, off, end)
		if err != nil {
			return nil, err
		}
		pieces = n.appendPieces(pieces, e)
		off = e.end()
	}
	return pieces, nil
}

// extentAt is the extent, or hole, that begins at pos; it ends by end.
func (n *liveNode) extentAt(ctx context.Context, pos, end int64) (Extent, error) {
	r := pos / Region
	_, limit := regionRange(r)
	limit = min(limit, end)
	top := n.dirty.regions[r]
	if i := top.search(pos); i < len(top) {
		if top[i].Offset <= pos {
			return top[i].clip(pos, limit), nil
		}
		limit = min(limit, top[i].Offset)
	}
	if pos >= n.dirty.keep {
		return Extent{Offset: pos, Length: limit - pos}, nil
	}
	limit = min(limit, n.dirty.keep)
	list, err := n.region(ctx, r)
	if err != nil {
		return Extent{}, err
	}
	if i := list.search(pos); i < len(list) {
		if list[i].Offset <= pos {
			return list[i].clip(pos, limit), nil
		}
		limit = min(limit, list[i].Offset)
	}
	return Extent{Offset: pos, Length: limit - pos}, nil
}

// appendPieces cuts an extent into blocks. Bytes still on their way to the
// engine are copied, for their buffer will be used again.
func (n *liveNode) appendPieces(pieces []piece, e Extent) []piece {
	for left := e.Length; left > 0; {
		switch {
		case e.isHole():
			k := min(left, int64(len(zeros)))
			pieces = append(pieces, piece{mem: zeros[:k]})
			left -= k
			continue
		case e.block().Small():
			return append(pieces, piece{block: e.block(), at: e.At, n: int(left)})
		}
		k := int(min(left, int64(e.BlockSize-e.At)))
		p := piece{block: e.block(), at: e.At, n: k}
		if buf := n.app.waiting(p.block); buf != nil {
			p.mem = append(make([]byte, 0, k), buf[e.At:e.At+k]...)
		}
		pieces = append(pieces, p)
		left -= int64(k)
		if left > 0 {
			e = e.from(int64(k))
		}
	}
	return pieces
}

// fetch gets the bytes of the pieces.
func (n *liveNode) fetch(ctx context.Context, pieces []piece, off int64) ([][]byte, error) {
	out := make([][]byte, 0, len(pieces)+4)
	for _, p := range pieces {
		if p.mem != nil {
			out = append(out, p.mem)
			continue
		}
		for p.n > 0 {
			b, err := n.d.v.store.GetBlock(ctx, p.block, p.at, p.n)
			if err != nil {
				return nil, blockstore.E("read", fmt.Sprintf("%s at %d", n.id, off), blockstore.Other, err)
			}
			out = append(out, b)
			p.at, p.n = p.at+len(b), p.n-len(b)
		}
	}
	return out, nil
}

// readInto fills p from off, with mu held; what is past the end stays as it is.
func (n *liveNode) readInto(ctx context.Context, p []byte, off int64) (int, error) {
	pieces, err := n.resolveLocked(ctx, off, len(p))
	if err != nil {
		return 0, err
	}
	data, err := n.fetch(ctx, pieces, off)
	return gather(p, data), missing(err)
}

func gather(p []byte, data [][]byte) int {
	total := 0
	for _, b := range data {
		total += copy(p[total:], b)
	}
	return total
}

// Read returns up to want bytes from off as consecutive shared pieces, which
// nobody may change and everybody may keep: fewer at the end of the file, none
// past it. Holes are zeros.
func (f *OpenFile) Read(ctx context.Context, off int64, want int) ([][]byte, error) {
	if off < 0 || want < 0 {
		return nil, blockstore.E("read", "", blockstore.Invalid, nil)
	}
	return f.node.read(ctx, off, want)
}

// ReadAt fills p from off; io.EOF if the file ends before that.
func (f *OpenFile) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	data, err := f.Read(ctx, off, len(p))
	if err != nil {
		return 0, err
	}
	total := gather(p, data)
	if total < len(p) {
		return total, io.EOF
	}
	return total, nil
}
