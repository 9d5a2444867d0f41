package gatewaylite

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/auth"
)

// Options of a gateway.
type Options struct {
	Volume *namespace.Volume // must be there
	// Seal opens the secrets of the volume's users.
	Seal namespace.SealKey
	// Region is the one that signatures must name. Default: us-east-1.
	Region string
	// Domain makes BUCKET.Domain address a bucket. Default: path style only.
	Domain string
	Logger *slog.Logger // default: none
	// AccessLog gets a line for each request, in the format of S3 server access
	// logs. Default: none.
	AccessLog io.Writer
	TLS       *tls.Config // default: plain HTTP
	Limits    Limits
}

// Limits keep clients from taking more than their share.
type Limits struct {
	Requests int           // at once; the others hear SlowDown. Default: 1,024
	Header   int           // bytes of a request's header. Default: 16 KiB
	Stall    time.Duration // in which a body must move by 64 KiB, or end. Default: 60 s
	Grace    time.Duration // that Serve leaves requests to finish in. Default: 30 s
}

func (o *Options) defaults() error {
	if o.Volume == nil {
		return blockstore.E("open", "gateway", blockstore.Invalid, errors.New("no volume"))
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Domain = strings.ToLower(strings.Trim(o.Domain, "."))
	l := &o.Limits
	if l.Requests == 0 {
		l.Requests = 1024
	}
	if l.Header == 0 {
		l.Header = 16 << 10
	}
	if l.Stall == 0 {
		l.Stall = time.Minute
	}
	if l.Grace == 0 {
		l.Grace = 30 * time.Second
	}
	return nil
}

// Gateway answers S3 requests from one volume. Its methods may be called
// concurrently.
type Gateway struct {
	opts     Options
	vol      *namespace.Volume
	door     *namespace.Door
	log      *slog.Logger
	users    *users
	verifier *auth.Verifier
	metrics  *metrics
	lines    *accessLog
	policies *parsed[*access.Policy]
	cors     *parsed[*access.CORS]
	hostID   string        // x-amz-id-2: which gateway it was
	slots    chan struct{} // a place for each request that is served
	md5s     md5s
}

// New makes a gateway; Invalid if it has no volume. The volume stays the caller's
// to serve and to close.
func New(o Options) (*Gateway, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	var host [24]byte
	rand.Read(host[:])
	g := &Gateway{
		opts: o, vol: o.Volume, door: o.Volume.Door("gateway"), log: o.Logger,
		users: newUsers(o.Volume, o.Seal), metrics: newMetrics(), lines: &accessLog{w: o.AccessLog},
		policies: newParsed(func(bucket string, doc []byte) (*access.Policy, error) {
			return access.ParsePolicy(bucket, doc, nil)
		}),
		cors:   newParsed(func(_ string, doc []byte) (*access.CORS, error) { return access.ParseCORS(doc) }),
		hostID: base64.StdEncoding.EncodeToString(host[:]), slots: make(chan struct{}, o.Limits.Requests),
	}
	g.verifier = &auth.Verifier{Keys: g.users, Region: o.Region}
	return g, nil
}

// Handler answers the S3 API, and GET or HEAD of /healthz.
func (g *Gateway) Handler() http.Handler { return http.HandlerFunc(g.serveHTTP) }

// Metrics answers with counters for Prometheus. It asks for no signature: serve
// it on an address of its own.
func (g *Gateway) Metrics() http.Handler { return g.metrics.handler() }
