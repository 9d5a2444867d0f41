package fusefs

import (
	"context"
	"sync"

	"bazil.org/fuse"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"golang.org/x/sys/unix"
)

// worker carries out one request at a time. Its buffers serve all of them.
type worker struct {
	s *Server

	// out is the reply: room for the header, then what follows it. pieces
	// follow that without being copied.
	out    []byte
	pieces [][]byte
	vector [][]byte // out and pieces, for writev

	// ctx is that of the present request, and of the next ones until it is
	// canceled. Only the worker itself replaces it.
	ctx  context.Context //nolint:containedctx // reused from request to request
	base context.Context //nolint:containedctx // what ctx is made of

	mu     sync.Mutex // guards what follows, and canceling
	id     fuse.RequestID
	pid    uint32
	cancel context.CancelFunc
}

// firstBuffer holds any reply but READ's and READDIR's.
const firstBuffer = 4096 + headerSize

func newWorker(s *Server, base context.Context) *worker {
	w := &worker{s: s, out: make([]byte, headerSize, firstBuffer), base: base}
	w.ctx, w.cancel = context.WithCancel(base)
	return w
}

// serve carries out a request and replies.
func (w *worker) serve(r fuse.Request) {
	h := r.Hdr()
	switch r := r.(type) {
	case *fuse.ForgetRequest:
		w.s.nodes.forget(uint64(r.Node), r.N)
		r.Respond()
		return
	case *fuse.BatchForgetRequest:
		for _, f := range r.Forget {
			w.s.nodes.forget(uint64(f.NodeID), f.N)
		}
		r.Respond()
		return
	case *fuse.InterruptRequest:
		w.s.interrupt(r)
		return
	}
	w.begin(h)
	err := w.dispatch(r)
	w.end()
	w.reply(h, err)
}

// begin makes the request known to those that may want to cancel it.
func (w *worker) begin(h *fuse.Header) {
	w.mu.Lock()
	w.id, w.pid = h.ID, h.Pid
	w.mu.Unlock()
}

// end makes sure that the next request has a fresh context.
func (w *worker) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.id, w.pid = 0, 0
	if w.ctx.Err() != nil && w.base.Err() == nil {
		w.cancel()
		w.ctx, w.cancel = context.WithCancel(w.base)
	}
}

// reply sends out and pieces, or the errno of err, and gives the request's
// buffer back. A reply that fails is for a request that nobody waits for any
// more: the connection is gone.
func (w *worker) reply(h *fuse.Header, err error) {
	code := int32(0)
	if err != nil {
		w.out, w.pieces = w.out[:headerSize], w.pieces[:0]
		code = -int32(errnoOf(err))
	}
	size := len(w.out)
	for _, p := range w.pieces {
		size += len(p)
	}
	putHeader(w.out, size, code, uint64(h.ID))
	if len(w.pieces) == 0 {
		_, _ = unix.Write(w.s.fd, w.out)
	} else {
		w.vector = append(append(w.vector[:0], w.out), w.pieces...)
		_, _ = unix.Writev(w.s.fd, w.vector)
		clear(w.vector)
		clear(w.pieces)
		w.pieces = w.pieces[:0]
	}
	w.out = w.out[:headerSize]
	release(h)
}

// release gives the buffer of a request back to the library without a reply,
// for which only FORGET has a method.
func release(h *fuse.Header) { (&fuse.ForgetRequest{Header: *h}).Respond() }

// entry replies with a node that was found or made.
func (w *worker) entry(a *namespace.Attr, parent fuse.NodeID, name string) *node {
	n := w.s.nodes.enter(a, uint64(parent), name)
	w.out = appendEntry(w.out, n.num, n.gen, w.s.opts.CacheFor, a)
	return n
}

// attr replies with the attributes of a node.
func (w *worker) attr(n *node, a *namespace.Attr) {
	n.sawMode(a.Mode)
	w.out = appendAttrOut(w.out, w.s.opts.CacheFor, a)
}

// node finds the node of a request.
func (w *worker) node(num fuse.NodeID) (*node, error) { return w.s.nodes.get(uint64(num)) }
