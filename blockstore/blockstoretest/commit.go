package blockstoretest

import (
	"github.com/cairnfs/cairn/blockstore"
)

var commitProperties = []property{
	{"GuardVersion", testGuardVersion},
	{"GuardEmpty", testGuardEmpty},
	{"GuardsOfOneChange", testGuardsOfOneChange},
	{"CommitAtomic", testCommitAtomic},
	{"CommitSmallBlocks", testCommitSmallBlocks},
	{"CommitNeeds", testCommitNeeds},
	{"CommitOnlyGuards", testCommitOnlyGuards},
	{"AddOperations", testAddOperations},
	{"AddVersions", testAddVersions},
	{"SyncAll", testSyncAll},
}

// guarded is a change that puts "x", under the guards.
func guarded(guards ...blockstore.Guard) blockstore.Change {
	return blockstore.Change{Guards: guards, Writes: []blockstore.Write{write("x", "put")}}
}

func testGuardVersion(h *harness) {
	absent := blockstore.Version{}
	h.commit(guarded(blockstore.Guard{Key: "k", Version: absent}))
	first := h.put("k", "1")
	h.refuse(guarded(blockstore.Guard{Key: "k", Version: absent}), blockstore.Conflict)
	h.commit(guarded(blockstore.Guard{Key: "k", Version: first}))
	h.commit(guarded(blockstore.Guard{Key: "k", Version: first}))
	second := h.put("k", "1")
	h.refuse(guarded(blockstore.Guard{Key: "k", Version: first}), blockstore.Conflict)
	h.commit(guarded(blockstore.Guard{Key: "k", Version: second}))
	h.delete("k")
	h.refuse(guarded(blockstore.Guard{Key: "k", Version: second}), blockstore.Conflict)
	h.commit(guarded(blockstore.Guard{Key: "k", Version: absent}))
	h.put("k", "1")
	h.refuse(guarded(blockstore.Guard{Key: "k", Version: second}), blockstore.Conflict)

	other := h.put("other", "")
	h.refuse(guarded(blockstore.Guard{Key: "k", Version: other}), blockstore.Conflict)
}

func testGuardEmpty(h *harness) {
	empty := func(prefix string) blockstore.Change {
		return guarded(blockstore.Guard{Key: prefix, Empty: true, Version: blockstore.Version{N: 77}})
	}
	h.commit(empty(""))
	h.refuse(empty(""), blockstore.Conflict) // "x" is there now
	h.put("dir", "")
	h.put("dir\xff/a", "")
	h.put("dir0", "")
	h.commit(empty("dir/"))
	for _, key := range []string{"dir/", "dir/\x00", "dir/\xff\xff", "dir/a/b"} {
		h.put(key, "")
		h.refuse(empty("dir/"), blockstore.Conflict)
		h.delete(key)
		h.commit(empty("dir/"))
	}
	h.put("dir/b", "")
	h.put("dir/c", "")
	leaving := empty("dir/")
	leaving.Writes = append(leaving.Writes, blockstore.Write{Key: "dir/b"}, blockstore.Write{Key: "dir/z", Value: []byte{}})
	h.refuse(leaving, blockstore.Conflict)
	leaving.Writes = append(leaving.Writes, blockstore.Write{Key: "dir/c", Value: []byte{}})
	h.refuse(leaving, blockstore.Conflict) // it is written, not deleted
	leaving.Writes[len(leaving.Writes)-1].Value = nil
	h.commit(leaving)
	h.delete("dir/z")
	h.put("\xff\xff\xff", "")
	h.refuse(empty("\xff\xff"), blockstore.Conflict)
	h.commit(empty("\xff\xff\xff\x00"))
}

// Guards speak of the records as they were before the change.
func testGuardsOfOneChange(h *harness) {
	c := guarded(blockstore.Guard{Key: "x"}, blockstore.Guard{Key: "x", Empty: true}, blockstore.Guard{Key: "x"})
	v := h.commit(c)
	h.refuse(c, blockstore.Conflict)
	h.commit(blockstore.Change{
		Guards: []blockstore.Guard{{Key: "x", Version: v}},
		Writes: []blockstore.Write{{Key: "x"}},
	})
	h.commit(c)
}

// A refused change leaves nothing behind, a successful one all of it, under
// one version.
func testCommitAtomic(h *harness) {
	kept, gone := h.put("kept", "old"), h.put("gone", "old")
	block := blockstore.Block{ID: small(blockstore.NewID(), 0), Data: []byte("small")}
	c := blockstore.Change{
		Guards: []blockstore.Guard{{Key: "kept", Version: kept}, {Key: "gone", Version: kept}},
		Blocks: []blockstore.Block{block},
		Writes: []blockstore.Write{write("kept", "new"), {Key: "gone"}, write("made", "new"), {Key: "never was"}},
		Adds:   []blockstore.Add{{Key: "tally", Value: 5}, {Key: "tally", Field: 3, Value: 1}},
		Events: []string{"kept"},
	}
	from := h.head()
	h.refuse(c, blockstore.Conflict)
	h.holds("kept", "old", kept)
	h.holds("gone", "old", gone)
	h.absent("made")
	h.absent("tally")
	h.noBlock(block.ID)

	c.Guards[1].Version = gone
	v := h.commit(c)
	h.holds("kept", "new", v)
	h.absent("gone")
	h.holds("made", "new", v)
	h.holds("tally", string(blockstore.Tally{5, 0, 0, 1}.Encode()), v)
	h.hasBlock(block.ID, block.Data)
	// The first event is of the change that was done: there was no other.
	if e := h.watch(from, 1)[0]; e.Seq != h.seq || e.Session != h.session {
		h.Fatalf("event of change %d, want %d", e.Seq, h.seq)
	}
}

func testCommitSmallBlocks(h *harness) {
	seg := blockstore.NewID()
	c := blockstore.Change{Writes: []blockstore.Write{write("k", "v")}}
	for i, n := range []int{1, 100, blockstore.MaxSmall} {
		id := small(seg, uint32(i))
		c.Blocks = append(c.Blocks, blockstore.Block{ID: id, Data: content(id, n)})
	}
	h.putBlock(large(seg, 0), content(large(seg, 0), 100_000))
	h.commit(c)
	for _, b := range c.Blocks {
		h.hasBlock(b.ID, content(b.ID, len(b.Data)))
		scribble(b.Data)
	}
	for _, b := range c.Blocks {
		h.hasBlock(b.ID, content(b.ID, len(b.Data)))
	}
	h.hasBlock(large(seg, 0), content(large(seg, 0), 100_000))
}

// Needs may name any segment; a durable commit of one with blocks succeeds.
func testCommitNeeds(h *harness) {
	seg, onlySmall := blockstore.NewID(), blockstore.NewID()
	h.putBlock(large(seg, 0), content(large(seg, 0), blockstore.MaxBlock))
	for i, needs := range [][]blockstore.SegmentID{{seg}, {seg, seg}, {onlySmall}, {seg, onlySmall}} {
		c := h.name(&blockstore.Change{Needs: needs, Writes: []blockstore.Write{write("k", "v")}})
		c.Blocks = []blockstore.Block{{ID: small(onlySmall, uint32(i)), Data: []byte("x")}}
		v, err := h.store.Commit(h.ctx, c, blockstore.Sync)
		h.ok(err)
		h.holds("k", "v", v)
	}
	h.hasBlock(large(seg, 0), content(large(seg, 0), blockstore.MaxBlock))
}

// A change may consist of guards alone.
func testCommitOnlyGuards(h *harness) {
	v := h.put("k", "v")
	h.commit(blockstore.Change{Guards: []blockstore.Guard{{Key: "k", Version: v}}})
	h.refuse(blockstore.Change{Guards: []blockstore.Guard{{Key: "k"}}}, blockstore.Conflict)
	h.holds("k", "v", v)
}

func testAddOperations(h *harness) {
	add := func(adds ...blockstore.Add) {
		h.Helper()
		h.commit(blockstore.Change{Adds: adds})
	}
	want := func(fields ...int64) {
		h.Helper()
		t := h.tally("t")
		for f, v := range fields {
			if t.Field(uint8(f)) != v {
				h.Fatalf("tally is %v, want %v", t, fields)
			}
		}
	}
	add(blockstore.Add{Key: "t", Field: 1, Op: blockstore.Max, Value: -5})
	want(0, 0) // what is not there counts as 0
	add(blockstore.Add{Key: "t", Field: 1, Op: blockstore.Max, Value: 5}, blockstore.Add{Key: "t", Value: -3})
	want(-3, 5)
	add(blockstore.Add{Key: "t", Field: 1, Op: blockstore.Max, Value: 4}, blockstore.Add{Key: "t", Value: 10})
	want(7, 5)
	add(blockstore.Add{Key: "t", Field: 1, Value: -1 << 60}, blockstore.Add{Key: "u", Value: 1})
	want(7, 5-(1<<60))
	add(blockstore.Add{Key: "t", Op: blockstore.Max, Value: 100}, blockstore.Add{Key: "t", Value: 1})
	want(101, 5-(1<<60))
	add(blockstore.Add{Key: "t", Field: 255, Value: 9})
	want(101, 5-(1<<60), 0)
	if got := h.tally("t").Field(255); got != 9 {
		h.Fatalf("field 255 is %d, want 9", got)
	}
	h.commit(blockstore.Change{Writes: []blockstore.Write{{Key: "t", Value: blockstore.Tally{1, 2}.Encode()}}})
	add(blockstore.Add{Key: "t", Field: 1, Value: 1})
	want(1, 3)
	h.delete("t")
	add(blockstore.Add{Key: "t", Field: 2, Value: 1})
	want(0, 0, 1)
}

// An addition is a write to those who guard the record.
func testAddVersions(h *harness) {
	v := h.commit(blockstore.Change{Adds: []blockstore.Add{{Key: "t", Value: 1}}})
	h.holds("t", string(blockstore.Tally{1}.Encode()), v)
	h.commit(blockstore.Change{Adds: []blockstore.Add{{Key: "t", Value: 0}}})
	h.refuse(guarded(blockstore.Guard{Key: "t", Version: v}), blockstore.Conflict)
	h.refuse(guarded(blockstore.Guard{Key: "t"}), blockstore.Conflict)
	if rs := h.scan("t", ""); len(rs) != 1 || rs[0].Key != "t" {
		h.Fatalf("scanned %v, want the tally", rs)
	}
}

// Sync changes nothing that can be seen.
func testSyncAll(h *harness) {
	h.ok(h.store.Sync(h.ctx))
	seg := blockstore.NewID()
	h.putBlock(large(seg, 0), content(large(seg, 0), 50_000))
	v := h.put("k", "v")
	h.ok(h.store.Sync(h.ctx))
	h.holds("k", "v", v)
	h.hasBlock(large(seg, 0), content(large(seg, 0), 50_000))
}
