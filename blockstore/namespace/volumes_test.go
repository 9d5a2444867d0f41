package namespace_test

import (
	"context"
	"errors"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/embedded"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// engines are the engines that the tests of this package run on.
var engines = map[string]func(t testing.TB) blockstore.Store{
	"memstore": func(testing.TB) blockstore.Store { return memstore.New() },
	"embedded": func(t testing.TB) blockstore.Store {
		s, end, err := serve(t.TempDir(), embedded.Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := end(); err != nil {
				t.Error(err)
			}
		})
		return s
	},
}

// noHistory are settings under which what is removed goes to the collector at
// once.
var noHistory = namespace.Settings{BlockSize: blockstore.MaxBlock}

// serve opens an embedded store and serves it until end is called.
func serve(dir string, o embedded.Options) (s *embedded.Store, end func() error, err error) {
	s, err = embedded.Open(dir, o)
	if err != nil {
		return nil, nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	return s, func() error {
		stop()
		return errors.Join(<-served, s.Close())
	}, nil
}

// begin begins a session on a store, and ends it at the end of the test with a
// check of the volume.
func begin(t testing.TB, s blockstore.Store, set namespace.Settings) *namespacetest.Session {
	t.Helper()
	session, err := namespacetest.Begin(s, set, namespace.Options{Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.End(); err != nil {
			t.Error(err)
		}
	})
	return session
}
