package share

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/embedded"
)

// Options of a shared store; the zero value is ready to use.
type Options struct {
	// Engine is for the time when this process owns the store.
	Engine embedded.Options
	// Runtime is the directory of the socket. Default: $XDG_RUNTIME_DIR, /run/user/UID
	// or /tmp/cairn-UID.
	Runtime string
}

// Store is a store that other processes may use at the same time. It is safe for
// concurrent use. Calls of a guest wait for Serve, and for an owner.
type Store struct {
	dir    string
	opts   Options
	log    *slog.Logger
	name   blockstore.ID // of this guest
	reader *embedded.Reader

	// engine is the store if we own it; nobody takes that from us.
	engine atomic.Pointer[embedded.Store]

	// mu guards what follows. Nobody does anything else while it is held.
	mu       sync.Mutex
	listener *net.UnixListener // of an owner; may be nil
	link     *link             // to the owner, if that is another; nil between two
	over     error             // why there will be no owner any more
	changed  chan struct{}     // closed when one of these changes
	removed  *simplelru.LRU[blockstore.SegmentID, none]
}

var _ blockstore.Store = (*Store)(nil)

const (
	// openWait is how long Open waits for a process that has the lock, but does not
	// answer: it may be about to end, or recover the store.
	openWait = 30 * time.Second
	// A lost owner is looked for again and again.
	shortPause = time.Millisecond
	longPause  = 50 * time.Millisecond
	// maxRemoved is of how many segments a guest knows that it removed blocks. An
	// engine finishes its removals before there are as many.
	maxRemoved = 4096
)

// Open opens the store in dir, as its owner or as a guest of who owns it. It starts
// nothing: see Serve. The errors are those of embedded.Open; but it is Locked only
// if the other process does not answer or is another version of cairn.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	s := &Store{
		dir: dir, opts: o, log: o.Engine.Logger,
		name:    blockstore.NewID(),
		reader:  embedded.NewReader(dir),
		changed: make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.removed, _ = simplelru.NewLRU[blockstore.SegmentID, none](maxRemoved, nil) // fails for sizes below 1 only
	waiting, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	if err := s.join(waiting); err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			err = blockstore.E("open store", dir, blockstore.Canceled, ctx.Err())
		}
		return nil, err
	}
	s.opts.Engine.Create = false // there is one
	return s, nil
}

// join becomes the owner, or a guest of the owner. It waits for one that does not
// answer until ctx is done; then the error says who that is.
func (s *Store) join(ctx context.Context) error {
	for pause := shortPause; ; pause = min(2*pause, longPause) {
		locked := s.own()
		if !errors.Is(locked, blockstore.Locked) {
			return locked
		}
		if err := s.visit(ctx); !errors.Is(err, errGone) {
			return err
		}
		wake := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			wake.Stop()
			return locked
		case <-wake.C:
		}
	}
}

// own takes the store, unless another process has it.
func (s *Store) own() error {
	engine, err := embedded.Open(s.dir, s.opts.Engine)
	if err != nil {
		return err
	}
	l, err := s.announce(engine)
	if err != nil {
		s.log.Warn("other processes can't use the store meanwhile", "error", err)
	}
	s.change(func() { s.listener = l })
	s.engine.Store(engine)
	s.change(func() {}) // for who looked in between
	return nil
}

// announce opens the socket and tells others where it is.
func (s *Store) announce(engine *embedded.Store) (*net.UnixListener, error) {
	at, err := address(s.opts.Runtime, s.dir)
	if err != nil {
		return nil, err
	}
	l, err := listen(at)
	if err != nil {
		return nil, err
	}
	if err := engine.Announce(at); err != nil {
		return nil, cmp.Or(l.Close(), err)
	}
	return l, nil
}

// visit becomes a guest of the owner. The error is errGone if there is none, or none
// yet.
func (s *Store) visit(ctx context.Context) error {
	_, at, err := embedded.Holder(s.dir)
	if err != nil {
		return err
	}
	if at == "" {
		return errGone
	}
	l, err := dial(ctx, at, s.name)
	if err != nil {
		if !errors.Is(err, errGone) {
			err = blockstore.E("open store", s.dir, blockstore.Other, err)
		}
		return err
	}
	s.change(func() { s.link = l })
	return nil
}

// change changes what mu guards, and wakes who waits for that.
func (s *Store) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Serve serves the other processes while this one owns the store, and does what is to
// be done when another one does. It returns nil when ctx is done, or the failure
// after which the store can't be used by this process any more.
func (s *Store) Serve(ctx context.Context) error {
	for {
		if engine := s.engine.Load(); engine != nil {
			return s.serveAsOwner(ctx, engine)
		}
		s.serveAsGuest(ctx)
		if ctx.Err() != nil {
			s.change(func() { s.over = blockstore.Closed })
			return nil
		}
		s.log.Debug("the process that had the store is gone", "store", s.dir)
		if err := s.join(ctx); err != nil && ctx.Err() == nil {
			s.change(func() { s.over = err })
			return err
		}
		if s.engine.Load() != nil {
			s.log.Info("took over the store from a process that ended", "store", s.dir)
		}
	}
}

func (s *Store) serveAsOwner(ctx context.Context, engine *embedded.Store) error {
	s.mu.Lock()
	l := s.listener
	s.mu.Unlock()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return engine.Serve(ctx) })
	if l != nil {
		group.Go(func() error { return newServer(engine, s.log).serve(ctx, l) })
	}
	return group.Wait()
}

// serveAsGuest returns when the owner is gone or ctx is done.
func (s *Store) serveAsGuest(ctx context.Context) {
	s.mu.Lock()
	l := s.link
	s.mu.Unlock()
	if l != nil {
		l.follow(ctx)
		s.lose(l)
	}
}

// lose forgets a link that ended.
func (s *Store) lose(l *link) {
	s.change(func() {
		if s.link == l {
			s.link = nil
		}
	})
}

// Close makes everything durable and releases the store; guests go on with another
// owner. Serve must have returned.
func (s *Store) Close() error {
	s.mu.Lock()
	listener, link := s.listener, s.link
	s.mu.Unlock()
	if link != nil {
		link.end()
	}
	if listener != nil {
		_ = listener.Close() // Serve has closed it, if there was one
	}
	if engine := s.engine.Load(); engine != nil {
		return engine.Close()
	}
	s.change(func() { s.over = blockstore.Closed })
	return nil
}
