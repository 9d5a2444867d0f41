package share

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// A guest's calls are questions of one frame with an answer of one frame: so they can
// be asked again of another owner. Scans, lists and watches are many of them.

// asked is who answers: the owner over a link, or ourselves since a moment ago.
type asked interface {
	call(ctx context.Context, v verb, body []byte) ([]byte, error)
}

// ask asks whoever owns the store until there is an answer.
func ask[R any](ctx context.Context, s *Store, v verb, op, name string, question any) (reply R, err error) {
	body, err := encode(question)
	if err != nil {
		return reply, blockstore.E(op, name, blockstore.Other, err)
	}
	return askRaw[R](ctx, s, v, op, name, body)
}

func askRaw[R any](ctx context.Context, s *Store, v verb, op, name string, body []byte) (reply R, err error) {
	for {
		to, err := s.owner(ctx)
		if err != nil {
			return reply, blockstore.E(op, name, blockstore.Other, err)
		}
		answer, err := to.call(ctx, v, body)
		if errors.Is(err, errGone) {
			s.lose(to.(*link))
			continue
		}
		if err == nil {
			err = decodeReply(op, name, answer, &reply)
			return reply, err
		}
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = blockstore.E(op, name, blockstore.Canceled, err)
		}
		return reply, err
	}
}

func decodeReply(op, name string, answer []byte, reply any) error {
	if err := decode(answer, reply); err != nil {
		return blockstore.E(op, name, blockstore.Other, err)
	}
	return nil
}

// owner waits until there is somebody to ask.
func (s *Store) owner(ctx context.Context) (asked, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, canceled(err)
		}
		s.mu.Lock()
		link, over, changed := s.link, s.over, s.changed
		s.mu.Unlock()
		engine := s.engine.Load()
		switch {
		case engine != nil:
			return local{engine}, nil
		case over != nil:
			return nil, over
		case link != nil:
			return link, nil
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

func canceled(err error) error {
	return blockstore.E("wait for the store", "", blockstore.Canceled, err)
}

// PutBlock lets the owner write the block.
func (s *Store) PutBlock(ctx context.Context, id blockstore.BlockID, data []byte) error {
	if e := s.engine.Load(); e != nil {
		return e.PutBlock(ctx, id, data)
	}
	const op = "put block"
	if len(data) > blockstore.MaxBlock {
		return blockstore.E(op, id.String(), blockstore.Invalid, fmt.Errorf("%d bytes", len(data)))
	}
	body := makePut(id, data)
	defer giveBack(body)
	_, err := askRaw[none](ctx, s, putBlock, op, id.String(), body)
	return err
}

// GetBlock reads a large block from its file; if that does not go well, the owner says
// why.
func (s *Store) GetBlock(ctx context.Context, id blockstore.BlockID, off, n int) ([]byte, error) {
	if e := s.engine.Load(); e != nil {
		return e.GetBlock(ctx, id, off, n)
	}
	if !id.Small() && ctx.Err() == nil && !s.hasRemoved(id.Segment) {
		if data, err := s.reader.GetBlock(id, off, n); err == nil {
			return data, nil
		}
	}
	return ask[[]byte](ctx, s, getBlock, "get block", id.String(), blockRead{ID: id, Off: off, N: n})
}

// DeleteBlocks lets the owner remove blocks.
func (s *Store) DeleteBlocks(ctx context.Context, ids []blockstore.BlockID) error {
	if e := s.engine.Load(); e != nil {
		return e.DeleteBlocks(ctx, ids)
	}
	for _, id := range ids {
		s.noteRemoved(id.Segment)
	}
	_, err := ask[none](ctx, s, deleteBlocks, "delete blocks", "", ids)
	return err
}

// RemoveSegment lets the owner remove a segment.
func (s *Store) RemoveSegment(ctx context.Context, id blockstore.SegmentID, blocks, small uint32) error {
	if e := s.engine.Load(); e != nil {
		return e.RemoveSegment(ctx, id, blocks, small)
	}
	s.noteRemoved(id)
	_, err := ask[none](ctx, s, removeSegment, "remove segment", id.String(), segmentRemoval{ID: id, Blocks: blocks, Small: small})
	return err
}

// noteRemoved: from now on the owner is asked for the blocks of the segment, for its
// file still has those that are to be removed.
func (s *Store) noteRemoved(id blockstore.SegmentID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed.Add(id, none{})
}

func (s *Store) hasRemoved(id blockstore.SegmentID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.removed.Contains(id)
}

// ListBlocks lists page by page.
func (s *Store) ListBlocks(ctx context.Context, after blockstore.BlockID) iter.Seq2[blockstore.BlockInfo, error] {
	if e := s.engine.Load(); e != nil {
		return e.ListBlocks(ctx, after)
	}
	return func(yield func(blockstore.BlockInfo, error) bool) {
		for after, done := after, false; !done; {
			page, err := ask[blockPage](ctx, s, listBlocks, "list blocks", "", after)
			if err != nil {
				yield(blockstore.BlockInfo{}, err)
				return
			}
			for _, b := range page.Blocks {
				if !yield(b, nil) {
					return
				}
				after = b.ID
			}
			done = page.Done
		}
	}
}

// Get asks the owner for a record.
func (s *Store) Get(ctx context.Context, key string) ([]byte, blockstore.Version, error) {
	if e := s.engine.Load(); e != nil {
		return e.Get(ctx, key)
	}
	r, err := ask[recordReply](ctx, s, getRecord, "get record", key, key)
	return r.Value, r.Version, err
}

// The first page of a scan is small, for readers that want few records.
const (
	firstPage = 16
	lastPage  = 1024
)

// Scan scans page by page.
func (s *Store) Scan(ctx context.Context, prefix, after string) iter.Seq2[blockstore.Record, error] {
	if e := s.engine.Load(); e != nil {
		return e.Scan(ctx, prefix, after)
	}
	return func(yield func(blockstore.Record, error) bool) {
		after := after
		for n := firstPage; ; n = min(4*n, lastPage) {
			page, err := ask[recordPage](ctx, s, scan, "scan", prefix, scanPage{Prefix: prefix, After: after, N: n})
			if err != nil {
				yield(blockstore.Record{}, err)
				return
			}
			for _, r := range page.Records {
				if !yield(r, nil) {
					return
				}
				after = r.Key
			}
			if page.Done {
				return
			}
		}
	}
}

// commitWait is how long a commit goes on after its caller gave up: for to be told that
// it can't be known whether it happened is worse than to wait.
const commitWait = 5 * time.Second

// Commit lets the owner carry out the change. A caller who gave up meanwhile hears
// what came of it all the same, or Unknown after a while.
func (s *Store) Commit(ctx context.Context, c *blockstore.Change, d blockstore.Durability) (blockstore.Version, error) {
	if e := s.engine.Load(); e != nil {
		return e.Commit(ctx, c, d)
	}
	const op = "commit"
	name := ""
	if len(c.Writes) > 0 {
		name = c.Writes[0].Key
	}
	if err := ctx.Err(); err != nil {
		return blockstore.Version{}, blockstore.E(op, name, blockstore.Canceled, err)
	}
	if err := c.Check(); err != nil {
		return blockstore.Version{}, err
	}
	ctx, done := outlive(ctx, commitWait)
	defer done()
	v, err := ask[blockstore.Version](ctx, s, commit, op, name, commitment{Change: *c, Durability: d})
	if errors.Is(err, blockstore.Canceled) {
		err = blockstore.E(op, name, blockstore.Unknown, err)
	}
	return v, err
}

// outlive returns a context that is done a while after ctx is.
func outlive(ctx context.Context, while time.Duration) (context.Context, func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(while)
		defer t.Stop()
		select {
		case <-longer.Done():
		case <-t.C:
			cancel()
		}
	})
	return longer, func() { stop(); cancel() }
}

// Sync lets the owner make everything durable.
func (s *Store) Sync(ctx context.Context) error {
	if e := s.engine.Load(); e != nil {
		return e.Sync(ctx)
	}
	_, err := ask[none](ctx, s, syncAll, "sync", "", none{})
	return err
}

// Head asks the owner for the end of the feed.
func (s *Store) Head(ctx context.Context) (blockstore.Cursor, error) {
	if e := s.engine.Load(); e != nil {
		return e.Head(ctx)
	}
	return ask[blockstore.Cursor](ctx, s, head, "head", "", none{})
}

// Watch asks the owner for events, again and again.
func (s *Store) Watch(ctx context.Context, after blockstore.Cursor) iter.Seq2[blockstore.Event, error] {
	if e := s.engine.Load(); e != nil {
		return e.Watch(ctx, after)
	}
	return func(yield func(blockstore.Event, error) bool) {
		for after := after; ; {
			events, err := ask[[]blockstore.Event](ctx, s, watch, "watch", string(after), after)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(blockstore.Event{}, err)
				return
			}
			for _, e := range events {
				if ctx.Err() != nil || !yield(e, nil) {
					return
				}
				after = e.Cursor
			}
		}
	}
}

// Space asks the owner, who knows of the reserve.
func (s *Store) Space(ctx context.Context) (blockstore.Space, error) {
	if e := s.engine.Load(); e != nil {
		return e.Space(ctx)
	}
	return ask[blockstore.Space](ctx, s, space, "space", "", none{})
}
