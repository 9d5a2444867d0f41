package embedded

import (
	"context"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"golang.org/x/sync/errgroup"
)

const (
	// pushDelay is from a commit to its push to the system, which must be done
	// after 10 ms.
	pushDelay = 4 * time.Millisecond
	// syncEvery is how often lazy commits are synced; they are promised to be
	// after 5 s.
	syncEvery = 4 * time.Second
	// reclaimEvery is how often what was removed is removed on disk.
	reclaimEvery = time.Second
	// tidyEvery is how often the feed is trimmed and the ballast looked after.
	tidyEvery = time.Minute
)

// Serve does the background work: it keeps the promises of Lazy commits, removes
// files, and trims the feed. It returns nil when ctx is done, or the failure after
// which the store can't be written any more.
func (s *Store) Serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.pushLazy(ctx) })
	group.Go(func() error { return s.every(ctx, syncEvery, s.tail.long, s.Sync) })
	group.Go(func() error { return s.every(ctx, reclaimEvery, nil, s.reclaim) })
	group.Go(func() error { return s.every(ctx, tidyEvery, nil, s.tidy) })
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

// every calls work again and again, and when it is asked for; what fails is tried
// again at the next turn.
func (s *Store) every(ctx context.Context, period time.Duration, asked <-chan struct{}, work func(context.Context) error) error {
	ticks := time.NewTicker(period)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		case <-asked:
		}
		if err := work(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("background work failed", "error", err)
		}
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
		if err := s.push(); err != nil {
			return err
		}
	}
}

// push makes what was committed survive a kill.
func (s *Store) push() error {
	s.mu.Lock()
	last := s.last // it went to the tail's buffer with mu held
	s.mu.Unlock()
	if s.tail.write(s.synced.Load()) {
		raise(&s.pushed, last)
		return nil
	}
	return s.syncLog("push log")
}

// Sync makes every commit durable.
func (s *Store) Sync(ctx context.Context) error {
	const op = "sync"
	if err := s.usable(ctx, op, s.dir); err != nil {
		return err
	}
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	if s.synced.Load() >= last {
		return s.health.check(op, s.dir)
	}
	return s.syncLog(op)
}

// syncLog makes every batch durable that is in the log.
func (s *Store) syncLog(op string) error {
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
