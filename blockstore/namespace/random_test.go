package namespace_test

import (
	"errors"
	"flag"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/embedded"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

var (
	seeds     = flag.Uint64("seeds", 2, "how many random scripts")
	firstSeed = flag.Uint64("first-seed", 0, "the seed of the first random script")
	steps     = flag.Int("steps", 10_000, "steps of a random script")
)

// TestRandom does random things and compares all that can be seen with the
// model.
func TestRandom(t *testing.T) {
	t.Run("memstore", func(t *testing.T) { random(t, memstores) })
	t.Run("embedded", func(t *testing.T) {
		random(t, func() namespacetest.Opener { return embeddeds(t.TempDir()) })
	})
}

// TestRandomDoors does the same through several doors in turn: what one door
// committed, all must see.
func TestRandomDoors(t *testing.T) {
	random(t, func() namespacetest.Opener {
		store := memstore.New()
		return func() (namespacetest.FS, func() error, error) {
			s, err := namespacetest.Begin(store, namespace.DefaultSettings(), namespace.Options{Exclusive: true})
			if err != nil {
				return nil, nil, err
			}
			doors := []namespacetest.FS{s, s.NewDoor(), s.NewDoor()}
			turn := 0
			next := func() (namespacetest.FS, error) {
				turn++
				var errs []error
				for _, d := range doors {
					errs = append(errs, d.Sync()) // what a door did not commit, others need not see
				}
				return doors[turn%len(doors)], errors.Join(errs...)
			}
			return namespacetest.Turns{FS: s, Next: next}, s.End, nil
		}
	})
}

func random(t *testing.T, fresh func() namespacetest.Opener) {
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		namespacetest.Run(t, seed, *steps, fresh)
	}
}

// memstores opens sessions on one store in memory.
func memstores() namespacetest.Opener {
	store := memstore.New()
	return func() (namespacetest.FS, func() error, error) { return session(store) }
}

// embeddeds opens sessions on the store in a directory, which is opened and
// closed with them.
func embeddeds(dir string) namespacetest.Opener {
	return func() (namespacetest.FS, func() error, error) {
		store, end, err := serve(dir, embedded.Options{Create: true})
		if err != nil {
			return nil, nil, err
		}
		fs, endSession, err := session(store)
		if err != nil {
			return nil, nil, errors.Join(err, end())
		}
		return fs, func() error { return errors.Join(endSession(), end()) }, nil
	}
}

func session(store blockstore.Store) (namespacetest.FS, func() error, error) {
	s, err := namespacetest.Begin(store, namespace.DefaultSettings(), namespace.Options{Exclusive: true})
	if err != nil {
		return nil, nil, err
	}
	return s, s.End, nil
}
