package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/embedded"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/cache"
)

// opening says how a command wants its volume.
type opening struct {
	command string // for messages to others
	format  *namespace.Settings
	// create: a store that is missing is formatted, with format or the default.
	create bool
}

// withVolume opens the store and its volume, runs the background services of
// both, and calls work. Afterwards it stops, flushes and closes everything, in
// the reverse order, whatever happened. work's context ends when a service fails.
func (a *app) withVolume(ctx context.Context, o opening, work func(context.Context, *namespace.Volume) error) error {
	return a.withStore(ctx, o.create, func(ctx context.Context, s blockstore.Store) error {
		vol, err := a.openVolume(ctx, s, o)
		if err != nil {
			return err
		}
		err = during(ctx, func(ctx context.Context) error { return work(ctx, vol) }, vol.Serve)
		return first(err, vol.Close(context.WithoutCancel(ctx)))
	})
}

// withStore opens the engine with the cache above it for as long as work runs.
func (a *app) withStore(ctx context.Context, create bool, work func(context.Context, blockstore.Store) error) error {
	engine, err := a.openEngine(create)
	if err != nil {
		return err
	}
	limitMemory(int64(a.cacheSize))
	c := cache.New(engine, cache.Options{Bytes: int64(a.cacheSize)})
	err = during(ctx, func(ctx context.Context) error { return work(ctx, c) }, engine.Serve, c.Serve, a.serveProfiles)
	return first(err, c.Close())
}

// lockPatience is how long a store is waited for that another process has: one
// whose mount was just unmounted may be about to end.
const lockPatience = time.Second

func (a *app) openEngine(create bool) (*embedded.Store, error) {
	dir, err := a.storeDir()
	if err != nil {
		return nil, err
	}
	for begin := time.Now(); ; time.Sleep(lockPatience / 50) {
		engine, err := embedded.Open(dir, embedded.Options{Create: create, Logger: a.log})
		switch {
		case errors.Is(err, blockstore.NotFound):
			return nil, advised{err, "make a store with `cairn format` or `cairn up`, or name another with --store"}
		case !errors.Is(err, blockstore.Locked) || time.Since(begin) > lockPatience:
			return engine, err
		}
	}
}

// during runs work while the services run, ends them after it, and waits until
// they have. A service that fails ends work.
func during(ctx context.Context, work func(context.Context) error, services ...func(context.Context) error) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	working, fail := context.WithCancel(ctx)
	defer fail()
	var g errgroup.Group
	for _, serve := range services {
		g.Go(func() error {
			err := serve(serving)
			if serving.Err() != nil && errors.Is(err, context.Canceled) {
				return nil
			}
			if err != nil {
				fail()
			}
			return err
		})
	}
	err := work(working)
	stop()
	served := g.Wait()
	if served != nil { // then work may have failed only because of that
		return served
	}
	return err
}

// first is the first error that there is.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// openVolume opens the volume of a store, and makes it if it is to.
func (a *app) openVolume(ctx context.Context, s blockstore.Store, o opening) (*namespace.Volume, error) {
	opts := namespace.Options{Logger: a.log, Exclusive: true, Command: o.command}
	vol, err := namespace.Open(ctx, s, opts)
	if !errors.Is(err, blockstore.NotFound) || !o.create {
		return vol, err
	}
	if err := namespace.Format(ctx, s, o.settings()); err != nil {
		return nil, err
	}
	return namespace.Open(ctx, s, opts)
}

func (o opening) settings() namespace.Settings {
	if o.format != nil {
		return *o.format
	}
	return namespace.DefaultSettings()
}

// storeDir is the directory of the store.
func (a *app) storeDir() (string, error) {
	if scheme, _, ok := strings.Cut(a.storeURL, "://"); ok {
		return "", usagef("open store %s: %s stores are not in this version of cairn: name a directory", a.storeURL, scheme)
	}
	return expand(a.storeURL)
}
