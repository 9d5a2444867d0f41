package main

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/embedded"
	"github.com/cairnfs/cairn/blockstore/embedded/share"
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
		return a.withSession(func(session namespace.Options) error {
			session.Command = o.command
			vol, err := a.openVolume(ctx, s, o, session)
			if err != nil {
				return err
			}
			err = during(ctx, func(ctx context.Context) error { return work(ctx, vol) }, vol.Serve)
			return first(err, vol.Close(context.WithoutCancel(ctx)))
		})
	})
}

// withSession names a session, and lets all processes on the store know that it
// lives as long as work runs.
func (a *app) withSession(work func(namespace.Options) error) error {
	dir, err := a.storeDir()
	if err != nil {
		return err
	}
	session := blockstore.NewID()
	attendance, err := embedded.Attend(dir, session)
	if err != nil {
		return err
	}
	err = work(namespace.Options{
		Logger: a.log, Session: session,
		Alive: func(id blockstore.ID) bool { return embedded.Attended(dir, id) },
	})
	return first(err, attendance.Close())
}

// withStore opens the engine with the cache above it for as long as work runs.
func (a *app) withStore(ctx context.Context, create bool, work func(context.Context, blockstore.Store) error) error {
	engine, err := a.openEngine(ctx, create)
	if err != nil {
		return err
	}
	limitMemory(int64(a.cacheSize))
	c := cache.New(engine, cache.Options{Bytes: int64(a.cacheSize)})
	err = during(ctx, func(ctx context.Context) error { return work(ctx, c) }, engine.Serve, c.Serve, a.serveProfiles)
	return first(err, c.Close())
}

// openEngine opens the store, which other processes may use too.
func (a *app) openEngine(ctx context.Context, create bool) (*share.Store, error) {
	dir, err := a.storeDir()
	if err != nil {
		return nil, err
	}
	engine, err := share.Open(ctx, dir, share.Options{Engine: embedded.Options{Create: create, Logger: a.log}})
	if errors.Is(err, blockstore.NotFound) {
		err = advised{err, "make a store with `cairn format` or `cairn up`, or name another with --store"}
	}
	return engine, err
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
func (a *app) openVolume(ctx context.Context, s blockstore.Store, o opening, opts namespace.Options) (*namespace.Volume, error) {
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
