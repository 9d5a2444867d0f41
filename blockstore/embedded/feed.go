package embedded

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// recentEvents is how many events are kept in memory for live watchers; a watcher
// that is further behind reads the database.
const recentEvents = 4096

// feed is what is known of the feed in memory. Its lock is taken under Store.mu.
type feed struct {
	mu sync.Mutex
	// head is the last commit that watchers may see. Events of commits after
	// floor are in recent, a ring whose oldest entry is at oldest.
	head   uint64
	floor  uint64
	recent []event
	oldest int
	// trimmed is the last commit that the database has forgotten.
	trimmed uint64
	// bytes is about what the feed takes in the database.
	bytes int64
	more  chan struct{} // closed when there is more to see; nil if nobody waits
}

type event struct {
	number  uint64
	session blockstore.ID
	seq     uint64
	origin  blockstore.ID
	keys    []string
}

// publish shows a commit to the watchers.
func (f *feed) publish(number uint64, c *blockstore.Change, size int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head = number
	f.bytes += int64(size)
	if len(c.Events) == 0 {
		return
	}
	f.push(event{number, c.Session, c.Seq, c.Origin, slices.Clone(c.Events)})
	f.wake()
}

func (f *feed) push(e event) {
	if len(f.recent) < recentEvents {
		f.recent = append(f.recent, e)
		return
	}
	f.floor = f.recent[f.oldest].number
	f.recent[f.oldest] = e
	f.oldest = (f.oldest + 1) % len(f.recent)
}

func (f *feed) wake() {
	if f.more != nil {
		close(f.more)
		f.more = nil
	}
}

// close wakes the watchers for the last time.
func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wake()
}

// since returns the recent events after a commit, or a channel to wait on if there
// are none; ok is false if older ones must be read from the database.
func (f *feed) since(number uint64) (events []event, more <-chan struct{}, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if number < f.floor {
		return nil, nil, false
	}
	n := len(f.recent)
	at := func(i int) event { return f.recent[(f.oldest+i)%n] }
	for i := sort.Search(n, func(i int) bool { return at(i).number > number }); i < n; i++ {
		events = append(events, at(i))
	}
	if len(events) > 0 {
		return events, nil, true
	}
	if f.more == nil {
		f.more = make(chan struct{})
	}
	return nil, f.more, true
}

func (f *feed) state() (head, trimmed uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.head, f.trimmed
}

// cursor is the store's id, so that it fits no other store, and a commit number.
func (s *Store) cursor(number uint64) blockstore.Cursor {
	return blockstore.Cursor(fmt.Sprintf("%s-%x", s.id, number))
}

func (s *Store) parseCursor(c blockstore.Cursor) (number uint64, ok bool) {
	id, hex, _ := strings.Cut(string(c), "-")
	number, err := strconv.ParseUint(hex, 16, 64)
	return number, err == nil && id == s.id.String()
}

// Head is the cursor after the newest commit.
func (s *Store) Head(ctx context.Context) (blockstore.Cursor, error) {
	if err := s.usable(ctx, "head", ""); err != nil {
		return "", err
	}
	head, _ := s.feed.state()
	return s.cursor(head), nil
}

// Watch yields the events after the cursor.
func (s *Store) Watch(ctx context.Context, after blockstore.Cursor) iter.Seq2[blockstore.Event, error] {
	return func(yield func(blockstore.Event, error) bool) {
		number, err := s.resume(after)
		for err == nil {
			var events []event
			var more <-chan struct{}
			events, number, more, err = s.next(number)
			for _, e := range events {
				if ctx.Err() != nil || !yield(s.public(e), nil) {
					return
				}
			}
			if more != nil {
				waitForMore(ctx, more)
			}
			if ctx.Err() != nil {
				return
			}
		}
		if ctx.Err() == nil {
			yield(blockstore.Event{}, err)
		}
	}
}

// gather is how long a watcher waits for more events to come with the first: one
// that woke up for each commit would take as long as the commits.
const gather = 2 * time.Millisecond

func waitForMore(ctx context.Context, more <-chan struct{}) {
	select {
	case <-ctx.Done():
		return
	case <-more:
	}
	t := time.NewTimer(gather)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (s *Store) public(e event) blockstore.Event {
	return blockstore.Event{Cursor: s.cursor(e.number), Session: e.session, Seq: e.seq, Origin: e.origin, Keys: e.keys}
}

// resume returns the commit that a cursor is after. A cursor is expired if the
// commits after it are trimmed, and also if its own is not there: then it comes
// from another store or from commits that a crash took back, and what the
// watcher saw of them is not true any more.
func (s *Store) resume(after blockstore.Cursor) (uint64, error) {
	if s.closed.Load() {
		return 0, blockstore.E("watch", "", blockstore.Closed, nil)
	}
	expired := blockstore.E("watch", string(after), blockstore.CursorExpired, nil)
	number, ok := s.parseCursor(after)
	head, trimmed := s.feed.state()
	switch {
	case !ok || number < trimmed || number > head:
		return 0, expired
	case number == trimmed || number == head:
		return number, nil
	}
	_, closer, err := s.db.Get(feedKey(number))
	if err == pebble.ErrNotFound {
		return 0, expired
	}
	if err != nil {
		return 0, fault("watch", string(after), err)
	}
	return number, closer.Close()
}

// next returns events after a commit and up to which commit they go, or else a
// channel to wait on.
func (s *Store) next(number uint64) ([]event, uint64, <-chan struct{}, error) {
	if s.closed.Load() {
		return nil, 0, nil, blockstore.E("watch", "", blockstore.Closed, nil)
	}
	events, more, ok := s.feed.since(number)
	if ok && len(events) > 0 {
		return events, events[len(events)-1].number, nil, nil
	}
	if ok {
		return nil, number, more, nil
	}
	events, last, err := s.stored(number)
	if _, trimmed := s.feed.state(); err == nil && trimmed > number {
		err = blockstore.E("watch", string(s.cursor(number)), blockstore.CursorExpired, nil)
	}
	return events, last, nil, err
}

// feedPage is how many commits a watcher that is behind reads at a time.
const feedPage = 1024

// stored reads events after a commit from the database, and returns up to which
// commit it read.
func (s *Store) stored(number uint64) ([]event, uint64, error) {
	head, _ := s.feed.state()
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: feedKey(number + 1), UpperBound: feedKey(head + 1)})
	if err != nil {
		return nil, 0, fault("watch", "", err)
	}
	var events []event
	last := head
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		at, r, err := readFeed(it)
		if err != nil {
			_ = it.Close()
			return nil, 0, err
		}
		if len(r.events) > 0 {
			events = append(events, event{at, r.session, r.seq, r.origin, r.events})
		}
		if n++; n == feedPage {
			last = at
			break
		}
	}
	if err := it.Close(); err != nil {
		return nil, 0, fault("watch", "", err)
	}
	return events, last, nil
}

// readFeed decodes the record that the iterator is at.
func readFeed(it *pebble.Iterator) (uint64, *feedRecord, error) {
	number, ok := parseFeedKey(it.Key())
	if !ok {
		return 0, nil, blockstore.E("read feed", fmt.Sprintf("%x", it.Key()), blockstore.Corrupt, nil)
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return 0, nil, fault("read feed", strconv.FormatUint(number, 10), err)
	}
	r, err := decodeFeedRecord(value, number)
	return number, r, err
}
