package namespace_test

import (
	"fmt"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// TestConcurrent does random things through several doors at once. Each may
// fail, but only as things fail in a file system; the end must be sound, and
// what is left can be removed.
func TestConcurrent(t *testing.T) {
	store := memstore.New()
	s := begin(t, store, noHistory)
	var wg sync.WaitGroup
	for i := range uint64(4) {
		door := s.Direct
		if i%2 == 0 {
			door = s.NewDoor()
		}
		wg.Go(func() {
			p := namespacetest.NewPlayer(door)
			for n, step := range namespacetest.Script(*firstSeed+i, *steps/4) {
				if step.Op == "reopen" {
					continue
				}
				if err := p.Try(step); err != nil && !isErrno(err) {
					t.Errorf("worker %d, step %d: %v: %v", i, n, step, err)
					return
				}
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	must(t, namespacetest.Clear(s, "."))
	empty(t, store, s)
}

func isErrno(err error) bool {
	_, ok := err.(syscall.Errno)
	return ok
}

// TestConcurrentRenames moves directories into each other: none may end up
// below itself, out of everybody's reach.
func TestConcurrentRenames(t *testing.T) {
	s := begin(t, memstore.New(), noHistory)
	names := []string{"a", "b", "c"}
	for round := range 200 {
		var wg sync.WaitGroup
		for _, name := range names {
			must(t, s.Mkdir(name, 0755))
		}
		for i, name := range names {
			wg.Go(func() {
				into := fmt.Sprintf("%s/%s", names[(i+1)%len(names)], name)
				switch err := s.Rename(name, into); err {
				case nil, unix.EINVAL, unix.ENOENT:
				default:
					t.Errorf("rename %s %s: %v", name, into, err)
				}
			})
		}
		wg.Wait()
		if err := s.Check(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		must(t, namespacetest.Clear(s, "."))
	}
}
