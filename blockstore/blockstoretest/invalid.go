package blockstoretest

import (
	"math"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

var invalidProperties = []property{
	{"InvalidBlocks", testInvalidBlocks},
	{"InvalidRanges", testInvalidRanges},
	{"InvalidChanges", testInvalidChanges},
}

func testInvalidBlocks(h *harness) {
	seg := blockstore.NewID()
	for id, size := range map[blockstore.BlockID]int{
		small(seg, 0): 10,
		large(seg, 0): 0,
		large(seg, 1): blockstore.MaxBlock + 1,
	} {
		h.kind(h.store.PutBlock(h.ctx, id, make([]byte, size)), blockstore.Invalid)
		h.noBlock(id)
	}
	if bs := h.list(blockstore.BlockID{}); len(bs) != 0 {
		h.Fatalf("listed %v, want nothing", bs)
	}
}

func testInvalidRanges(h *harness) {
	id := large(blockstore.NewID(), 0)
	h.putBlock(id, content(id, 100))
	for _, r := range []struct{ off, n int }{{0, 0}, {0, -1}, {-1, 1}, {math.MinInt, 1}, {10, math.MinInt}} {
		_, err := h.store.GetBlock(h.ctx, id, r.off, r.n)
		h.kind(err, blockstore.Invalid)
	}
}

// A change that the contract forbids does nothing at all.
func testInvalidChanges(h *harness) {
	seg := blockstore.NewID()
	long := strings.Repeat("k", blockstore.MaxKey+1)
	for _, c := range []blockstore.Change{
		{Writes: []blockstore.Write{write(long, "v")}},
		{Writes: []blockstore.Write{{Key: long}}},
		{Writes: []blockstore.Write{write("", "v")}},
		{Writes: []blockstore.Write{write("twice", "v"), {Key: "twice"}}},
		{Guards: []blockstore.Guard{{Key: ""}}},
		{Writes: []blockstore.Write{{Key: "k", Value: make([]byte, blockstore.MaxValue+1)}}},
		{Adds: []blockstore.Add{{Key: long, Value: 1}}},
		{Adds: []blockstore.Add{{Key: "", Value: 1}}},
		{Adds: []blockstore.Add{{Key: "k", Op: blockstore.Max + 1}}},
		{Blocks: []blockstore.Block{{ID: large(seg, 0), Data: []byte("x")}}},
		{Blocks: []blockstore.Block{{ID: small(seg, 0), Data: make([]byte, blockstore.MaxSmall+1)}}},
		{Blocks: []blockstore.Block{{ID: small(seg, 0)}}},
	} {
		c.Writes = append([]blockstore.Write{write("first", "v")}, c.Writes...)
		c.Blocks = append([]blockstore.Block{{ID: small(seg, 9), Data: []byte("x")}}, c.Blocks...)
		c.Adds = append([]blockstore.Add{{Key: "tally", Value: 1}}, c.Adds...)
		h.refuse(c, blockstore.Invalid)
	}
	for _, c := range []blockstore.Change{{Seq: 1}, {Session: blockstore.NewID()}} {
		c.Writes = []blockstore.Write{write("without a name", "v")}
		_, err := h.store.Commit(h.ctx, &c, blockstore.Lazy)
		h.kind(err, blockstore.Invalid)
	}
	if rs, bs := h.scan("", ""), h.list(blockstore.BlockID{}); len(rs)+len(bs) > 0 {
		h.Fatalf("left %v and %v, want nothing", rs, bs)
	}
}
