package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// ListBlocks merges the blocks in segment files with the small ones in the
// database.
func (s *Store) ListBlocks(ctx context.Context, after blockstore.BlockID) iter.Seq2[blockstore.BlockInfo, error] {
	return func(yield func(blockstore.BlockInfo, error) bool) {
		small, stop := iter.Pull2(s.listSmall(ctx, after))
		defer stop()
		next, err, more := small()
		for large, largeErr := range s.listLarge(ctx, after) {
			if largeErr != nil {
				yield(large, largeErr)
				return
			}
			for more && err == nil && next.ID.Compare(large.ID) < 0 {
				if !yield(next, nil) {
					return
				}
				next, err, more = small()
			}
			if !yield(large, nil) {
				return
			}
		}
		for more && yield(next, err) && err == nil {
			next, err, more = small()
		}
	}
}

// listLarge yields the blocks in segment files.
func (s *Store) listLarge(ctx context.Context, after blockstore.BlockID) iter.Seq2[blockstore.BlockInfo, error] {
	return func(yield func(blockstore.BlockInfo, error) bool) {
		ids, err := s.segs.list(after.Segment)
		if err != nil {
			yield(blockstore.BlockInfo{}, fault("list blocks", "", err))
			return
		}
		for _, id := range ids {
			from := uint32(0)
			if id == after.Segment && after != (blockstore.BlockID{}) {
				from = after.Number + 1
			}
			if !s.listSegment(ctx, id, from, yield) {
				return
			}
		}
	}
}

// listSegment yields the blocks of one segment file; it says whether to go on.
func (s *Store) listSegment(ctx context.Context, id blockstore.SegmentID, from uint32, yield func(blockstore.BlockInfo, error) bool) bool {
	if from >= blockstore.SmallBit {
		return true
	}
	sizes, err := s.segs.sizes(id, from)
	if errors.Is(err, fs.ErrNotExist) {
		return true // removed meanwhile
	}
	if err != nil {
		yield(blockstore.BlockInfo{}, fault("list blocks", id.String(), err))
		return false
	}
	for i, size := range sizes {
		block := blockstore.BlockID{Segment: id, Number: from + uint32(i)}
		if size == 0 || s.segs.isDoomed(block) {
			continue
		}
		if err := s.usable(ctx, "list blocks", ""); err != nil {
			yield(blockstore.BlockInfo{}, err)
			return false
		}
		if !yield(blockstore.BlockInfo{ID: block, Size: size}, nil) {
			return false
		}
	}
	return true
}

// list returns the segments with files from first on, in order.
func (s *segments) list(first blockstore.SegmentID) ([]blockstore.SegmentID, error) {
	var ids []blockstore.SegmentID
	for i := range fanOut {
		names, err := s.fs.List(s.fs.PathJoin(s.root, fmt.Sprintf("%02x", i)))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			id, err := blockstore.ParseID(name)
			if err == nil && bytes.Compare(id[:], first[:]) >= 0 {
				ids = append(ids, id)
			}
		}
	}
	slices.SortFunc(ids, func(a, b blockstore.SegmentID) int { return bytes.Compare(a[:], b[:]) })
	return ids, nil
}

// sizes returns the lengths of the blocks of a segment from a number on, 0 where
// there is none.
func (s *segments) sizes(id blockstore.SegmentID, from uint32) ([]int, error) {
	g := s.use(id)
	defer s.release(g)
	f, err := s.forReading(g)
	if err != nil {
		s.unkeep(g)
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var sizes []int
	for number := from; slotOffset(number) < info.Size(); number++ {
		size, err := f.blockSize(number)
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, min(size, blockstore.MaxBlock))
	}
	return sizes, nil
}

// listSmall yields the small blocks.
func (s *Store) listSmall(ctx context.Context, after blockstore.BlockID) iter.Seq2[blockstore.BlockInfo, error] {
	return func(yield func(blockstore.BlockInfo, error) bool) {
		for {
			page, err := s.smallPage(ctx, after)
			for _, b := range page {
				if !yield(b, nil) {
					return
				}
				after = b.ID
			}
			if err != nil {
				yield(blockstore.BlockInfo{}, err)
			}
			if err != nil || len(page) == 0 {
				return
			}
		}
	}
}

// smallPage returns the next small blocks after one, none at the end.
func (s *Store) smallPage(ctx context.Context, after blockstore.BlockID) ([]blockstore.BlockInfo, error) {
	const op = "list blocks"
	if err := s.usable(ctx, op, ""); err != nil {
		return nil, err
	}
	it, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: append(smallKey(after), 0),
		UpperBound: []byte{smallKeys + 1},
	})
	if err != nil {
		return nil, fault(op, "", err)
	}
	var page []blockstore.BlockInfo
	for ok := it.First(); ok && len(page) < lastPage; ok = it.Next() {
		id, whole, ok := parseBlockKey(it.Key())
		value := it.LazyValue()
		if ok && !whole {
			page = append(page, blockstore.BlockInfo{ID: id, Size: value.Len()})
		}
	}
	if err := it.Close(); err != nil {
		return nil, fault(op, "", err)
	}
	return page, nil
}
