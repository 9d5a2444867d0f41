package fusefs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"bazil.org/fuse"
	"github.com/cairnfs/cairn/blockstore"
	"golang.org/x/sys/unix"
)

// idleReaders is how many workers wait for requests when there are none: one
// to take the next request while another is at work. More only spread the
// requests over more threads.
const idleReaders = 2

// Server answers the kernel for one mount.
type Server struct {
	backend Backend
	opts    Options
	log     *slog.Logger
	point   string // the mountpoint, absolute
	device  device
	dog     *watchdog

	conn    *fuse.Conn
	fd      int // of conn: for replies that the library can't send
	nodes   *nodes
	handles handles
	stale   invalidator

	// Workers. idle counts those that wait for a request.
	idle, busy atomic.Int32
	running    sync.WaitGroup
	failure    atomic.Pointer[error] // the first that ended a worker
	abandoned  atomic.Bool           // see abandon

	mu      sync.Mutex
	workers map[*worker]struct{}

	watches sync.WaitGroup // of interrupted requests
}

// Serve answers requests until the file system is unmounted, or ctx is done: then
// it unmounts it, at once even if programs still use it. Files that were left
// open are closed before it returns.
func (s *Server) Serve(ctx context.Context) error {
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ended := make(chan struct{})
	go func() {
		s.start(background)
		s.running.Wait()
		close(ended)
	}()
	var helpers sync.WaitGroup
	helpers.Go(func() { s.stale.serve(background, s) })
	helpers.Go(func() { s.listen(background) })

	var stopErr error
	select {
	case <-ended:
	case <-ctx.Done():
		if stopErr = s.stop(ended); stopErr != nil {
			s.abandoned.Store(true)
			return errors.Join(stopErr, s.handles.closeAll(background))
		}
	}
	cancel()
	s.watches.Wait()
	helpers.Wait()
	return errors.Join(stopErr, s.close(context.WithoutCancel(ctx)))
}

// start starts the first workers, and returns when they all run.
func (s *Server) start(ctx context.Context) {
	for range idleReaders {
		s.spawn(ctx)
	}
}

// close gives back what the mount held.
func (s *Server) close(ctx context.Context) error {
	err := s.handles.closeAll(ctx)
	if gone := clearDead(s.point); err == nil {
		err = gone
	}
	devFuse.Lock()
	err = errors.Join(err, s.conn.Close())
	devFuse.Unlock()
	s.dog.dismiss()
	if f := s.failure.Load(); f != nil {
		err = errors.Join(blockstore.E("serve", s.point, blockstore.Other, *f), err)
	}
	return err
}

// spawn starts one more worker, unless there are enough at work: then requests
// wait in the kernel until one is done.
func (s *Server) spawn(ctx context.Context) {
	if int(s.busy.Load()) >= s.opts.Workers {
		return
	}
	s.idle.Add(1)
	w := newWorker(s, ctx)
	s.mu.Lock()
	s.workers[w] = struct{}{}
	s.mu.Unlock()
	s.running.Go(func() {
		w.run(ctx)
		s.mu.Lock()
		delete(s.workers, w)
		s.mu.Unlock()
	})
}

// run reads requests and carries them out, as long as this worker is needed.
func (w *worker) run(ctx context.Context) {
	s := w.s
	for {
		r, err := s.conn.ReadRequest()
		if err == nil {
			s.busy.Add(1)
			if s.idle.Add(-1) == 0 {
				s.spawn(ctx)
			}
			w.serve(r)
			s.busy.Add(-1)
			if s.idle.Add(1) > idleReaders+1 {
				s.idle.Add(-1)
				return
			}
			continue
		}
		if !s.readAgain(err) {
			s.idle.Add(-1)
			return
		}
	}
}

// readAgain says whether a failed read was only unlucky.
func (s *Server) readAgain(err error) bool {
	var errno unix.Errno
	switch {
	case errors.Is(err, io.EOF):
		return false
	case !errors.As(err, &errno):
		// A malformed request: nobody waits for what the kernel never sends.
		s.log.Error("request not understood", "err", err)
		return true
	case errno == unix.EINTR, errno == unix.EAGAIN, errno == unix.ENOENT:
		return true // ENOENT: the request was withdrawn while it was read
	case errno == unix.ECONNABORTED, errno == unix.ENODEV:
		return false
	}
	s.failure.CompareAndSwap(nil, &err)
	return false
}

// How long stop waits for programs to let go, and how often it tries again.
const (
	stopPatience = time.Second
	stopRetry    = 20 * time.Millisecond
)

// stop unmounts. For a while it tries the clean way; programs that hold on longer
// lose the file system, after what they changed through mappings was written.
func (s *Server) stop(ended <-chan struct{}) error {
	for deadline := time.Now().Add(stopPatience); time.Now().Before(deadline); {
		if mountedFrom(s.point, s.device) && detach(s.point, false) == nil {
			<-ended
			return nil
		}
		if waitFor(ended, stopRetry) {
			return nil
		}
	}
	s.log.Warn("programs still use the mount and lose it now")
	if mountedFrom(s.point, s.device) {
		syncMount(s.point)
		if err := detach(s.point, true); err != nil {
			return err
		}
	}
	if err := s.device.abort(); err != nil {
		return blockstore.E("unmount", s.point, blockstore.Busy,
			fmt.Errorf("programs keep it until this process ends: %w", err))
	}
	<-ended
	return nil
}

// waitFor waits until the channel is closed, which it reports, but not longer
// than d.
func waitFor(ended <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ended:
		return true
	case <-t.C:
		return false
	}
}
