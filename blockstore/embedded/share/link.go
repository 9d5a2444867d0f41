package share

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// link is a guest's connection to the owner.
type link struct {
	*wire
	owner string // which process it is

	mu    sync.Mutex
	last  uint64
	calls map[uint64]chan frame // who waits for which answer; nil once it is over
}

// dial connects to the owner at an address; the error is errGone if there is none.
func dial(ctx context.Context, address string, name blockstore.ID) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, helloWait)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", address)
	if err != nil {
		return nil, errGone
	}
	w := newWire(conn.(*net.UnixConn))
	stop := context.AfterFunc(ctx, w.close)
	owner, err := greet(w, name)
	if err == nil && !stop() {
		err = errGone
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return &link{wire: w, owner: owner, calls: make(map[uint64]chan frame)}, nil
}

// call asks the owner. The error is errGone if the connection ended before the answer,
// and that of ctx if that did.
func (l *link) call(ctx context.Context, v verb, body []byte) ([]byte, error) {
	answer := make(chan frame, 1)
	number, ok := l.begin(answer)
	if !ok {
		return nil, errGone
	}
	l.send(frame{number, v, body})
	select {
	case f, ok := <-answer:
		if !ok {
			return nil, errGone
		}
		return outcome(f)
	case <-ctx.Done():
		l.forget(number)
		l.send(frame{call: number, verb: cancel})
		return nil, ctx.Err()
	}
}

// outcome is what an answer says.
func outcome(f frame) ([]byte, error) {
	if f.verb == answered {
		return f.body, nil
	}
	var e failure
	if err := decode(f.body, &e); err != nil {
		return nil, err
	}
	return nil, e.error()
}

func (l *link) begin(answer chan frame) (uint64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls == nil {
		return 0, false
	}
	l.last++
	l.calls[l.last] = answer
	return l.last, true
}

func (l *link) forget(number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.calls, number)
}

// run hands the answers out until the connection ends.
func (l *link) run() {
	defer l.end()
	for {
		f, err := l.receive()
		if err != nil {
			return
		}
		l.deliver(f)
	}
}

func (l *link) deliver(f frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if answer, ok := l.calls[f.call]; ok {
		delete(l.calls, f.call)
		answer <- f
	}
}

// end closes the connection, and says so to whoever waits for an answer.
func (l *link) end() {
	l.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, answer := range l.calls {
		close(answer)
	}
	l.calls = nil
}

// follow runs the link until it ends or ctx is done. Then it makes durable what the
// guest has committed.
func (l *link) follow(ctx context.Context) {
	ended := make(chan struct{})
	var leaving sync.WaitGroup
	leaving.Go(func() {
		select {
		case <-ended:
		case <-ctx.Done():
			l.leave(context.WithoutCancel(ctx))
		}
	})
	l.run()
	close(ended)
	leaving.Wait()
}

// leaveWait bounds how long an owner may take for the last sync of a guest.
const leaveWait = 10 * time.Second

// leave ends the link. If the owner does not answer, the commits are pushed at least,
// and whoever has the store next syncs them.
func (l *link) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveWait)
	defer cancel()
	_, _ = l.call(ctx, syncAll, nil)
	l.close()
}
