package embedded

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cairnfs/cairn/blockstore"
)

func FuzzFeedRecord(f *testing.F) {
	r := feedRecord{
		at: time.Unix(1, 0), session: blockstore.NewID(), seq: 7, origin: blockstore.NewID(), synced: 90,
		events: []string{"a", ""},
		needs:  []need{{blockstore.NewID(), []blockRange{{0, 3}, {7, 8}}}},
	}
	f.Add(r.encode(nil, 100))
	f.Add([]byte{feedRecordFormat})
	f.Fuzz(func(t *testing.T, b []byte) {
		const number = 100
		r, err := decodeFeedRecord(b, number)
		if err != nil {
			return
		}
		again, err := decodeFeedRecord(r.encode(nil, number), number)
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Fatalf("%+v became %+v, %v", r, again, err)
		}
	})
}

// TestCursorsAfterCrash holds cursors against a store that lost its last commits:
// a cursor after one of those expires, one before them goes on.
func TestCursorsAfterCrash(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s, err := Open("/store", Options{Create: true, FS: mem})
	if err != nil {
		t.Fatal(err)
	}
	session := blockstore.NewID()
	commit := func(s *Store, seq uint64, d blockstore.Durability) blockstore.Cursor {
		c := put(session, seq, "key", []byte{byte(seq)})
		c.Events = []string{"key"}
		if _, err := s.Commit(t.Context(), c, d); err != nil {
			t.Fatal(err)
		}
		head, err := s.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return head
	}
	first := commit(s, 1, blockstore.Sync)
	second := commit(s, 2, blockstore.Sync)
	lost := commit(s, 3, blockstore.Lazy)
	crashed := mem.CrashClone(vfs.CrashCloneCfg{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	if s, err = Open("/store", Options{FS: crashed}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, again := range []bool{false, true} {
		if again {
			commit(s, 4, blockstore.Lazy)
		}
		if e, err := nextEvent(t, s, first); err != nil || e.Seq != 2 {
			t.Fatalf("after the first event: %+v, %v", e, err)
		}
		if _, err := nextEvent(t, s, lost); !errors.Is(err, blockstore.CursorExpired) {
			t.Fatalf("after the lost event: %v", err)
		}
	}
	if e, err := nextEvent(t, s, second); err != nil || e.Seq != 4 {
		t.Fatalf("after the second event: %+v, %v", e, err)
	}
}

func nextEvent(t *testing.T, s *Store, after blockstore.Cursor) (blockstore.Event, error) {
	t.Helper()
	for e, err := range s.Watch(t.Context(), after) {
		return e, err
	}
	t.Fatal("watch ended")
	return blockstore.Event{}, nil
}

// TestTrimByAge trims what is too old, and keeps the head of the feed usable.
func TestTrimByAge(t *testing.T) {
	s, err := Open("/store", Options{Create: true, FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	session := blockstore.NewID()
	start, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(10) {
		c := put(session, seq+1, "key", []byte{byte(seq)})
		c.Events = []string{"key"}
		if _, err := s.Commit(t.Context(), c, blockstore.Lazy); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.trimFeed(time.Now().Add(s.opts.FeedAge / 2)); err != nil {
		t.Fatal(err)
	}
	if e, err := nextEvent(t, s, start); err != nil || e.Seq != 1 {
		t.Fatalf("%+v, %v", e, err)
	}
	if err := s.trimFeed(time.Now().Add(2 * s.opts.FeedAge)); err != nil {
		t.Fatal(err)
	}
	if _, err := nextEvent(t, s, start); !errors.Is(err, blockstore.CursorExpired) {
		t.Fatalf("after the trim: %v", err)
	}
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := put(session, 11, "key", nil)
	c.Events = []string{"key"}
	if _, err := s.Commit(t.Context(), c, blockstore.Lazy); err != nil {
		t.Fatal(err)
	}
	if e, err := nextEvent(t, s, head); err != nil || e.Seq != 11 {
		t.Fatalf("%+v, %v", e, err)
	}
}
