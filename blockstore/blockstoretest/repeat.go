package blockstoretest

import (
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
)

var repeatProperties = []property{
	{"Repeat", testRepeat},
	{"RepeatOfRefused", testRepeatOfRefused},
	{"RepeatLong", testRepeatLong},
	{"RepeatAtOnce", testRepeatAtOnce},
	{"Sessions", testSessions},
}

// onlyOnce is a change that shows it when it is done twice: its guard fails, or
// its sum is wrong.
func onlyOnce(h *harness, key string) *blockstore.Change {
	return h.name(&blockstore.Change{
		Guards: []blockstore.Guard{{Key: key}},
		Blocks: []blockstore.Block{{ID: small(blockstore.NewID(), 0), Data: []byte(key)}},
		Writes: []blockstore.Write{write(key, "v")},
		Adds:   []blockstore.Add{{Key: "total of " + key, Value: 1}},
		Events: []string{key},
	})
}

// wasOnce fails the test unless the change had its effect once, at v.
func wasOnce(h *harness, key string, v blockstore.Version) {
	h.Helper()
	h.holds(key, "v", v)
	h.holds("total of "+key, string(blockstore.Tally{1}.Encode()), v)
}

// again commits the change and wants the outcome that it had.
func again(h *harness, c *blockstore.Change, want blockstore.Version) {
	h.Helper()
	v, err := h.store.Commit(h.ctx, c, blockstore.Lazy)
	h.ok(err)
	if v != want {
		h.Fatalf("the repeat returned %v, the change %v", v, want)
	}
}

// A repeat gets the old answer, whatever has happened to the records since.
func testRepeat(h *harness) {
	c := onlyOnce(h, "k")
	v, err := h.store.Commit(h.ctx, c, blockstore.Lazy)
	h.ok(err)
	again(h, c, v)
	wasOnce(h, "k", v)
	h.reopen()
	again(h, c, v)
	wasOnce(h, "k", v)
	newer := h.put("k", "newer")
	again(h, c, v)
	h.holds("k", "newer", newer)
	h.delete("k")
	again(h, c, v)
	h.absent("k")

	d := *c
	h.name(&d)
	w, err := h.store.Commit(h.ctx, &d, blockstore.Sync)
	h.ok(err)
	if w == v {
		h.Fatalf("another change took version %v again", v)
	}
}

// A change that lost may be tried again, and then be done.
func testRepeatOfRefused(h *harness) {
	h.put("k", "in the way")
	c := onlyOnce(h, "k")
	for range 3 {
		_, err := h.store.Commit(h.ctx, c, blockstore.Lazy)
		h.kind(err, blockstore.Conflict)
	}
	h.delete("k")
	v, err := h.store.Commit(h.ctx, c, blockstore.Lazy)
	h.ok(err)
	again(h, c, v)
	wasOnce(h, "k", v)
}

// All of the last OutcomesKept changes of a session have their outcomes kept,
// also when other sessions commit far more.
func testRepeatLong(h *harness) {
	busy := blockstore.NewID()
	var changes []*blockstore.Change
	var versions []blockstore.Version
	for i := range blockstore.OutcomesKept {
		c := onlyOnce(h, fmt.Sprint("k", i))
		v, err := h.store.Commit(h.ctx, c, blockstore.Lazy)
		h.ok(err)
		changes, versions = append(changes, c), append(versions, v)
		for j := range uint64(2) {
			_, err := h.store.Commit(h.ctx, &blockstore.Change{
				Session: busy, Seq: uint64(2*i) + j + 1,
				Writes: []blockstore.Write{write("busy", "x")},
			}, blockstore.Lazy)
			h.ok(err)
		}
	}
	h.reopen()
	for i, c := range changes {
		again(h, c, versions[i])
		wasOnce(h, fmt.Sprint("k", i), versions[i])
	}
}

// A change that is sent many times at once is done once, and all hear the same.
func testRepeatAtOnce(h *harness) {
	for round := range 20 {
		key := fmt.Sprint("k", round)
		c := onlyOnce(h, key)
		versions := make([]blockstore.Version, 8)
		var g errgroup.Group
		for i := range versions {
			g.Go(func() (err error) {
				versions[i], err = h.store.Commit(h.ctx, c, blockstore.Durability(i%2))
				return err
			})
		}
		h.ok(g.Wait())
		for _, v := range versions {
			wasOnce(h, key, v)
		}
	}
}

// Equal numbers in different sessions are different changes.
func testSessions(h *harness) {
	for i := range 3 {
		for range 10 {
			_, err := h.store.Commit(h.ctx, &blockstore.Change{
				Session: blockstore.NewID(), Seq: uint64(i + 1),
				Adds: []blockstore.Add{{Key: "t", Value: 1}},
			}, blockstore.Lazy)
			h.ok(err)
		}
	}
	if n := h.tally("t").Field(0); n != 30 {
		h.Fatalf("%d changes were done, want 30", n)
	}
}
