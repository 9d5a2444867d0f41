package share

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/embedded"
)

// server is the owner's side.
type server struct {
	engine *embedded.Store
	log    *slog.Logger

	mu     sync.Mutex
	guests map[blockstore.ID]*guest // the newest connection of each
}

func newServer(engine *embedded.Store, log *slog.Logger) *server {
	return &server{engine: engine, log: log, guests: make(map[blockstore.ID]*guest)}
}

// serve serves guests until ctx is done. Then it finishes the calls that have begun.
func (v *server) serve(ctx context.Context, l *net.UnixListener) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var guests sync.WaitGroup
	defer guests.Wait()
	for {
		conn, err := l.AcceptUnix()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case err != nil: // such as too many open files
			v.log.Warn("a process can't be served", "error", err)
			pause(ctx)
		default:
			guests.Go(func() { v.host(ctx, newWire(conn)) })
		}
	}
}

func pause(ctx context.Context) {
	t := time.NewTimer(longPause)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// host serves one connection.
func (v *server) host(ctx context.Context, w *wire) {
	defer w.close()
	_ = w.conn.SetDeadline(time.Now().Add(helloWait))
	stop := context.AfterFunc(ctx, func() { _ = w.conn.SetDeadline(time.Now()) })
	name, err := welcome(w)
	if !stop() {
		return
	}
	if err != nil {
		v.log.Warn("a process was turned away", "error", err)
		return
	}
	_ = w.conn.SetDeadline(time.Time{})
	g := newGuest(v.engine, w)
	defer close(g.gone)
	v.admit(name, g)
	defer v.forget(name, g)
	g.serve(ctx)
}

// admit waits until the guest's connection before this one is done with: so that
// nothing is carried out any more that this one may ask for again.
func (v *server) admit(name blockstore.ID, g *guest) {
	v.mu.Lock()
	before := v.guests[name]
	v.guests[name] = g
	v.mu.Unlock()
	if before != nil {
		before.close()
		<-before.gone
	}
}

func (v *server) forget(name blockstore.ID, g *guest) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.guests[name] == g {
		delete(v.guests, name)
	}
}
