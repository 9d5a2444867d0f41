package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/fusefs"
)

// mount is one mount to serve.
type mount struct {
	bucket  string // BUCKET or BUCKET/PREFIX; empty: all buckets
	at      string // absolute
	options fusefs.Options
}

// serveMounts mounts everything, calls ready, and serves until ctx is done or all
// mounts are gone. It returns with nothing mounted and nothing unflushed.
func (a *app) serveMounts(ctx context.Context, vol *namespace.Volume, mounts []mount, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, serving := errgroup.WithContext(ctx)
	err := a.mountAll(serving, group, vol, mounts)
	if err != nil {
		cancel()
	} else {
		ready()
	}
	return first(err, group.Wait())
}

func (a *app) mountAll(ctx context.Context, group *errgroup.Group, vol *namespace.Volume, mounts []mount) error {
	for _, m := range mounts {
		door := vol.Door("mount " + m.at)
		server, err := a.mount(ctx, door, m)
		if err != nil {
			return err
		}
		group.Go(func() error { return a.serveMount(ctx, door, server, m.at) })
	}
	return nil
}

// mount mounts one directory.
func (a *app) mount(ctx context.Context, door *namespace.Door, m mount) (*fusefs.Server, error) {
	root, err := door.Path(ctx, m.bucket)
	if errors.Is(err, blockstore.NotFound) {
		bucket, _, _ := strings.Cut(m.bucket, "/")
		err = advised{blockstore.E("mount", m.bucket, blockstore.NotFound, nil), "make the bucket first: cairn bucket create " + bucket}
	}
	if err != nil {
		return nil, err
	}
	if root.Kind != namespace.Dir {
		return nil, blockstore.E("mount", m.bucket, blockstore.NotDirectory, nil)
	}
	o := m.options
	o.Root, o.Logger, o.FSName = root.ID, a.log, "cairn:"+m.bucket
	return fusefs.Mount(ctx, m.at, fusefs.Door(door), o)
}

// serveMount serves one mount until it is unmounted or ctx is done.
func (a *app) serveMount(ctx context.Context, door *namespace.Door, server *fusefs.Server, at string) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	served := make(chan error, 1)
	go func() { served <- server.Serve(serving) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	err := a.farewell(context.WithoutCancel(ctx), door, at)
	stop()
	return first(<-served, err)
}

// farewell flushes a mount that is about to be taken away, and unmounts it if it can be
// done the clean way. Who still uses it is told; Serve takes it away all the same.
func (a *app) farewell(ctx context.Context, door *namespace.Door, at string) error {
	err := door.Flush(ctx, blockstore.Sync)
	if errors.Is(fusefs.Unmount(at), blockstore.Busy) {
		fmt.Fprintf(a.err, "cairn: %s is in use by %s: it is flushed, and goes away now\n", at, listUsers(at))
	}
	return err
}
