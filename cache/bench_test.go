package cache

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/faultstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
)

// paged is an engine that has every block, and copies its bytes as a read from
// the page cache does.
type paged struct {
	blockstore.Store
	content []byte
}

func newPaged() *paged { return &paged{memstore.New(), make([]byte, blockstore.MaxBlock)} }

func (p *paged) GetBlock(_ context.Context, _ blockstore.BlockID, off, n int) ([]byte, error) {
	return append([]byte(nil), p.content[off:min(off+n, len(p.content))]...), nil
}

// withCancel is a context like that of a request.
func withCancel(b *testing.B) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	return ctx
}

// mustB is must without what a benchmark should not measure.
func mustB(ctx context.Context, b *testing.B, c *Cache, id blockstore.BlockID, off, n int) {
	if _, err := c.GetBlock(ctx, id, off, n); err != nil {
		b.Fatal(err)
	}
}

const benchBlocks = 2000 // of one granule each: a quarter of the cache

func warm(b *testing.B) (*Cache, blockstore.SegmentID) {
	c, seg := open(b, newPaged(), Options{}), blockstore.NewID()
	for i := range benchBlocks {
		mustB(b.Context(), b, c, block(seg, i), 0, 4096)
	}
	return c, seg
}

func BenchmarkHit(b *testing.B) {
	c, seg := warm(b)
	ctx := withCancel(b)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i = (i + 7) % benchBlocks
		mustB(ctx, b, c, block(seg, i), 0, 4096)
	}
}

func BenchmarkHitParallel(b *testing.B) {
	c, seg := warm(b)
	ctx := withCancel(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := rand.IntN(benchBlocks); pb.Next(); i = (i + 7) % benchBlocks {
			mustB(ctx, b, c, block(seg, i), 0, 4096)
		}
	})
}

func BenchmarkMiss(b *testing.B) {
	c, seg := open(b, newPaged(), Options{}), blockstore.NewID()
	ctx := withCancel(b)
	defer serve(b, c)()
	b.ReportAllocs()
	i := uint32(0)
	for b.Loop() {
		i++
		mustB(ctx, b, c, block(seg, int(i*2654435761>>1)), 4096, 4096)
	}
}

func BenchmarkSequential(b *testing.B) {
	for _, ahead := range []int{-1, 4 << 20} {
		for _, size := range []int{4 << 10, 128 << 10, blockstore.MaxBlock} {
			b.Run(fmt.Sprintf("ahead=%dK/read=%dK", max(ahead, 0)>>10, size>>10), func(b *testing.B) {
				c, seg := open(b, newPaged(), Options{ReadAhead: ahead}), blockstore.NewID()
				ctx := withCancel(b)
				if ahead > 0 {
					defer serve(b, c)()
				}
				b.SetBytes(int64(size))
				b.ReportAllocs()
				at := 0
				for b.Loop() {
					for n := 0; n < size; { // reads stop early at borders of runs
						data, err := c.GetBlock(ctx, block(seg, at/blockstore.MaxBlock), at%blockstore.MaxBlock, size-n)
						if err != nil {
							b.Fatal(err)
						}
						n, at = n+len(data), at+len(data)
					}
				}
				b.ReportMetric(float64(c.Stats().Fetches)/(float64(at)/blockstore.MaxBlock), "fetches/MiB")
			})
		}
	}
}

// BenchmarkRemote reads a long file in order over a network that takes its time
// for each call, at 128 KiB a read.
func BenchmarkRemote(b *testing.B) {
	for _, delay := range []time.Duration{time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond} {
		b.Run(fmt.Sprint(delay), func(b *testing.B) {
			late := func(faultstore.Op) faultstore.Fault { return faultstore.Fault{Delay: delay} }
			c, seg := open(b, faultstore.New(newPaged(), late), Options{Remote: true}), blockstore.NewID()
			ctx := withCancel(b)
			defer serve(b, c)()
			const size = 128 << 10
			b.SetBytes(size)
			at := 0
			for b.Loop() {
				mustB(ctx, b, c, block(seg, at/blockstore.MaxBlock), at%blockstore.MaxBlock, size)
				at += size
			}
			b.ReportMetric(float64(c.Stats().Fetches)/(float64(at)/blockstore.MaxBlock), "fetches/MiB")
		})
	}
}

// BenchmarkDisk reads blocks that only the disk tier has.
func BenchmarkDisk(b *testing.B) {
	const blocks = 64
	c := open(b, newPaged(), Options{Bytes: 1, Disk: Disk{Dir: b.TempDir()}})
	defer serve(b, c)()
	await(c.disk.serving.Load)
	ctx, seg := withCancel(b), blockstore.NewID()
	for i := range blocks {
		mustB(ctx, b, c, block(seg, i), 0, blockstore.MaxBlock)
		await(func() bool { return c.Stats().Disk.Written == uint64(i)+1 })
	}
	b.SetBytes(blockstore.MaxBlock)
	i := 0
	for b.Loop() {
		i++
		mustB(ctx, b, c, block(seg, i%blocks), 0, blockstore.MaxBlock)
	}
}
