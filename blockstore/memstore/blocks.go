package memstore

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/cairnfs/cairn/blockstore"
)

type block struct {
	id   blockstore.BlockID
	data []byte
}

// PutBlock also notices, as Invalid, other bytes under a used id.
func (s *Store) PutBlock(ctx context.Context, id blockstore.BlockID, data []byte) error {
	const op = "put block"
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx, op, id.String()); err != nil {
		return err
	}
	if id.Small() || len(data) == 0 || len(data) > blockstore.MaxBlock {
		return blockstore.E(op, id.String(), blockstore.Invalid, fmt.Errorf("%d bytes", len(data)))
	}
	if err := s.room(op, blockstore.Block{ID: id, Data: data}); err != nil {
		return err
	}
	s.setBlock(blockstore.Block{ID: id, Data: data})
	return nil
}

// room says whether all the blocks can be stored.
func (s *Store) room(op string, blocks ...blockstore.Block) error {
	var grow int64
	for _, b := range blocks {
		old, found := s.blocks.Get(block{id: b.ID})
		if found && !bytes.Equal(old.data, b.Data) {
			return blockstore.E(op, b.ID.String(), blockstore.Invalid, fmt.Errorf("other bytes under a used id"))
		}
		if !found {
			grow += int64(len(b.Data))
		}
	}
	if grow > s.opts.Capacity-s.used {
		return blockstore.E(op, blocks[0].ID.String(), blockstore.NoSpace, nil)
	}
	return nil
}

func (s *Store) setBlock(b blockstore.Block) {
	old, _ := s.blocks.Set(block{b.ID, bytes.Clone(b.Data)})
	s.used += int64(len(b.Data) - len(old.data))
}

// GetBlock never stops early.
func (s *Store) GetBlock(ctx context.Context, id blockstore.BlockID, off, n int) ([]byte, error) {
	const op = "get block"
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx, op, id.String()); err != nil {
		return nil, err
	}
	if off < 0 || n < 1 {
		return nil, blockstore.E(op, id.String(), blockstore.Invalid, fmt.Errorf("%d bytes at %d", n, off))
	}
	b, found := s.blocks.Get(block{id: id})
	if !found {
		return nil, blockstore.E(op, id.String(), blockstore.NotFound, nil)
	}
	if off >= len(b.data) {
		return nil, blockstore.E(op, id.String(), blockstore.OutOfRange, fmt.Errorf("at %d of %d", off, len(b.data)))
	}
	end := off + min(n, len(b.data)-off)
	return b.data[off:end:end], nil
}

// DeleteBlocks removes single blocks.
func (s *Store) DeleteBlocks(ctx context.Context, ids []blockstore.BlockID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx, "delete blocks", ""); err != nil {
		return err
	}
	for _, id := range ids {
		s.deleteBlock(id)
	}
	return nil
}

func (s *Store) deleteBlock(id blockstore.BlockID) {
	old, _ := s.blocks.Delete(block{id: id})
	s.used -= int64(len(old.data))
}

// RemoveSegment finds the blocks by itself.
func (s *Store) RemoveSegment(ctx context.Context, id blockstore.SegmentID, _, _ uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx, "remove segment", id.String()); err != nil {
		return err
	}
	var ids []blockstore.BlockID
	s.blocks.Ascend(block{id: blockstore.BlockID{Segment: id}}, func(b block) bool {
		if b.id.Segment == id {
			ids = append(ids, b.id)
		}
		return b.id.Segment == id && b.id.Number < math.MaxUint32
	})
	for _, id := range ids {
		s.deleteBlock(id)
	}
	return nil
}

// ListBlocks lists the blocks of the moment in which it begins.
func (s *Store) ListBlocks(ctx context.Context, after blockstore.BlockID) iter.Seq2[blockstore.BlockInfo, error] {
	return func(yield func(blockstore.BlockInfo, error) bool) {
		s.mu.Lock()
		blocks := s.blocks.Copy()
		err := s.usable(ctx, "list blocks", "")
		s.mu.Unlock()
		if err != nil {
			yield(blockstore.BlockInfo{}, err)
			return
		}
		blocks.Ascend(block{id: after}, func(b block) bool {
			if err := ctx.Err(); err != nil {
				yield(blockstore.BlockInfo{}, blockstore.E("list blocks", "", blockstore.Canceled, err))
				return false
			}
			return b.id == after || yield(blockstore.BlockInfo{ID: b.id, Size: len(b.data)}, nil)
		})
	}
}
