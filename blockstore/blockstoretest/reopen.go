package blockstoretest

import (
	"fmt"

	"github.com/cairnfs/cairn/blockstore"
)

var reopenProperties = []property{
	{"ReopenEmpty", testReopenEmpty},
	{"ReopenAll", testReopenAll},
}

func testReopenEmpty(h *harness) {
	from := h.head()
	h.reopen()
	h.reopen()
	if rs, bs := h.scan("", ""), h.list(blockstore.BlockID{}); len(rs)+len(bs) > 0 {
		h.Fatalf("an empty store came back with %v and %v", rs, bs)
	}
	h.announce("k")
	h.watch(from, 1)
}

// What was there before Close is there after Open, to the version, and a store
// goes on growing from one life to the next.
func testReopenAll(h *harness) {
	blocks := map[blockstore.BlockID]int{}
	versions := map[string]blockstore.Version{}
	from, events := h.head(), 0
	for life := range 4 {
		seg := blockstore.NewID()
		for n, size := range []int{1, blockstore.Granule, 3*blockstore.Granule + 1, blockstore.MaxBlock} {
			id := large(seg, uint32(n))
			h.putBlock(id, content(id, size))
			blocks[id] = size
		}
		key, id := fmt.Sprint("k", life), small(seg, 0)
		versions[key] = h.commit(blockstore.Change{
			Blocks: []blockstore.Block{{ID: id, Data: content(id, blockstore.MaxSmall)}},
			Writes: []blockstore.Write{write(key, "v"), {Key: fmt.Sprint("gone", life-1)}, write(fmt.Sprint("gone", life), "")},
			Adds:   []blockstore.Add{{Key: "t", Value: 1}},
			Events: []string{key},
			Needs:  []blockstore.SegmentID{seg},
		})
		blocks[id] = blockstore.MaxSmall
		events++
		h.reopen()
		for key, v := range versions {
			h.holds(key, "v", v)
		}
		h.holds("t", string(blockstore.Tally{int64(life) + 1}.Encode()), versions[key])
		h.absent(fmt.Sprint("gone", life-1))
		checkBlocks(h, blocks)
		h.watch(from, events)
	}
}
