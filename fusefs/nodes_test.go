package fusefs

import (
	"math/rand/v2"
	"testing"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// TestNodesAgainstModel enters and forgets at random: a node is known under the
// same number exactly as long as something is left to forget, and a number that is
// used again has another generation.
func TestNodesAgainstModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	table := newNodes(namespace.RootID)
	type use struct{ num, gen, lookups uint64 }
	model := make(map[namespace.NodeID]*use)
	seen := make(map[[2]uint64]namespace.NodeID)
	for range 20_000 {
		id := namespace.NodeID{14: 1, 15: byte(rnd.IntN(40))}
		u := model[id]
		if rnd.IntN(2) == 0 {
			n := table.enter(&namespace.Attr{ID: id, Mode: 0o644}, rootNum, "x")
			if u == nil {
				u = &use{num: n.num, gen: n.gen}
				model[id] = u
				if other, ok := seen[[2]uint64{n.num, n.gen}]; ok {
					t.Fatalf("%v got number and generation of %v", id, other)
				}
				seen[[2]uint64{n.num, n.gen}] = id
			}
			u.lookups++
			if n.num != u.num || n.gen != u.gen {
				t.Fatalf("%v changed its number while known", id)
			}
		} else if u != nil {
			count := 1 + rnd.Uint64N(u.lookups)
			table.forget(u.num, count)
			if u.lookups -= count; u.lookups == 0 {
				delete(model, id)
			}
		}
	}
	for id, u := range model {
		if n, err := table.get(u.num); err != nil || n.id != id || table.find(id) != n {
			t.Errorf("get(%d) = %v, %v; want %v", u.num, n, err, id)
		}
	}
	if got := len(table.byID); got != len(model)+1 {
		t.Errorf("%d nodes in the table, want %d", got, len(model)+1)
	}
}

func TestRootIsNeverForgotten(t *testing.T) {
	table := newNodes(namespace.RootID)
	table.forget(rootNum, 99)
	if n, err := table.get(rootNum); err != nil || n.id != namespace.RootID {
		t.Errorf("get(root) = %v, %v", n, err)
	}
	if _, err := table.get(2); err == nil {
		t.Error("get of an unused number succeeded")
	}
}
