package blockstoretest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
)

var feedProperties = []property{
	{"FeedEvent", testFeedEvent},
	{"FeedResume", testFeedResume},
	{"FeedUnderLoad", testFeedUnderLoad},
	{"FeedEnds", testFeedEnds},
	{"FeedNonsense", testFeedNonsense},
}

var forgetfulProperties = []property{
	{"FeedTooOld", testFeedTooOld},
	{"FeedOvertaken", testFeedOvertaken},
}

// patience is how long an event may be missing before the test fails.
const patience = 30 * time.Second

// changeName names a change for ever.
type changeName struct {
	session blockstore.ID
	seq     uint64
}

func nameOf(e blockstore.Event) changeName { return changeName{e.Session, e.Seq} }

// collect returns the first n events after the cursor, without repetitions.
// see is called for each.
func collect(ctx context.Context, s blockstore.Store, from blockstore.Cursor, n int, see func(blockstore.Event) error) ([]blockstore.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var events []blockstore.Event
	seen := make(map[changeName]bool)
	if n == 0 {
		return nil, nil
	}
	for e, err := range s.Watch(ctx, from) {
		if err == nil {
			err = see(e)
		}
		if err != nil {
			return events, err
		}
		if seen[nameOf(e)] {
			continue
		}
		seen[nameOf(e)] = true
		if events = append(events, e); len(events) == n {
			return events, nil
		}
	}
	return events, fmt.Errorf("%d of %d events came", len(events), n)
}

// watch is collect in the test's own goroutine.
func (h *harness) watch(from blockstore.Cursor, n int) []blockstore.Event {
	h.Helper()
	events, err := collect(h.ctx, h.store, from, n, func(blockstore.Event) error { return nil })
	h.ok(err)
	return events
}

// announce commits a change with events at the keys.
func (h *harness) announce(keys ...string) {
	h.Helper()
	h.commit(blockstore.Change{Writes: []blockstore.Write{write("announced", "")}, Events: keys})
}

// An event says what the change said; a change without events has none.
func testFeedEvent(h *harness) {
	from, origin := h.head(), blockstore.NewID()
	h.put("quiet", "")
	h.commit(blockstore.Change{Events: []string{"only", "events"}, Origin: origin})
	h.put("quiet", "")
	h.commit(blockstore.Change{
		Writes: []blockstore.Write{write("k", "v")},
		Events: []string{"\x00\xff", "k", "not written"},
		Origin: origin,
	})
	events := h.watch(from, 2)
	for i, keys := range [][]string{{"only", "events"}, {"\x00\xff", "k", "not written"}} {
		e := events[i]
		if e.Session != h.session || e.Seq != uint64(2*i+2) || e.Origin != origin || !slices.Equal(e.Keys, keys) {
			h.Errorf("event %d is %+v, want change %d of %v from %v about %q", i, e, 2*i+2, h.session, origin, keys)
		}
	}
}

// Every cursor, from Head or from an event, goes on with what came after it.
func testFeedResume(h *harness) {
	const n = 40
	var heads []blockstore.Cursor
	for i := range n {
		heads = append(heads, h.head())
		h.announce("k", fmt.Sprint(i))
	}
	all := h.watch(heads[0], n)
	h.reopen()
	for i := range n {
		for _, from := range []blockstore.Cursor{heads[i], all[i].Cursor} {
			rest := all[i:]
			if from == all[i].Cursor {
				rest = all[i+1:]
			}
			events := withoutOlder(h.watchAll(from, rest), rest)
			for j := range rest {
				if nameOf(events[j]) != nameOf(rest[j]) {
					h.Fatalf("event %d from %d on is change %d, want %d", j, i, events[j].Seq, rest[j].Seq)
				}
			}
		}
	}
	last := h.head()
	h.announce("k")
	if e := h.watch(last, 1)[0]; e.Seq != h.seq {
		h.Fatalf("event after the head is of change %d, want %d", e.Seq, h.seq)
	}
}

// watchAll watches until all the wanted events have come.
func (h *harness) watchAll(from blockstore.Cursor, want []blockstore.Event) []blockstore.Event {
	h.Helper()
	missing := make(map[changeName]bool)
	for _, e := range want {
		missing[nameOf(e)] = true
	}
	ctx, cancel := context.WithTimeout(h.ctx, patience)
	defer cancel()
	var events []blockstore.Event
	if len(missing) == 0 {
		return nil
	}
	for e, err := range h.store.Watch(ctx, from) {
		h.ok(err)
		events = append(events, e)
		if delete(missing, nameOf(e)); len(missing) == 0 {
			return events
		}
	}
	h.Fatalf("%d of %d events are missing after %q", len(missing), len(want), from)
	return nil
}

// withoutOlder leaves out repetitions, and events that are not among the wanted.
func withoutOlder(events, want []blockstore.Event) []blockstore.Event {
	left := make(map[changeName]bool)
	for _, e := range want {
		left[nameOf(e)] = true
	}
	return slices.DeleteFunc(events, func(e blockstore.Event) bool {
		wanted := left[nameOf(e)]
		delete(left, nameOf(e))
		return !wanted
	})
}

// counting is several writers that count in shared keys, and say so on the feed.
type counting struct {
	mu    sync.Mutex
	tried map[changeName]count // before the commit, for watchers that are quick
}

type count struct {
	key string
	n   int
}

// run counts up n times, over the keys k0 to k2.
func (c *counting) run(h *harness, session blockstore.ID, n int) error {
	seq := uint64(0)
	for done := 0; done < n; {
		seq++
		next := count{key: fmt.Sprint("k", (seq*7+uint64(done))%3)}
		value, v, err := h.store.Get(h.ctx, next.key)
		if err != nil {
			return err
		}
		old, _ := strconv.Atoi(string(value))
		next.n = old + 1
		c.mu.Lock()
		c.tried[changeName{session, seq}] = next
		c.mu.Unlock()
		_, err = h.store.Commit(h.ctx, &blockstore.Change{
			Session: session, Seq: seq,
			Guards: []blockstore.Guard{{Key: next.key, Version: v}},
			Writes: []blockstore.Write{write(next.key, strconv.Itoa(next.n))},
			Events: []string{next.key},
		}, blockstore.Lazy)
		if err == nil {
			done++
		} else if blockstore.KindOf(err) != blockstore.Conflict {
			return err
		}
	}
	return nil
}

// see holds an event to what can be read: it never comes before its change.
func (c *counting) see(h *harness, e blockstore.Event) error {
	c.mu.Lock()
	want, tried := c.tried[nameOf(e)]
	c.mu.Unlock()
	if !tried || !slices.Equal(e.Keys, []string{want.key}) {
		return fmt.Errorf("event %+v of no change", e)
	}
	value, _, err := h.store.Get(h.ctx, want.key)
	if n, _ := strconv.Atoi(string(value)); err == nil && n < want.n {
		return fmt.Errorf("event of %s = %d came while it was %d", want.key, want.n, n)
	}
	return err
}

// inOrder says whether the events of each key came in the order of its changes.
func (c *counting) inOrder(events []blockstore.Event) error {
	last := map[string]int{}
	for _, e := range events {
		got := c.tried[nameOf(e)]
		if got.n != last[got.key]+1 {
			return fmt.Errorf("event of %s = %d came after %d", got.key, got.n, last[got.key])
		}
		last[got.key] = got.n
	}
	return nil
}

// All watchers see all events of all writers, each key's in order, and none
// before its change can be read.
func testFeedUnderLoad(h *harness) {
	const writers, watchers, n = 4, 4, 50
	c := counting{tried: make(map[changeName]count)}
	from := h.head()
	var g errgroup.Group
	seen := make([][]blockstore.Event, watchers)
	watch := func(i int) {
		g.Go(func() (err error) {
			seen[i], err = collect(h.ctx, h.store, from, writers*n, func(e blockstore.Event) error { return c.see(h, e) })
			return err
		})
	}
	for i := range watchers {
		watch(i)
	}
	for range writers {
		g.Go(func() error { return c.run(h, blockstore.NewID(), n) })
	}
	h.ok(g.Wait())
	for i := range watchers {
		h.ok(c.inOrder(seen[i]))
	}
	watch(0) // once more, when all is quiet
	h.ok(g.Wait())
	h.ok(c.inOrder(seen[0]))
}

// A watcher whose context is done, or who leaves, ends without an error.
func testFeedEnds(h *harness) {
	from := h.head()
	h.announce("k")
	var g errgroup.Group
	for i := range 4 {
		ctx, cancel := context.WithCancel(h.ctx)
		defer cancel()
		first := make(chan struct{})
		begun := sync.OnceFunc(func() { close(first) })
		g.Go(func() error {
			defer begun()
			for e, err := range h.store.Watch(ctx, from) {
				if err != nil {
					return fmt.Errorf("watcher %d: %w", i, err)
				}
				if i == 0 || e.Seq > 1 {
					break
				}
				begun()
			}
			return nil
		})
		if i > 0 {
			<-first
			cancel()
		}
	}
	h.ok(g.Wait())
	ctx, cancel := context.WithCancel(h.ctx)
	cancel()
	for _, err := range h.store.Watch(ctx, from) {
		h.ok(err)
	}
	h.announce("k")
	h.watch(from, 2)
}

// A cursor that the feed can't place is an expired one.
func testFeedNonsense(h *harness) {
	h.announce("k")
	for _, cursor := range []blockstore.Cursor{"", "nonsense", "\xff\x00/ \n", "-1"} {
		checkExpired(h, cursor)
	}
	h.announce("k")
}

// checkExpired wants CursorExpired, once and at once.
func checkExpired(h *harness, cursor blockstore.Cursor) {
	h.Helper()
	ctx, cancel := context.WithTimeout(h.ctx, patience)
	defer cancel()
	var errs []error
	for _, err := range h.store.Watch(ctx, cursor) {
		errs = append(errs, err)
		if err == nil {
			break
		}
	}
	if len(errs) != 1 {
		h.Fatalf("cursor %q: %v, want one error", cursor, errs)
	}
	h.kind(errs[0], blockstore.CursorExpired)
}

func testFeedTooOld(h *harness) {
	old := h.head()
	for range 1000 {
		h.announce("k")
	}
	checkExpired(h, old)
	from := h.head()
	h.announce("k")
	if e := h.watch(from, 1)[0]; e.Seq != h.seq {
		h.Fatalf("event of change %d, want %d", e.Seq, h.seq)
	}
}

// A watcher that falls too far behind is told so; it never misses an event
// without knowing.
func testFeedOvertaken(h *harness) {
	from := h.head()
	h.announce("k")
	ctx, cancel := context.WithTimeout(h.ctx, patience)
	defer cancel()
	last := uint64(0)
	var err error
	for e, werr := range h.store.Watch(ctx, from) {
		if err = werr; err != nil {
			break
		}
		if e.Seq > last+1 {
			h.Fatalf("event of change %d came after %d", e.Seq, last)
		}
		last = max(last, e.Seq)
		for h.seq < 1100 {
			h.announce("k")
		}
		if last == h.seq {
			return // it kept up
		}
	}
	h.kind(err, blockstore.CursorExpired)
}
