package fusefs_test

import (
	"context"
	"testing"

	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/fusefs"
	"github.com/cairnfs/cairn/fusefs/ceiling"
)

// world is a file system to mount, by as many doors as a test asks for.
type world struct {
	root namespace.NodeID
	door func() fusefs.Backend
}

// worlds are what the tests run on: the loop alone, and the real thing.
var worlds = map[string]func(t *testing.T) world{
	"ceiling":   newCeiling,
	"namespace": newVolume,
}

// each runs a test on an empty mount of every world.
func each(t *testing.T, test func(t *testing.T, dir string)) {
	eachWorld(t, func(t *testing.T, w world) { test(t, w.mount(t)) })
}

func eachWorld(t *testing.T, test func(t *testing.T, w world)) {
	for name, open := range worlds {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func newCeiling(*testing.T) world {
	fs := ceiling.New()
	return world{door: func() fusefs.Backend { return fs.Door() }}
}

// newVolume is a bucket of a volume in memory, which is checked at the end.
func newVolume(t *testing.T) world {
	t.Helper()
	ctx := context.Background()
	store := memstore.New()
	must(t, namespace.Format(ctx, store, namespace.DefaultSettings()))
	v, err := namespace.Open(ctx, store, namespace.Options{Exclusive: true})
	must(t, err)
	bucket, err := v.CreateBucket(ctx, "home", namespace.NewNode{Mode: 0o777})
	must(t, err)
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- v.Serve(serving) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("volume: %v", err)
		}
		_, err := v.Check(ctx, namespace.CheckOptions{Data: true}, func(p namespace.Problem) {
			t.Errorf("check: %s: %s", p.Object, p.What)
		})
		must(t, err)
		must(t, v.Close(ctx))
		must(t, store.Close())
	})
	return world{root: bucket.ID, door: func() fusefs.Backend { return fusefs.Door(v.Door(t.Name())) }}
}

// mount mounts the world through a new door until the test ends.
func (w world) mount(t *testing.T) string {
	t.Helper()
	dir, stop := serve(t, w.door(), w.root, t.TempDir())
	t.Cleanup(stop)
	return dir
}
