package share

import (
	"context"
	"sync"
	"time"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/embedded"
)

const (
	// maxCalls bounds what is done at once for one guest, watches aside; what is more
	// stays in the socket. maxLong bounds its scans, lists and watches; what is more
	// is refused.
	maxCalls = 128
	maxLong  = 1024
	// farewell is how long a guest may take for its last answers when the owner ends.
	farewell = time.Second
)

// guest is one connection, as the owner sees it.
type guest struct {
	*wire
	engine *embedded.Store
	slots  chan none
	calls  sync.WaitGroup
	gone   chan none // closed when nothing is done for it any more

	mu   sync.Mutex
	long map[uint64]context.CancelFunc // the calls that can be cancelled
}

func newGuest(e *embedded.Store, w *wire) *guest {
	return &guest{
		wire: w, engine: e, slots: make(chan none, maxCalls),
		gone: make(chan none), long: make(map[uint64]context.CancelFunc),
	}
}

// serve answers until the guest leaves or ctx is done; then it finishes what has begun,
// but for watches, which the guest begins again elsewhere.
func (g *guest) serve(ctx context.Context) {
	working, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	watching, endWatches := context.WithCancel(ctx)
	defer endWatches()
	stop := context.AfterFunc(ctx, func() {
		_ = g.conn.SetReadDeadline(time.Now())
		_ = g.conn.SetWriteDeadline(time.Now().Add(farewell))
	})
	defer stop()
	for {
		f, err := g.receive()
		if err != nil {
			break
		}
		switch f.verb {
		case cancel:
			g.cancel(f.call)
		case watch:
			g.begin(watching, f)
		case getRecord:
			if g.answerAtOnce(f) {
				continue
			}
			fallthrough
		default:
			g.slots <- none{}
			g.begin(working, f)
		}
	}
	endWatches()
	if ctx.Err() == nil { // the guest has left
		abandon()
	}
	g.calls.Wait()
}

// begin carries out one call on the side.
func (g *guest) begin(ctx context.Context, f frame) {
	ctx, err := g.admit(ctx, f)
	g.calls.Go(func() {
		defer g.ended(f)
		if err != nil {
			g.reply(f, nil, err)
			return
		}
		g.answer(ctx, f)
	})
}

// answerAtOnce answers for a record if that is in memory.
func (g *guest) answerAtOnce(f frame) bool {
	var key string
	if decode(f.body, &key) != nil {
		return false
	}
	value, v, ok := g.engine.GetAtOnce(key)
	if !ok {
		return false
	}
	body, err := encode(recordReply{Value: value, Version: v})
	g.reply(f, body, err)
	return true
}

// answer carries out a call, and replies when nothing of what it saw can be taken back
// by a kill.
func (g *guest) answer(ctx context.Context, f frame) {
	body, err := respond(ctx, g.engine, f.verb, f.body)
	if f.verb == putBlock {
		giveBack(f.body) // the store has written it
	}
	if failed := g.engine.Push(ctx); failed != nil {
		err = failed
	}
	switch blockstore.KindOf(err) {
	case blockstore.Canceled: // nobody waits for it
	case blockstore.Unavailable, blockstore.Closed:
		g.close() // we are as good as gone: the guest looks for another owner
	default:
		g.reply(f, body, err)
	}
}

func (g *guest) reply(f frame, body []byte, err error) {
	if err == nil {
		g.send(frame{f.call, answered, body})
		return
	}
	body, _ = encode(failureOf(err)) // it is made of texts
	g.send(frame{f.call, failed, body})
}

// admit makes a call that may take long one that can be cancelled.
func (g *guest) admit(ctx context.Context, f frame) (context.Context, error) {
	if f.verb != watch && f.verb != scan && f.verb != listBlocks {
		return ctx, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.long) >= maxLong {
		return nil, blockstore.E("ask", "", blockstore.Busy, nil)
	}
	ctx, g.long[f.call] = context.WithCancel(ctx)
	return ctx, nil
}

func (g *guest) ended(f frame) {
	g.cancel(f.call)
	if f.verb != watch {
		<-g.slots
	}
}

func (g *guest) cancel(call uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if stop, ok := g.long[call]; ok {
		stop()
		delete(g.long, call)
	}
}
