package gatewaylite

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

const (
	headerTime = 20 * time.Second // from the first byte of a header to its last
	idleTime   = 2 * time.Minute  // of a connection between two requests
	// headerSlack is how much more of a header the server takes in than is
	// allowed, so that its sender hears an error of S3.
	headerSlack = 64 << 10
)

// Serve answers on ln until ctx is done, then lets requests finish, for as long as
// Limits.Grace. It closes ln, and returns when no request is left.
func (g *Gateway) Serve(ctx context.Context, ln net.Listener) error {
	defer g.md5s.serve()()
	srv := g.server()
	served := make(chan error, 1)
	go func() { served <- g.accept(srv, ln) }()
	select {
	case err := <-served:
		_ = srv.Close() // what matters is why it does not accept any more
		g.drain()
		return blockstore.E("serve", ln.Addr().String(), blockstore.Other, err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.opts.Limits.Grace)
	defer cancel()
	err := srv.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	<-served
	g.drain()
	return err
}

func (g *Gateway) server() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // as S3
	return &http.Server{
		Handler:           g.Handler(),
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    g.opts.Limits.Header + headerSlack,
		TLSConfig:         g.opts.TLS,
		Protocols:         protocols,
		ErrorLog:          slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}
}

func (g *Gateway) accept(srv *http.Server, ln net.Listener) error {
	if g.opts.TLS != nil {
		return srv.ServeTLS(ln, "", "")
	}
	return srv.Serve(ln)
}

// drain waits for the handlers whose connections were cut.
func (g *Gateway) drain() {
	for range cap(g.slots) {
		g.slots <- struct{}{}
	}
	for range cap(g.slots) {
		<-g.slots
	}
}

// isHealth: /healthz is also the name of a bucket, which everybody who signs, or
// asks for more than that, can reach.
func isHealth(r *http.Request) bool {
	return r.URL.Path == "/healthz" && r.URL.RawQuery == "" && r.Header.Get("Authorization") == "" &&
		(r.Method == http.MethodGet || r.Method == http.MethodHead)
}

// health says whether the store answers.
func (g *Gateway) health(w http.ResponseWriter, r *http.Request) {
	_, err := g.vol.Bucket(r.Context(), "healthz")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err != nil && blockstore.KindOf(err) != blockstore.NotFound {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "the store does not answer\n")
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}
