package memstore

import (
	"context"
	"iter"
	"slices"
	"strconv"

	"github.com/cairnfs/cairn/blockstore"
)

// A cursor is the number of events that came before it, in decimal.

func cursorAt(n int) blockstore.Cursor { return blockstore.Cursor(strconv.Itoa(n)) }

// head is the number of events that ever were.
func (s *Store) head() int { return s.expired + len(s.events) }

// announce puts the events of a change on the feed. The caller holds mu.
func (s *Store) announce(c *blockstore.Change) {
	if len(c.Events) == 0 {
		return
	}
	s.events = append(s.events, blockstore.Event{
		Cursor:  cursorAt(s.head() + 1),
		Session: c.Session,
		Seq:     c.Seq,
		Origin:  c.Origin,
		Keys:    slices.Clone(c.Events),
	})
	if len(s.events) > s.opts.KeepEvents {
		s.events = s.events[1:]
		s.expired++
	}
	close(s.appended)
	s.appended = make(chan struct{})
}

// Head is the cursor after the newest event.
func (s *Store) Head(ctx context.Context) (blockstore.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx, "head", ""); err != nil {
		return "", err
	}
	return cursorAt(s.head()), nil
}

// Watch yields the events after the cursor.
func (s *Store) Watch(ctx context.Context, after blockstore.Cursor) iter.Seq2[blockstore.Event, error] {
	return func(yield func(blockstore.Event, error) bool) {
		for {
			events, more, err := s.next(after)
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
			if len(events) > 0 {
				continue
			}
			select {
			case <-ctx.Done():
				return
			case <-more:
			}
		}
	}
}

// next is what there is after the cursor, and a channel that is closed once
// there is more.
func (s *Store) next(after blockstore.Cursor) ([]blockstore.Event, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, blockstore.E("watch", "", blockstore.Closed, nil)
	}
	n, err := strconv.Atoi(string(after))
	if err != nil || n < s.expired || n > s.head() {
		return nil, nil, blockstore.E("watch", string(after), blockstore.CursorExpired, nil)
	}
	// Clipped: what announce appends later is not the watcher's.
	return slices.Clip(s.events[n-s.expired:]), s.appended, nil
}
