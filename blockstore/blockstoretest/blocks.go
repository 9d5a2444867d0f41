package blockstoretest

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
)

var blockProperties = []property{
	{"BlockRanges", testBlockRanges},
	{"BlockNotFound", testBlockNotFound},
	{"BlockPutAgain", testBlockPutAgain},
	{"BlockOwnership", testBlockOwnership},
	{"BlockDelete", testBlockDelete},
	{"SegmentRemove", testSegmentRemove},
	{"BlockList", testBlockList},
	{"BlockListUnderChange", testBlockListUnderChange},
	{"SegmentsInParallel", testSegmentsInParallel},
	{"Space", testSpace},
}

// large and small are the n-th block of either kind in a segment.
func large(s blockstore.SegmentID, n uint32) blockstore.BlockID {
	return blockstore.BlockID{Segment: s, Number: n}
}

func small(s blockstore.SegmentID, n uint32) blockstore.BlockID {
	return blockstore.BlockID{Segment: s, Number: n | blockstore.SmallBit}
}

// borders are the numbers from low to high at which something could change.
func borders(low, high int) []int {
	ns := []int{0, 1, 4096, high / 2, high - 1, high}
	for _, g := range []int{1, 2, 3} {
		ns = append(ns, g*blockstore.Granule-1, g*blockstore.Granule, g*blockstore.Granule+1)
	}
	slices.Sort(ns)
	return slices.DeleteFunc(slices.Compact(ns), func(n int) bool { return n < low || n > high })
}

func testBlockRanges(h *harness) {
	seg := blockstore.NewID()
	blocks := map[blockstore.BlockID]int{}
	for i, size := range borders(1, blockstore.MaxBlock) {
		blocks[large(seg, uint32(i))] = size
	}
	for i, size := range borders(1, blockstore.MaxSmall) {
		blocks[small(seg, uint32(i))] = size
	}
	for _, id := range sortedIDs(blocks) {
		h.putBlock(id, content(id, blocks[id]))
	}
	for id, size := range blocks {
		checkRanges(h, id, content(id, size))
	}
}

func sortedIDs[V any](blocks map[blockstore.BlockID]V) []blockstore.BlockID {
	ids := make([]blockstore.BlockID, 0, len(blocks))
	for id := range blocks {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, blockstore.BlockID.Compare)
	return ids
}

// checkRanges reads every range between borders, and past the end.
func checkRanges(h *harness, id blockstore.BlockID, want []byte) {
	h.Helper()
	for _, off := range borders(0, len(want)-1) {
		next := blockstore.Granule - off%blockstore.Granule
		for _, n := range []int{1, next - 1, next, next + 1, 2 * blockstore.Granule, len(want) - off, math.MaxInt - off} {
			if n == 0 {
				continue
			}
			got, err := readBlock(h.ctx, h.store, id, off, n)
			h.ok(err)
			if !bytes.Equal(got, want[off:off+min(n, len(want)-off)]) {
				h.Fatalf("block %v of %d bytes: wrong bytes for %d at %d", id, len(want), n, off)
			}
		}
	}
	for _, off := range []int{len(want), len(want) + 1, len(want) + blockstore.Granule, math.MaxInt} {
		_, err := h.store.GetBlock(h.ctx, id, off, 1)
		h.kind(err, blockstore.OutOfRange)
	}
}

func testBlockNotFound(h *harness) {
	seg := blockstore.NewID()
	h.noBlock(large(seg, 0))
	h.noBlock(small(seg, 0))
	h.putBlock(large(seg, 0), []byte("x"))
	h.noBlock(large(seg, 1))
	h.noBlock(large(seg, 1<<30))
	h.noBlock(small(seg, 0))
	h.noBlock(large(blockstore.SegmentID{}, 0))
}

func testBlockPutAgain(h *harness) {
	seg := blockstore.NewID()
	for i, id := range []blockstore.BlockID{large(seg, 0), small(seg, 0), large(seg, 1)} {
		data := content(id, 9000+i)
		h.putBlock(id, data)
		h.putBlock(id, data)
		h.hasBlock(id, data)
	}
	h.putBlock(large(seg, 0), content(large(seg, 0), 9000))
	for i, id := range []blockstore.BlockID{large(seg, 0), small(seg, 0), large(seg, 1)} {
		h.hasBlock(id, content(id, 9000+i))
	}
	if n := len(h.list(blockstore.BlockID{})); n != 3 {
		h.Fatalf("%d blocks listed, want 3", n)
	}
}

// A buffer is the caller's again after a put, and what was got stays as it was
// whatever happens to the block.
func testBlockOwnership(h *harness) {
	seg := blockstore.NewID()
	var got, want [][]byte
	for i := range uint32(20) {
		for _, id := range []blockstore.BlockID{large(seg, i), small(seg, i)} {
			buf := content(id, blockstore.MaxSmall-int(i))
			h.putBlock(id, buf)
			scribble(buf)
			data, err := h.store.GetBlock(h.ctx, id, 0, len(buf))
			h.ok(err)
			got, want = append(got, data), append(want, content(id, len(buf)))
		}
	}
	h.ok(h.store.DeleteBlocks(h.ctx, []blockstore.BlockID{large(seg, 3), small(seg, 3)}))
	h.ok(h.store.RemoveSegment(h.ctx, seg, 20, 20))
	h.putBlock(large(blockstore.NewID(), 0), content(large(seg, 99), blockstore.MaxBlock))
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			h.Fatalf("result %d changed after it was returned, or the put kept the caller's buffer", i)
		}
	}
}

func testBlockDelete(h *harness) {
	seg, other := blockstore.NewID(), blockstore.NewID()
	keep := map[blockstore.BlockID]int{}
	var gone []blockstore.BlockID
	for i := range uint32(12) {
		for _, id := range []blockstore.BlockID{large(seg, i), small(seg, i), large(other, i)} {
			h.putBlock(id, content(id, 40_000>>(id.Number>>31*2)))
			if i%3 == 1 && id.Segment == seg {
				gone = append(gone, id)
				continue
			}
			keep[id] = 40_000 >> (id.Number >> 31 * 2)
		}
	}
	missing := []blockstore.BlockID{large(blockstore.NewID(), 0), large(seg, 500), small(seg, 500)}
	h.ok(h.store.DeleteBlocks(h.ctx, append(missing, gone...)))
	h.ok(h.store.DeleteBlocks(h.ctx, gone))
	h.ok(h.store.DeleteBlocks(h.ctx, nil))
	for _, id := range gone {
		h.noBlock(id)
	}
	checkBlocks(h, keep)
}

// checkBlocks fails the test unless the store has these blocks, by their
// sizes, and no others.
func checkBlocks(h *harness, want map[blockstore.BlockID]int) {
	h.Helper()
	got := h.list(blockstore.BlockID{})
	ids := sortedIDs(want)
	if len(got) != len(ids) {
		h.Fatalf("%d blocks listed, want %d", len(got), len(ids))
	}
	for i, id := range ids {
		if got[i] != (blockstore.BlockInfo{ID: id, Size: want[id]}) {
			h.Fatalf("listed %v, want %v with %d bytes", got[i], id, want[id])
		}
		h.hasBlock(id, content(id, want[id]))
	}
}

func testSegmentRemove(h *harness) {
	mixed, largeOnly, smallOnly := blockstore.NewID(), blockstore.NewID(), blockstore.NewID()
	before, after := blockstore.FirstIDAt(mixed.Time().Add(-1e9)), blockstore.FirstIDAt(mixed.Time().Add(1e10))
	keep := map[blockstore.BlockID]int{}
	for i := range uint32(5) {
		for _, id := range []blockstore.BlockID{large(mixed, i), small(mixed, i), large(largeOnly, i), small(smallOnly, i)} {
			h.putBlock(id, content(id, 5000))
		}
		for _, id := range []blockstore.BlockID{large(before, i), small(before, i), large(after, i), small(after, i)} {
			h.putBlock(id, content(id, 5000))
			keep[id] = 5000
		}
	}
	h.ok(h.store.RemoveSegment(h.ctx, mixed, 5, 5))
	h.ok(h.store.RemoveSegment(h.ctx, largeOnly, 5, 0))
	h.ok(h.store.RemoveSegment(h.ctx, smallOnly, 0, 5))
	h.ok(h.store.RemoveSegment(h.ctx, mixed, 5, 5))
	h.ok(h.store.RemoveSegment(h.ctx, blockstore.NewID(), 7, 7))
	for i := range uint32(5) {
		h.noBlock(large(mixed, i))
		h.noBlock(small(mixed, i))
	}
	checkBlocks(h, keep)
}

func testBlockList(h *harness) {
	var want []blockstore.BlockInfo
	for i := range 6 {
		seg := blockstore.NewID()
		for n := range uint32(4) {
			for _, id := range []blockstore.BlockID{large(seg, n), small(seg, n)} {
				h.putBlock(id, content(id, 100*(i+1)+int(n)))
				want = append(want, blockstore.BlockInfo{ID: id, Size: 100*(i+1) + int(n)})
			}
		}
	}
	slices.SortFunc(want, func(a, b blockstore.BlockInfo) int { return a.ID.Compare(b.ID) })
	if got := h.list(blockstore.BlockID{}); !slices.Equal(got, want) {
		h.Fatalf("listed %v, want %v", got, want)
	}
	for i := range want {
		if got := h.list(want[i].ID); !slices.Equal(got, want[i+1:]) {
			h.Fatalf("after %v listed %v, want %v", want[i].ID, got, want[i+1:])
		}
		between := want[i].ID
		between.Number += 1000
		for range h.store.ListBlocks(h.ctx, between) {
			break // an abandoned listing holds nothing
		}
	}
}

// Whoever lists may delete as it goes; blocks that stay are all seen.
func testBlockListUnderChange(h *harness) {
	seg := blockstore.NewID()
	for n := range uint32(100) {
		h.putBlock(large(seg, n), content(large(seg, n), 10))
	}
	var seen []blockstore.BlockID
	for b, err := range h.store.ListBlocks(h.ctx, blockstore.BlockID{}) {
		h.ok(err)
		if b.ID.Number%2 == 0 {
			h.ok(h.store.DeleteBlocks(h.ctx, []blockstore.BlockID{b.ID}))
			h.putBlock(large(blockstore.NewID(), 0), []byte("new"))
		} else if b.ID.Segment == seg {
			seen = append(seen, b.ID)
		}
	}
	if len(seen) != 50 || !slices.IsSortedFunc(seen, blockstore.BlockID.Compare) {
		h.Fatalf("saw %v, want the 50 odd blocks in order", seen)
	}
}

// Several writers fill a segment each, and read what others have put.
func testSegmentsInParallel(h *harness) {
	var g errgroup.Group
	segs := make([]blockstore.SegmentID, 8)
	for i := range segs {
		segs[i] = blockstore.NewID()
	}
	for _, seg := range segs {
		g.Go(func() error {
			for n := range uint32(20) {
				id := large(seg, n)
				if err := h.store.PutBlock(h.ctx, id, content(id, 70_000)); err != nil {
					return err
				}
				got, err := readBlock(h.ctx, h.store, id, 0, 70_000)
				if err != nil || !bytes.Equal(got, content(id, 70_000)) {
					return fmt.Errorf("block %v is not what was put: %w", id, err)
				}
			}
			return nil
		})
	}
	h.ok(g.Wait())
	want := map[blockstore.BlockID]int{}
	for _, seg := range segs {
		for n := range uint32(20) {
			want[large(seg, n)] = 70_000
		}
	}
	checkBlocks(h, want)
}

func testSpace(h *harness) {
	s, err := h.store.Space(h.ctx)
	h.ok(err)
	if s.Total <= 0 || s.Free < 0 || s.Free > s.Total || s.Available < 0 || s.Available > s.Total {
		h.Fatalf("space %+v makes no sense", s)
	}
}
