package namespace_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	s := memstore.New()
	set := namespace.DefaultSettings()
	if err := namespace.Format(ctx, s, set); err != nil {
		t.Fatal(err)
	}
	v, err := namespace.Open(ctx, s, namespace.Options{Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	b, err := v.CreateBucket(ctx, "home", namespace.NewNode{Mode: 0o755})
	if err != nil {
		t.Fatal(err)
	}
	d := v.Door("m")
	f, _, err := d.Create(ctx, b.ID, "x", namespace.NewNode{Mode: 0o644}, namespace.OpenWrite)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, 9<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range want {
		want[i] = byte(rng.Uint32())
	}
	if _, err := f.WriteAt(ctx, want, 0); err != nil {
		t.Fatal(err)
	}
	for i := range 6000 {
		off := rng.IntN(len(want) - 5000)
		p := want[off : off+rng.IntN(4999)+1]
		for j := range p {
			p[j] = byte(rng.Uint32())
		}
		if _, err := f.WriteAt(ctx, p, int64(off)); err != nil {
			t.Fatal(err)
		}
		if i%37 == 0 {
			if err := f.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := make([]byte, len(want))
	check := func(f *namespace.OpenFile) {
		t.Helper()
		if _, err := f.ReadAt(ctx, got, 0); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatal("content differs")
		}
	}
	check(f)
	if err := f.Close(ctx); err != nil {
		t.Fatal(err)
	}
	a, err := d.Lookup(ctx, b.ID, "x")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(a.Stored, a.Size)
	f, _ = d.Open(ctx, a.ID, 0)
	check(f)
	f.Close(ctx)
	done, err := v.Collect(ctx, nil)
	t.Log(done, err)
	f, _ = d.Open(ctx, a.ID, 0)
	check(f)
	a, _ = f.Attr(ctx)
	t.Log(a.Stored, a.Size)
	f.Close(ctx)
	seen, err := v.Check(ctx, namespace.CheckOptions{Data: true}, func(p namespace.Problem) { t.Error(p) })
	t.Logf("%+v %v", seen, err)
	if err := d.Unlink(ctx, b.ID, "x"); err != nil {
		t.Fatal(err)
	}
	done, err = v.Collect(ctx, nil)
	t.Log(done, err)
}
