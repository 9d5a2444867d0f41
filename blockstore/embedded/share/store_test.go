package share

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/blockstoretest"
	"github.com/cairnfs/cairn/blockstore/embedded"
)

// served is a store that is served until it is closed.
type served struct {
	*Store
	t     testing.TB
	place place
	stop  func() error
	// companion is closed after it.
	companion *served
}

// place is where processes meet.
type place struct{ dir, runtime string }

// newPlace is a place that is gone when the test ends. Sockets need short names.
func newPlace(t testing.TB) place {
	t.Helper()
	runtime, err := os.MkdirTemp("", "share")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(runtime); err != nil { // it is empty
			t.Error(err)
		}
	})
	return place{t.TempDir(), runtime}
}

func (p place) options(log *slog.Logger) Options {
	return Options{Engine: embedded.Options{Create: true, Logger: log}, Runtime: p.runtime}
}

func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// open opens and serves a store.
func (p place) open(t testing.TB) *served {
	t.Helper()
	s, err := Open(t.Context(), p.dir, p.options(testLog(t)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	return &served{Store: s, t: t, place: p, stop: func() error { cancel(); return <-ended }}
}

// Close ends the service too.
func (s *served) Close() error {
	err := s.stop()
	if closed := s.Store.Close(); err == nil {
		err = closed
	}
	if s.companion != nil {
		if other := s.companion.Close(); err == nil {
			err = other
		}
	}
	return err
}

// isOwner says whether the store is the owner's.
func (s *served) isOwner() bool { return s.engine.Load() != nil }

func TestConformance(t *testing.T) {
	t.Run("owner", func(t *testing.T) {
		conformance(t, func(t testing.TB, p place) *served { return p.open(t) })
	})
	t.Run("guest", func(t *testing.T) {
		conformance(t, func(t testing.TB, p place) *served {
			owner := p.open(t)
			s := p.open(t)
			if s.isOwner() || !owner.isOwner() {
				t.Fatal("the second is not a guest of the first")
			}
			s.companion = owner
			return s
		})
	})
}

func conformance(t *testing.T, open func(testing.TB, place) *served) {
	blockstoretest.Suite{
		Open: func(t *testing.T) blockstore.Store { return open(t, newPlace(t)) },
		Reopen: func(t *testing.T, s blockstore.Store) blockstore.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, s.(*served).place)
		},
	}.Run(t)
}
