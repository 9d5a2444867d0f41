package blockstore_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
)

// Random additions, with a turn through the encoding now and then, give what
// a map gives.
func TestTallyAgainstMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	want := map[uint8]int64{}
	var tally blockstore.Tally
	for i := range 10_000 {
		a := blockstore.Add{
			Field: uint8(rng.Uint32()) >> rng.IntN(8),
			Op:    blockstore.AddOp(rng.IntN(2)),
			Value: int64(rng.Uint64()) >> rng.IntN(64),
		}
		tally = tally.Apply(a)
		switch a.Op {
		case blockstore.Sum:
			want[a.Field] += a.Value
		case blockstore.Max:
			want[a.Field] = max(want[a.Field], a.Value)
		}
		var err error
		if tally, err = blockstore.DecodeTally(tally.Encode()); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if got := tally.Field(a.Field); got != want[a.Field] {
			t.Fatalf("step %d: after %+v field %d is %d, want %d", i, a, a.Field, got, want[a.Field])
		}
	}
	for f := range 256 {
		if got := tally.Field(uint8(f)); got != want[uint8(f)] {
			t.Errorf("field %d is %d, want %d", f, got, want[uint8(f)])
		}
	}
}

func TestTallyEmpty(t *testing.T) {
	var tally blockstore.Tally
	if b := tally.Encode(); b == nil || len(b) != 0 {
		t.Errorf("the empty tally is encoded as %v, want no bytes that are not nil", b)
	}
	if got, err := blockstore.DecodeTally(nil); err != nil || got.Field(255) != 0 {
		t.Errorf("no bytes decode as %v, %v", got, err)
	}
}

func TestTallyCorrupt(t *testing.T) {
	for _, b := range [][]byte{{0x80}, bytes.Repeat([]byte{0xff}, 11), make([]byte, 257), {2, 0x80}} {
		if got, err := blockstore.DecodeTally(b); !errors.Is(err, blockstore.Corrupt) {
			t.Errorf("%d bytes %.12x decode as %v, %v, want %v", len(b), b, got, err, blockstore.Corrupt)
		}
	}
}

func FuzzDecodeTally(f *testing.F) {
	f.Add(blockstore.Tally{1, -1, 1 << 62}.Encode())
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		tally, err := blockstore.DecodeTally(b)
		if err != nil {
			return
		}
		again, err := blockstore.DecodeTally(tally.Encode())
		if err != nil || !slices.Equal(again, tally) {
			t.Errorf("%v came back as %v, %v", tally, again, err)
		}
	})
}
