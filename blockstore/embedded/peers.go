package embedded

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cairnfs/cairn/blockstore"
)

// What is here is for other processes that use a store through the one that has it
// open: package share.

// Push returns when all that could be read before it was called survives a killed
// process. Many at a time share one write.
func (s *Store) Push(ctx context.Context) error {
	seen := s.begun.Load()
	if s.pushed.Load() >= seen || s.synced.Load() >= seen {
		return nil
	}
	if err := s.usable(ctx, "push log", s.dir); err != nil {
		return err
	}
	return s.push()
}

// GetAtOnce is Get if that needs no disk and shows nothing that Push has to see to; ok
// says whether. It costs less than to let somebody else do it.
func (s *Store) GetAtOnce(key string) (value []byte, v blockstore.Version, ok bool) {
	r, ok := s.cache.peek(key)
	if !ok || s.closed.Load() {
		return nil, v, false
	}
	seen := s.begun.Load()
	return r.value, blockstore.Version{N: r.number}, s.pushed.Load() >= seen || s.synced.Load() >= seen
}

// Next waits for events after the cursor and returns some: one step of Watch, and the
// next one is after the cursor of the last event. Its errors are those of Watch.
func (s *Store) Next(ctx context.Context, after blockstore.Cursor) ([]blockstore.Event, error) {
	number, err := s.resume(after)
	for err == nil {
		var found []event
		var more <-chan struct{}
		found, number, more, err = s.next(number)
		if len(found) > 0 {
			return s.publicAll(found), nil
		}
		if more != nil {
			waitForMore(ctx, more)
		}
		if ctx.Err() != nil {
			return nil, blockstore.E("watch", "", blockstore.Canceled, ctx.Err())
		}
	}
	return nil, err
}

func (s *Store) publicAll(found []event) []blockstore.Event {
	events := make([]blockstore.Event, len(found))
	for i, e := range found {
		events[i] = s.public(e)
	}
	return events
}

// Announce writes into the lock file where others may ask this process. It does
// nothing on a file system without files of the system.
func (s *Store) Announce(address string) error {
	f, ok := s.lock.(vfs.File)
	if !ok {
		return nil
	}
	if len(address) >= lockText {
		return blockstore.E("announce", address, blockstore.NameTooLong, nil)
	}
	if _, err := f.WriteAt(lockLine(address), lockText); err != nil {
		return fault("announce", s.dir, err)
	}
	return nil
}

// Holder reads what the lock file of a store says: which process has the store, or
// had it last, and where that may be asked; empty if it did not announce it.
func Holder(dir string) (process, address string, err error) {
	text, err := os.ReadFile(filepath.Join(dir, lockName))
	if err != nil {
		return "", "", fault("read lock", dir, err)
	}
	first := min(lockText, len(text))
	return oneLine(text[:first]), oneLine(text[first:]), nil
}

// Reader reads large blocks from the files of a store that another process has open.
// It keeps nothing open, so that a file which that process removes is gone.
type Reader struct {
	segs *segments
}

// NewReader returns a reader of the store in dir.
func NewReader(dir string) *Reader {
	return &Reader{newSegments(vfs.Default, filepath.Join(dir, segmentsName))}
}

// GetBlock is that of a store, with one difference: whatever goes wrong may be so
// because the other process is at work on the same block. That one knows: ask it.
func (r *Reader) GetBlock(id blockstore.BlockID, off, n int) ([]byte, error) {
	const op = "get block"
	if id.Small() || off < 0 || n < 1 {
		return nil, blockstore.E(op, id.String(), blockstore.Invalid, fmt.Errorf("%d bytes at %d", n, off))
	}
	path := r.segs.path(id.Segment)
	f, err := vfs.Default.Open(path)
	if err != nil {
		return nil, fault(op, id.String(), err)
	}
	data, err := blockFile{f, path}.readBlock(id, off, n)
	if err := cmp.Or(err, f.Close()); err != nil {
		return nil, fault(op, id.String(), err)
	}
	return data, nil
}
