// Package memstore is the reference engine: a blockstore.Store in memory,
// simple enough to be seen to be right. Tests of everything above the engines
// run on it, and the other engines are measured against it.
//
// Nothing that outlives the process belongs here. It imports blockstore and a
// B-tree only.
package memstore

import (
	"context"
	"sync"

	"github.com/tidwall/btree"

	"github.com/cairnfs/cairn/blockstore"
)

// Options of a Store; the zero value is ready to use.
type Options struct {
	// Capacity is the room for blocks, in bytes; records take none. Past it
	// blocks are refused with NoSpace. Default 1 TiB.
	Capacity int64
	// KeepEvents is how many events the feed holds before the oldest expire.
	// Default 65536.
	KeepEvents int
}

// Store is an engine in memory. It is safe for concurrent use.
type Store struct {
	opts Options

	mu       sync.Mutex
	closed   bool
	records  btree.Map[string, record]
	blocks   *btree.BTreeG[block]
	used     int64 // bytes of all blocks
	last     uint64
	sessions map[blockstore.ID]*outcomes

	events   []blockstore.Event
	expired  int           // events that went before events[0]
	appended chan struct{} // closed, and made anew, when events grows
}

var _ blockstore.Store = (*Store)(nil)

// New returns an empty store with the default options.
func New() *Store { return NewWith(Options{}) }

// NewWith returns an empty store.
func NewWith(o Options) *Store {
	if o.Capacity == 0 {
		o.Capacity = 1 << 40
	}
	if o.KeepEvents == 0 {
		o.KeepEvents = 1 << 16
	}
	byID := func(a, b block) bool { return a.id.Compare(b.id) < 0 }
	return &Store{
		opts:     o,
		blocks:   btree.NewBTreeGOptions(byID, btree.Options{NoLocks: true}),
		sessions: make(map[blockstore.ID]*outcomes),
		appended: make(chan struct{}),
	}
}

// usable says why an operation can't begin. The caller holds mu.
func (s *Store) usable(ctx context.Context, op, name string) error {
	if s.closed {
		return blockstore.E(op, name, blockstore.Closed, nil)
	}
	if err := ctx.Err(); err != nil {
		return blockstore.E(op, name, blockstore.Canceled, err)
	}
	return nil
}

// Sync has nothing to wait for.
func (s *Store) Sync(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.usable(ctx, "sync", "")
}

// Space counts blocks against Options.Capacity.
func (s *Store) Space(ctx context.Context) (blockstore.Space, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx, "space", ""); err != nil {
		return blockstore.Space{}, err
	}
	free := s.opts.Capacity - s.used
	return blockstore.Space{Total: s.opts.Capacity, Free: free, Available: free}, nil
}

// Close makes every later call fail with Closed.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return blockstore.E("close", "", blockstore.Closed, nil)
	}
	s.closed = true
	close(s.appended)
	return nil
}
