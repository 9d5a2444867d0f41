package fusefs

import (
	"context"
	"sync"
	"time"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"golang.org/x/sys/unix"
)

// invalidator tells the kernel what its caches should drop. The kernel may keep
// such a message waiting until requests about the same thing were answered, so
// it is never sent by a worker, no lock is held meanwhile and nobody waits for
// it. What is asked for twice before it was sent is sent once.
type invalidator struct {
	mu      sync.Mutex
	pending map[place]extent
	queue   []place
	wake    chan struct{}
}

// extent is how much of a node to drop.
type extent uint8

const (
	attrOnly extent = iota
	withContent
)

// senders bounds how many messages wait in the kernel at once.
const senders = 4

func newInvalidator() invalidator {
	return invalidator{pending: make(map[place]extent), wake: make(chan struct{}, 1)}
}

// add asks for something to be dropped. It never blocks.
func (i *invalidator) add(p place, e extent) {
	i.mu.Lock()
	old, queued := i.pending[p]
	i.pending[p] = max(old, e)
	if !queued {
		i.queue = append(i.queue, p)
	}
	i.mu.Unlock()
	i.signal()
}

func (i *invalidator) signal() {
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// next takes one thing out of the queue.
func (i *invalidator) next() (p place, e extent, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.queue) == 0 {
		return place{}, 0, false
	}
	p, i.queue = i.queue[0], i.queue[1:]
	e = i.pending[p]
	delete(i.pending, p)
	return p, e, true
}

// serve sends until ctx is done.
func (i *invalidator) serve(ctx context.Context, s *Server) {
	var all sync.WaitGroup
	for range senders {
		all.Go(func() { i.send(ctx, s) })
	}
	all.Wait()
}

func (i *invalidator) send(ctx context.Context, s *Server) {
	var buf []byte
	for {
		p, e, ok := i.next()
		if ok {
			i.signal() // there may be more, for another sender
			buf = notification(buf[:0], p, e)
			// ENOENT: the kernel has nothing of it.
			_, _ = unix.Write(s.fd, buf)
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-i.wake:
		}
	}
}

// The kernel's codes of notifications.
const (
	notifyInvalInode = 2
	notifyInvalEntry = 3
	// expireOnly makes the kernel look a name up again before its next use. It is
	// better than dropping it, which takes the path from programs whose
	// working directory it is. Kernels before 6.2 drop it.
	expireOnly = 1
)

// notification is the message that drops something.
func notification(b []byte, p place, e extent) []byte {
	b = append(b, make([]byte, headerSize)...)
	b = wire.AppendUint64(b, p.num)
	code := int32(notifyInvalInode)
	if p.name == "" {
		off := int64(-1) // attributes alone
		if e == withContent {
			off = 0
		}
		b = wire.AppendUint64(b, uint64(off))
		b = wire.AppendUint64(b, 0) // to the end
	} else {
		code = notifyInvalEntry
		b = wire.AppendUint32(b, uint32(len(p.name)))
		b = wire.AppendUint32(b, expireOnly)
		b = append(append(b, p.name...), 0)
	}
	putHeader(b, len(b), code, 0)
	return b
}

// listen passes on the backend's hints until ctx is done.
func (s *Server) listen(ctx context.Context) {
	for ctx.Err() == nil {
		for h, err := range s.backend.Hints(ctx) {
			if err != nil {
				s.log.Error("hints of other doors", "err", err)
				h = namespace.Hint{All: true}
			}
			s.take(h)
		}
		// They should not have ended: what was missed is not known.
		if !waitFor(ctx.Done(), time.Second) {
			s.take(namespace.Hint{All: true})
		}
	}
}

// take drops what a hint is about. What the kernel was not told of, or has
// forgotten, needs nothing.
func (s *Server) take(h namespace.Hint) {
	if h.All {
		for _, p := range s.nodes.places() {
			s.stale.add(p, withContent)
		}
		return
	}
	if h.Name != "" {
		if dir := s.nodes.find(h.Dir); dir != nil {
			s.stale.add(place{dir.num, h.Name}, attrOnly)
			s.stale.add(place{num: dir.num}, attrOnly)
		}
		return
	}
	if n := s.nodes.find(h.Node); n != nil {
		n.changed.Store(true)
		n.mode.Store(0)
		s.stale.add(place{num: n.num}, withContent)
	}
}
