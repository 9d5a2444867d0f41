package faultstore

import (
	"context"
	"iter"

	"github.com/cairnfs/cairn/blockstore"
)

// PutBlock may fail or lose its reply.
func (s *Store) PutBlock(ctx context.Context, id blockstore.BlockID, data []byte) error {
	return doErr(ctx, s, Op{Call: PutBlock, Name: id.String()}, func() error {
		return s.inner.PutBlock(ctx, id, data)
	})
}

// GetBlock may fail or stop early.
func (s *Store) GetBlock(ctx context.Context, id blockstore.BlockID, off, n int) ([]byte, error) {
	return do(ctx, s, Op{Call: GetBlock, Name: id.String()}, func(f Fault) ([]byte, error) {
		data, err := s.inner.GetBlock(ctx, id, off, n)
		if err != nil || !f.Short {
			return data, err
		}
		end := min(len(data), blockstore.Granule-off%blockstore.Granule)
		return data[:end:end], nil
	})
}

// DeleteBlocks may fail or lose its reply.
func (s *Store) DeleteBlocks(ctx context.Context, ids []blockstore.BlockID) error {
	op := Op{Call: DeleteBlocks}
	if len(ids) > 0 {
		op.Name = ids[0].String()
	}
	return doErr(ctx, s, op, func() error { return s.inner.DeleteBlocks(ctx, ids) })
}

// RemoveSegment may fail or lose its reply.
func (s *Store) RemoveSegment(ctx context.Context, id blockstore.SegmentID, blocks, small uint32) error {
	return doErr(ctx, s, Op{Call: RemoveSegment, Name: id.String()}, func() error {
		return s.inner.RemoveSegment(ctx, id, blocks, small)
	})
}

// ListBlocks may fail midway.
func (s *Store) ListBlocks(ctx context.Context, after blockstore.BlockID) iter.Seq2[blockstore.BlockInfo, error] {
	return iterate(ctx, s, Op{Call: ListBlocks, Name: after.String()}, s.inner.ListBlocks(ctx, after))
}

// Get may fail.
func (s *Store) Get(ctx context.Context, key string) ([]byte, blockstore.Version, error) {
	r, err := do(ctx, s, Op{Call: Get, Name: key}, func(Fault) (r blockstore.Record, err error) {
		r.Value, r.Version, err = s.inner.Get(ctx, key)
		return r, err
	})
	return r.Value, r.Version, err
}

// Scan may fail midway.
func (s *Store) Scan(ctx context.Context, prefix, after string) iter.Seq2[blockstore.Record, error] {
	return iterate(ctx, s, Op{Call: Scan, Name: prefix}, s.inner.Scan(ctx, prefix, after))
}

// Commit may fail or lose its reply.
func (s *Store) Commit(ctx context.Context, c *blockstore.Change, d blockstore.Durability) (blockstore.Version, error) {
	op := Op{Call: Commit, Change: c}
	if len(c.Writes) > 0 {
		op.Name = c.Writes[0].Key
	}
	return do(ctx, s, op, func(Fault) (blockstore.Version, error) { return s.inner.Commit(ctx, c, d) })
}

// Sync may fail or lose its reply.
func (s *Store) Sync(ctx context.Context) error {
	return doErr(ctx, s, Op{Call: Sync}, func() error { return s.inner.Sync(ctx) })
}

// Head may fail.
func (s *Store) Head(ctx context.Context) (blockstore.Cursor, error) {
	return do(ctx, s, Op{Call: Head}, func(Fault) (blockstore.Cursor, error) { return s.inner.Head(ctx) })
}

// Watch may fail midway.
func (s *Store) Watch(ctx context.Context, after blockstore.Cursor) iter.Seq2[blockstore.Event, error] {
	return iterate(ctx, s, Op{Call: Watch, Name: string(after)}, s.inner.Watch(ctx, after))
}

// Space may fail.
func (s *Store) Space(ctx context.Context) (blockstore.Space, error) {
	return do(ctx, s, Op{Call: Space}, func(Fault) (blockstore.Space, error) { return s.inner.Space(ctx) })
}

// Close closes the decorated store; it has no faults.
func (s *Store) Close() error { return s.inner.Close() }
