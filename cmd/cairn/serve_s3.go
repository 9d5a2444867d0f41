package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite"
)

// openGateway begins to serve S3 in the group, and returns the endpoint and the keys
// of a user that it had to make.
func (a *app) openGateway(ctx context.Context, group *errgroup.Group, vol *namespace.Volume, c *gatewayConfig) (welcome, error) {
	var w welcome
	seal, err := sealKey(ctx, vol)
	if err != nil {
		return w, err
	}
	cert, err := c.certificate()
	if err != nil {
		return w, err
	}
	lines, err := a.accessLog(c.AccessLog)
	if err != nil {
		return w, err
	}
	g, err := gatewaylite.New(gatewaylite.Options{
		Volume: vol, Seal: seal, Region: c.Region, Domain: c.Domain, Logger: a.log, AccessLog: lines, TLS: cert,
	})
	if err != nil {
		return w, err
	}
	ln, err := listen(c.Listen)
	if err != nil {
		return w, err
	}
	if w.keys, err = firstUser(ctx, vol, seal); err == nil && c.MetricsListen != "" {
		err = serveMetrics(ctx, group, g, c.MetricsListen)
	}
	if err != nil {
		return w, errors.Join(err, ln.Close())
	}
	w.endpoint = c.endpoint(ln.Addr())
	a.warnOpen(ln.Addr(), cert)
	group.Go(func() error { return g.Serve(ctx, ln) })
	return w, nil
}

func listen(address string) (net.Listener, error) {
	ln, err := net.Listen("tcp", address)
	if err == nil {
		return ln, nil
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return nil, advised{blockstore.E("listen", address, osKind(err), err), "choose another address with --listen, or stop what listens there"}
}

// endpoint is the address that clients are given.
func (c *gatewayConfig) endpoint(at net.Addr) string {
	if c.TLSCert != "" {
		return "https://" + at.String()
	}
	return "http://" + at.String()
}

// certificate is what --tls-cert and --tls-key name; nil without them.
func (c *gatewayConfig) certificate() (*tls.Config, error) {
	if c.TLSCert == "" && c.TLSKey == "" {
		return nil, nil
	}
	if c.TLSCert == "" || c.TLSKey == "" {
		return nil, usagef("--tls-cert and --tls-key go together")
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, osError("load certificate", c.TLSCert, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// accessLog is where the lines of requests go. The file stays open as long as the
// process; it may be copied and truncated, for lines are appended.
func (a *app) accessLog(path string) (io.Writer, error) {
	switch path {
	case "":
		return nil, nil
	case "-":
		return a.out, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, osError("open access log", path, err)
	}
	return f, nil
}

// warnOpen: signatures keep secrets secret on a network, but not the content.
func (a *app) warnOpen(at net.Addr, cert *tls.Config) {
	if tcp, ok := at.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() && cert == nil {
		a.log.Warn("S3 is served to the network without TLS: others can read what is sent", "address", at)
	}
}

// serveMetrics serves /metrics in the group.
func serveMetrics(ctx context.Context, group *errgroup.Group, g *gatewaylite.Gateway, address string) error {
	ln, err := listen(address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", g.Metrics())
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	group.Go(func() error {
		err := srv.Serve(ln)
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
	group.Go(func() error {
		<-ctx.Done()
		return srv.Close()
	})
	return nil
}
