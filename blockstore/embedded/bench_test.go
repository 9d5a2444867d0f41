package embedded

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
)

// benchChange is like what creating a file changes: four records, two of them
// guarded, and a tally.
func benchChange(session blockstore.ID, n uint64, node []byte) *blockstore.Change {
	key := fmt.Sprintf("n%016x", n)
	return &blockstore.Change{
		Session: session, Seq: n,
		Guards: []blockstore.Guard{{Key: "e" + key}, {Key: key}},
		Writes: []blockstore.Write{{Key: "e" + key, Value: node[:32]}, {Key: key, Value: node}, {Key: "s" + key, Value: node[:64]}, {Key: "h" + key, Value: node[:64]}},
		Adds:   []blockstore.Add{{Key: "tally", Field: 0, Op: blockstore.Sum, Value: 1}, {Key: "tally", Field: 1, Op: blockstore.Max, Value: int64(n)}},
		Events: []string{"e" + key},
	}
}

func BenchmarkCommitLazy(b *testing.B) {
	s := openServed(b, b.TempDir(), Options{})
	defer s.Close()
	session, node := blockstore.NewID(), make([]byte, 200)
	b.ReportAllocs()
	for n := uint64(1); b.Loop(); n++ {
		if _, err := s.Commit(b.Context(), benchChange(session, n, node), blockstore.Lazy); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCreate also reads the two records first that must be absent.
func BenchmarkCreate(b *testing.B) {
	s := openServed(b, b.TempDir(), Options{})
	defer s.Close()
	session, node := blockstore.NewID(), make([]byte, 200)
	b.ReportAllocs()
	for n := uint64(1); b.Loop(); n++ {
		c := benchChange(session, n, node)
		for _, g := range c.Guards {
			if _, _, err := s.Get(b.Context(), g.Key); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := s.Commit(b.Context(), c, blockstore.Lazy); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCommitSync(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			s := openServed(b, b.TempDir(), Options{})
			defer s.Close()
			var n atomic.Uint64
			session, node := blockstore.NewID(), make([]byte, 200)
			b.SetParallelism(writers)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, err := s.Commit(b.Context(), benchChange(session, n.Add(1), node), blockstore.Sync); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkGet(b *testing.B) {
	s := openServed(b, b.TempDir(), Options{})
	defer s.Close()
	session, node := blockstore.NewID(), make([]byte, 200)
	const records = 10_000
	for n := range uint64(records) {
		if _, err := s.Commit(b.Context(), benchChange(session, n+1, node), blockstore.Lazy); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Get(b.Context(), fmt.Sprintf("n%016x", rand.N(uint64(records)))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPutBlock(b *testing.B) {
	for _, size := range []int{64 << 10, blockstore.MaxBlock} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			s := openServed(b, b.TempDir(), Options{})
			defer s.Close()
			data := benchContent(size)
			b.SetBytes(int64(size))
			id := blockstore.BlockID{Segment: blockstore.NewID()}
			for b.Loop() {
				if err := s.PutBlock(b.Context(), id, data); err != nil {
					b.Fatal(err)
				}
				if id.Number++; id.Number == 256 {
					id = blockstore.BlockID{Segment: blockstore.NewID()}
				}
			}
		})
	}
}

func benchContent(size int) []byte {
	data := make([]byte, size)
	for i := 0; i+8 <= size; i += 8 {
		binary.LittleEndian.PutUint64(data[i:], rand.Uint64())
	}
	return data
}

func BenchmarkGetBlock(b *testing.B) {
	const blocks = 64
	s := openServed(b, b.TempDir(), Options{})
	defer s.Close()
	id := blockstore.BlockID{Segment: blockstore.NewID()}
	data := benchContent(blockstore.MaxBlock)
	for id.Number = range uint32(blocks) {
		if err := s.PutBlock(context.Background(), id, data); err != nil {
			b.Fatal(err)
		}
	}
	for _, n := range []int{4 << 10, blockstore.Granule, blockstore.MaxBlock} {
		b.Run(fmt.Sprintf("%dKiB", n>>10), func(b *testing.B) {
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				id.Number = rand.N(uint32(blocks))
				if _, err := s.GetBlock(b.Context(), id, rand.N(blockstore.MaxBlock/n)*n, n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
