package embedded

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/blockstoretest"
)

// testLog shows errors of the engine in the test's output.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// openServed opens a store and serves it until the test ends.
func openServed(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	o.Create = true
	if o.Logger == nil {
		o.Logger = testLog(t)
	}
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	stopServing(t, s)
	return s
}

// stopServing serves the store, and registers the end of that with the test.
func stopServing(t testing.TB, s *Store) {
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
}

// forgetful trims its feed now and then while it commits, as Serve does.
type forgetful struct{ *Store }

func (f forgetful) Commit(ctx context.Context, c *blockstore.Change, d blockstore.Durability) (blockstore.Version, error) {
	v, err := f.Store.Commit(ctx, c, d)
	if err == nil && c.Seq%100 == 0 {
		err = f.trimFeed(time.Now())
	}
	return v, err
}

func TestConformance(t *testing.T) {
	t.Run("usual", func(t *testing.T) { conformance(t, Options{}) })
	// Nothing stays in the cache, so that every read is one of the database.
	t.Run("uncached", func(t *testing.T) { conformance(t, Options{RecordCache: 1}) })
}

func conformance(t *testing.T, o Options) {
	open := func(t *testing.T, o Options) *Store {
		o.Create, o.Logger = true, testLog(t)
		s, err := Open(t.TempDir(), o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	trimming := o
	trimming.FeedBytes = 10 << 10
	blockstoretest.Suite{
		Open: func(t *testing.T) blockstore.Store { return open(t, o) },
		Reopen: func(t *testing.T, s blockstore.Store) blockstore.Store {
			old := s.(*Store)
			if err := old.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := Open(old.dir, old.opts)
			if err != nil {
				t.Fatal(err)
			}
			return again
		},
		OpenForgetful: func(t *testing.T) blockstore.Store { return forgetful{open(t, trimming)} },
	}.Run(t)
}
