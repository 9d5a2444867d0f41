package namespace_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// Of many who put a key that must be free, one wins; and a mount that makes the
// file takes part in the race.
func TestPutIfAbsent(t *testing.T) {
	s := begin(t, memstore.New(), noHistory)
	taken := errors.New("taken")
	for round := range 20 {
		key := fmt.Sprintf("dir%d/key", round)
		must(t, s.Mkdir(fmt.Sprintf("dir%d", round), 0o755))
		dir, err := s.Door.Path(t.Context(), namespacetest.Bucket+fmt.Sprintf("/dir%d", round))
		must(t, err)
		won := make([]bool, 32)
		var wg sync.WaitGroup
		for i := range won {
			wg.Go(func() {
				if i%8 == 0 {
					_, err := s.Door.Make(t.Context(), dir.ID, "key", namespace.NewNode{Kind: namespace.File})
					won[i] = err == nil
					return
				}
				_, err := putKey(t, s.Direct, key, "x", namespace.PutKey{If: func(current *namespace.ObjectInfo) error {
					if current != nil {
						return taken
					}
					return nil
				}})
				if won[i] = err == nil; err != nil && err != taken {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(slices.DeleteFunc(won, func(w bool) bool { return !w })); n != 1 {
			t.Fatalf("%d have won", n)
		}
	}
}

// However S3 and a mount come together in the same directories, no directory
// is left that only a key implied and that has none.
func TestImpliedRaces(t *testing.T) {
	s := begin(t, memstore.New(), noHistory)
	other := s.NewDoor()
	var wg sync.WaitGroup
	for worker := range uint64(8) {
		rng := rand.New(rand.NewPCG(*firstSeed, worker))
		wg.Go(func() {
			var failed error
			for range 300 {
				key := []string{"d/a", "d/b", "d/e/a", "d/e/", "d/", "d", "d/e/f/g"}[rng.IntN(7)]
				switch rng.IntN(8) {
				case 0, 1, 2:
					_, err := s.Door.PutKey(t.Context(), s.Root, key, s.Door.NewContent(t.Context()), namespace.PutKey{})
					failed = errors.Join(failed, err)
				case 3, 4, 5:
					_, err := s.Door.DeleteKey(t.Context(), s.Root, key, "", nil)
					failed = errors.Join(failed, err)
				case 6: // any of these may fail, for the others do what they do
					_ = errors.Join(other.Unlink(key), other.Rmdir(strings.TrimSuffix(key, "/")))
				case 7:
					_ = errors.Join(other.Mkdir("d", 0o755), other.Mkdir("d/e", 0o755), try(other, key, nil))
				}
			}
			if failed != nil {
				t.Error(failed)
			}
		})
	}
	wg.Wait()
	must(t, s.Check())
	for e, err := range s.Volume.ListKeys(t.Context(), s.Root, namespace.ListKeys{}) {
		must(t, err)
		_, err := s.Door.DeleteKey(t.Context(), s.Root, e.Key, "", nil)
		must(t, err)
	}
	if _, err := s.Lstat("d"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("a directory without a key is left: %v", err)
	}
}
