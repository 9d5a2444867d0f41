package namespace_test

import (
	"math/rand/v2"
	"testing"

	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

// TestOpenFileStaysSmall writes pages all over a small file that stays open, as a
// database does: the room that it takes must not grow with what is written.
func TestOpenFileStaysSmall(t *testing.T) {
	store := memstore.New()
	s := begin(t, store, noHistory)
	f, _, err := s.Door.Create(t.Context(), s.Root, "db", namespace.NewNode{Mode: 0o600}, namespace.OpenWrite)
	must(t, err)
	rng := rand.New(rand.NewPCG(1, 1))
	page := make([]byte, 4096)
	const pages = 2500
	want := make([]byte, pages*len(page))
	var most int64
	for range 1000 {
		for range 100 {
			off := rng.IntN(pages) * len(page)
			page[0], page[4095] = byte(rng.Uint32()), byte(rng.Uint32())
			copy(want[off:], page)
			_, err := f.WriteAt(t.Context(), page, int64(off))
			must(t, err)
		}
		must(t, f.Flush(t.Context()))
		_, size := blocks(t, store)
		most = max(most, int64(size))
	}
	must(t, f.Close(t.Context()))
	same(t, s, "db", want)
	t.Logf("at most %d MiB for a file of 10", most>>20)
	if most > 128<<20 {
		t.Errorf("the file of 10 MiB took %d MiB", most>>20)
	}
}
