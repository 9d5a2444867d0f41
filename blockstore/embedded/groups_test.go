package embedded

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
)

// TestAbsentRecords races readers with writers in directories of all sizes, with so
// little memory for records that every read asks what is known of the directory:
// a record that was committed is found, and one that was removed is not.
func TestAbsentRecords(t *testing.T) {
	var s *Store
	dir := t.TempDir()
	t.Cleanup(func() { // after it was served
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s = openServed(t, dir, Options{RecordCache: 1})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			r := &renamer{t: t, s: s, random: rand.New(rand.NewPCG(1, uint64(i)))}
			r.w = blockstore.NewWriter(s, blockstore.NewID())
			r.run(i)
		})
	}
	all.Wait()
}

// renamer owns some of the names in directories that all renamers share.
type renamer struct {
	t      *testing.T
	s      *Store
	w      *blockstore.Writer
	random *rand.Rand
}

func (r *renamer) run(me int) {
	model := make(map[string]bool)
	for step := range 4000 {
		dir, names := step/10-r.random.IntN(3), 8 // new ones begin all the time
		if r.random.IntN(4) == 0 {
			dir, names = 0, 2000 // more than are read into memory
		}
		key := fmt.Sprintf("e%016d%d-%d", dir, r.random.IntN(names), me)
		if r.random.IntN(3) > 0 {
			r.check(key, model[key])
			continue
		}
		model[key] = !model[key]
		r.set(key, model[key])
		r.check(key, model[key])
	}
	for key, there := range model {
		r.check(key, there)
	}
}

func (r *renamer) check(key string, there bool) {
	_, v, err := r.s.Get(r.t.Context(), key)
	if err != nil || v.IsZero() == there {
		r.t.Errorf("record %q: version %v, error %v; want there: %t", key, v, err, there)
	}
}

func (r *renamer) set(key string, there bool) {
	_, err := r.w.Update(r.t.Context(), blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
		if there {
			tx.Put(key, []byte("x"))
		} else {
			tx.Delete(key)
		}
		return nil
	})
	if err != nil {
		r.t.Error(err)
	}
}

// TestWrittenWhileRead is the race that the other test meets too seldom: a commit that
// the reading of its directory did not see.
func TestWrittenWhileRead(t *testing.T) {
	const dir = "e0123456789abcdef"
	g := newGroups()
	var x *group
	for x == nil {
		x = g.missed(dir + "new")
	}
	g.wrote([]recordWrite{{dir + "new", []byte("x")}, {dir + "gone", nil}})
	g.read(x, []string{dir + "old"}, true)
	for name, lacks := range map[string]bool{"new": false, "old": false, "gone": true} {
		if g.lacks(dir+name) != lacks {
			t.Errorf("lacks %s: %t", name, !lacks)
		}
	}
}
