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

// doors are what one process serves.
type doors struct {
	mounts  []mount
	gateway *gatewayConfig // nil: none
}

// welcome is what users are told of doors that were opened.
type welcome struct {
	endpoint string // of S3
	keys     keys   // of a user that was just made
}

// serve opens the volume and serves its doors. The default bucket is made if it is
// to be mounted and missing.
func (a *app) serve(ctx context.Context, command string, d doors, ready func(welcome)) error {
	o := opening{command: command, create: true}
	return a.withVolume(ctx, o, func(ctx context.Context, vol *namespace.Volume) error {
		for _, m := range d.mounts {
			if m.bucket != defaultBucket {
				continue
			}
			if err := ensureBucket(ctx, vol, m.bucket); err != nil {
				return err
			}
		}
		return a.serveDoors(ctx, vol, d, ready)
	})
}

// serveDoors opens all doors, calls ready, and serves until ctx is done or all
// mounts are gone. It returns with nothing mounted and nothing unflushed.
func (a *app) serveDoors(ctx context.Context, vol *namespace.Volume, d doors, ready func(welcome)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, serving := errgroup.WithContext(ctx)
	w, err := a.openDoors(serving, group, vol, d)
	if err != nil {
		cancel()
	} else {
		ready(w)
	}
	return first(err, group.Wait())
}

func (a *app) openDoors(ctx context.Context, group *errgroup.Group, vol *namespace.Volume, d doors) (welcome, error) {
	if err := a.mountAll(ctx, group, vol, d.mounts); err != nil || d.gateway == nil {
		return welcome{}, err
	}
	return a.openGateway(ctx, group, vol, d.gateway)
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
