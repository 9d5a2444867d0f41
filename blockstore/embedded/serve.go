package embedded

import (
	"context"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"golang.org/x/sync/errgroup"
)

const (
	// pushDelay is from a lazy commit to its push to the system, which must be
	// done after 10 ms.
	pushDelay = 6 * time.Millisecond
	// syncEvery is how often lazy commits are synced; they are promised to be
	// after 5 s.
	syncEvery = 4 * time.Second
	// reclaimEvery is how often what was removed is removed on disk.
	reclaimEvery = time.Second
	// tidyEvery is how often the feed is trimmed and the ballast looked after.
	tidyEvery = time.Minute

	// walBlock is the unit in which Pebble writes its log when nobody asks for a
	// sync: filling one writes all before it.
	walBlock = 32 << 10
	// maxPadding is how much padding makes a new log worth its flush: padding
	// fills the log, but not the memtable whose end ends the log.
	maxPadding = 256 << 20
)

// Serve does the background work: it keeps the promises of Lazy commits, removes
// files, and trims the feed. It returns nil when ctx is done, or the failure after
// which the store can't be written any more.
func (s *Store) Serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.pushLazy(ctx) })
	group.Go(func() error { return s.every(ctx, syncEvery, s.syncLazy) })
	group.Go(func() error { return s.every(ctx, reclaimEvery, s.reclaim) })
	group.Go(func() error { return s.every(ctx, tidyEvery, s.tidy) })
	group.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-s.health.failed:
			return s.health.check("serve", s.dir)
		}
	})
	return group.Wait()
}

// every calls work again and again; what fails is tried again at the next turn.
func (s *Store) every(ctx context.Context, period time.Duration, work func(context.Context) error) error {
	ticks := time.NewTicker(period)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
		if err := work(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("background work failed", "error", err)
		}
	}
}

// loggedLazy notes that something was logged without a sync. The caller holds mu.
func (s *Store) loggedLazy() {
	s.unsynced.Store(true)
	if !s.lazy.Load() && s.lazy.CompareAndSwap(false, true) {
		s.pushes <- struct{}{} // has room: lazy was false
	}
}

// pushLazy gives lazy commits to the system soon after they were made.
func (s *Store) pushLazy(ctx context.Context) error {
	timer := time.NewTimer(pushDelay)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.pushes:
		}
		timer.Reset(pushDelay)
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		s.lazy.Store(false)
		if err := s.push(); err != nil {
			return err
		}
	}
}

// push fills a block of the log, so that Pebble writes it and all before it to the
// system, without syncing it.
func (s *Store) push() error {
	if !s.unsynced.Load() {
		return nil // a sync came first
	}
	b := s.db.NewBatch()
	defer b.Close()
	_ = b.LogData(make([]byte, walBlock), nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.apply("push log", s.dir, b, pebble.NoSync); err != nil {
		return err
	}
	if s.padding.Add(walBlock) < maxPadding {
		return nil
	}
	s.padding.Store(0)
	return s.write("push log", s.dir, func() error {
		_, err := s.db.AsyncFlush()
		return err
	})
}

// syncLazy syncs if there is anything to sync.
func (s *Store) syncLazy(ctx context.Context) error {
	if !s.unsynced.Load() {
		return nil
	}
	return s.syncLog(ctx)
}

// Sync makes every block and commit durable.
func (s *Store) Sync(ctx context.Context) error {
	if err := s.usable(ctx, "sync", s.dir); err != nil {
		return err
	}
	if err := s.segs.syncAll(); err != nil {
		s.health.fail(err)
		return s.health.check("sync", s.dir)
	}
	return s.syncLog(ctx)
}

// syncLog makes every commit durable that is in the log.
func (s *Store) syncLog(ctx context.Context) error {
	const op = "sync"
	if err := s.usable(ctx, op, s.dir); err != nil {
		return err
	}
	// Before the log, so that it does not wait with others behind it.
	if err := s.segs.syncOwed(); err != nil {
		s.health.fail(err)
		return s.health.check(op, s.dir)
	}
	b := s.db.NewBatch()
	_ = b.LogData([]byte{0}, nil)
	s.mu.Lock()
	last := s.last
	err := s.apply(op, s.dir, b, pebble.Sync)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.await(op, s.dir, b, last)
}

// await waits until a batch is durable, and with it all commits up to a number.
func (s *Store) await(op, name string, b *pebble.Batch, number uint64) error {
	if err := b.SyncWait(); err != nil {
		s.health.fail(err)
	}
	if err := s.health.check(op, name); err != nil {
		return err
	}
	raise(&s.synced, number)
	return b.Close()
}

// tidy looks after what changes slowly.
func (s *Store) tidy(context.Context) error {
	if err := s.room.refill(); err != nil {
		return fault("make ballast", s.dir, err)
	}
	return s.trimFeed(time.Now())
}

// raise makes n at least v.
func raise(n interface {
	Load() uint64
	CompareAndSwap(old, v uint64) bool
}, v uint64) {
	for old := n.Load(); old < v && !n.CompareAndSwap(old, v); old = n.Load() {
	}
}
