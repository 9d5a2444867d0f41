package cache_test

import (
	"context"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/blockstoretest"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/cache"
)

// served is a cache with its read-ahead running until it is closed.
type served struct {
	*cache.Cache
	cancel context.CancelFunc
	serve  errgroup.Group
}

func (s *served) Close() error {
	s.cancel()
	if err := s.serve.Wait(); err != nil {
		return err
	}
	return s.Cache.Close()
}

func open(inner blockstore.Store, o cache.Options) *served {
	ctx, cancel := context.WithCancel(context.Background())
	s := &served{Cache: cache.New(inner, o), cancel: cancel}
	s.serve.Go(func() error { return s.Serve(ctx) })
	return s
}

func TestConformance(t *testing.T) {
	sizes := map[string]int64{"large": 0, "small": 2 << 20, "tiny": 1}
	for name, bytes := range sizes {
		t.Run(name, func(t *testing.T) {
			o := cache.Options{Bytes: bytes}
			blockstoretest.Suite{
				Open: func(*testing.T) blockstore.Store { return open(memstore.New(), o) },
				OpenForgetful: func(*testing.T) blockstore.Store {
					return open(memstore.NewWith(memstore.Options{KeepEvents: 500}), o)
				},
			}.Run(t)
		})
	}
}
