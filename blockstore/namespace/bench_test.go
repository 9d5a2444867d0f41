package namespace_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cairnfs/cairn/blockstore/embedded"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

func BenchmarkCreate(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := embedded.Open(b.TempDir(), embedded.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	if err := namespace.Format(ctx, s, namespace.DefaultSettings()); err != nil {
		b.Fatal(err)
	}
	v, err := namespace.Open(ctx, s, namespace.Options{Exclusive: true})
	if err != nil {
		b.Fatal(err)
	}
	bk, err := v.CreateBucket(ctx, "home", namespace.NewNode{Mode: 0o755})
	if err != nil {
		b.Fatal(err)
	}
	d := v.Door("m")
	p := make([]byte, 4096)
	b.Run("create4k", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			name := fmt.Sprint("f", i)
			if _, err := d.Lookup(ctx, bk.ID, name); err == nil {
				d.Unlink(ctx, bk.ID, name)
			}
			f, _, err := d.Create(ctx, bk.ID, name, namespace.NewNode{Mode: 0o644}, namespace.OpenWrite)
			if err != nil {
				b.Fatal(err)
			}
			f.WriteAt(ctx, p, 0)
			f.Flush(ctx)
			f.Close(ctx)
		}
	})
	b.Run("lookup", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, err := d.Lookup(ctx, bk.ID, fmt.Sprint("f", i%1000)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("fsync4k", func(b *testing.B) {
		f, _, _ := d.Create(ctx, bk.ID, "sync", namespace.NewNode{Mode: 0o644}, namespace.OpenWrite)
		for i := 0; b.Loop(); i++ {
			f.WriteAt(ctx, p, int64(i%1000)*4096)
			f.Sync(ctx)
		}
		f.Close(ctx)
	})
	b.Run("seq", func(b *testing.B) {
		f, _, _ := d.Create(ctx, bk.ID, "seq", namespace.NewNode{Mode: 0o644}, namespace.OpenWrite)
		q := make([]byte, 128<<10)
		b.SetBytes(128 << 10)
		for i := 0; b.Loop(); i++ {
			f.WriteAt(ctx, q, int64(i%8000)*(128<<10))
		}
		f.Close(ctx)
	})
	v.Close(ctx)
	cancel()
	<-done
	s.Close()
}
