package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// PutBlock writes the block into the file of its segment.
func (s *Store) PutBlock(ctx context.Context, id blockstore.BlockID, data []byte) error {
	const op = "put block"
	if err := s.usable(ctx, op, id.String()); err != nil {
		return err
	}
	if id.Small() || len(data) == 0 || len(data) > blockstore.MaxBlock {
		return blockstore.E(op, id.String(), blockstore.Invalid, fmt.Errorf("%d bytes", len(data)))
	}
	if err := s.health.check(op, id.String()); err != nil {
		return err
	}
	if s.segs.isDoomed(id) { // else the removal would take what is put now
		if err := s.reclaim(ctx); err != nil {
			return err
		}
	}
	if err := s.room.take(int64(len(data)), content); err != nil {
		if s.reclaim(ctx) != nil || s.room.take(int64(len(data)), content) != nil {
			return fault(op, id.String(), err)
		}
	}
	if err := s.segs.put(id, data); err != nil {
		return fault(op, id.String(), err)
	}
	return nil
}

// put writes a block; a block that the disk had no room for leaves a hole.
func (s *segments) put(id blockstore.BlockID, data []byte) error {
	g := s.use(id.Segment)
	defer s.release(g)
	f, err := s.forWriting(g)
	if err != nil {
		return err
	}
	if err := f.writeBlock(id, data); err != nil {
		return errors.Join(err, f.punchBlock(id.Number))
	}
	s.wrote(g, f, id.Number, len(data))
	return nil
}

// GetBlock reads and verifies the granules that have the bytes.
func (s *Store) GetBlock(ctx context.Context, id blockstore.BlockID, off, n int) ([]byte, error) {
	const op = "get block"
	if err := s.usable(ctx, op, id.String()); err != nil {
		return nil, err
	}
	if off < 0 || n < 1 {
		return nil, blockstore.E(op, id.String(), blockstore.Invalid, fmt.Errorf("%d bytes at %d", n, off))
	}
	if id.Small() {
		return s.getSmall(id, off, n)
	}
	data, path, err := s.segs.read(id, off, n)
	switch {
	case err == nil:
		return data, nil
	case errors.Is(err, errHole), errors.Is(err, fs.ErrNotExist):
		return nil, blockstore.E(op, id.String(), blockstore.NotFound, nil)
	case errors.Is(err, errPastEnd):
		return nil, blockstore.E(op, id.String(), blockstore.OutOfRange, err)
	case errors.Is(err, errWrong):
		// The door tells its user of an I/O error at most; the owner of the disk
		// must hear which file it was.
		s.log.Error("a stored block is damaged", "block", id.String(), "file", path, "error", err)
		return nil, blockstore.E(op, id.String(), blockstore.Corrupt, err)
	}
	return nil, fault(op, id.String(), err)
}

// read returns verified bytes of a block, and the path of its file.
func (s *segments) read(id blockstore.BlockID, off, n int) ([]byte, string, error) {
	if s.isDoomed(id) {
		return nil, "", errHole
	}
	g := s.use(id.Segment)
	defer s.release(g)
	f, err := s.forReading(g)
	if errors.Is(err, fs.ErrNotExist) {
		s.unkeep(g)
	}
	if err != nil {
		return nil, s.path(id.Segment), err
	}
	data, err := f.readBlock(id, off, n)
	return data, f.path, err
}

func (s *Store) getSmall(id blockstore.BlockID, off, n int) ([]byte, error) {
	const op = "get block"
	value, closer, err := s.db.Get(smallKey(id))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, blockstore.E(op, id.String(), blockstore.NotFound, nil)
	}
	if err != nil {
		return nil, fault(op, id.String(), err)
	}
	defer closer.Close()
	if off >= len(value) {
		return nil, blockstore.E(op, id.String(), blockstore.OutOfRange, fmt.Errorf("at %d of %d", off, len(value)))
	}
	return append([]byte(nil), value[off:off+min(n, len(value)-off)]...), nil
}
