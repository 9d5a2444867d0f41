package gatewaylite_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/embedded"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
	"github.com/cairnfs/cairn/gatewaylite"
)

// world is a gateway that serves a volume on the loopback.
type world struct {
	t    testing.TB
	vol  *namespace.Volume
	gw   *gatewaylite.Gateway
	addr string
	root *user // an administrator
}

// user is somebody with keys.
type user struct {
	namespace.User
	secret string
	w      *world
	*minio.Client
}

var seal = namespace.SealKey{1, 2, 3}

// newWorld serves a volume in memory until the test ends; then the volume is checked.
func newWorld(t testing.TB) *world { return worldOn(t, memstore.New(), gatewaylite.Options{}) }

func worldOn(t testing.TB, s blockstore.Store, o gatewaylite.Options) *world {
	t.Helper()
	session, err := namespacetest.Begin(s, namespace.DefaultSettings(), namespace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.End(); err != nil {
			t.Error(err)
		}
	})
	o.Volume, o.Seal = session.Volume, seal
	gw, err := gatewaylite.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, vol: session.Volume, gw: gw}
	w.serve()
	w.root = w.user("root", true)
	return w
}

// serve answers on a free port of the loopback.
func (w *world) serve() {
	w.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.addr = ln.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- w.gw.Serve(ctx, ln) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			w.t.Errorf("serve: %v", err)
		}
	})
}

// user makes somebody.
func (w *world) user(name string, admin bool) *user {
	w.t.Helper()
	secret := "secret of " + name
	u, err := w.vol.AddUser(context.Background(), seal, namespace.User{Name: name, AccessKey: "KEY-" + name, Admin: admin}, secret)
	if err != nil {
		w.t.Fatal(err)
	}
	transport := &http.Transport{}
	w.t.Cleanup(transport.CloseIdleConnections)
	c, err := minio.New(w.addr, &minio.Options{
		Creds: credentials.NewStaticV4(u.AccessKey, secret, ""), Region: "us-east-1", Transport: transport, MaxRetries: 1,
		BucketLookup: minio.BucketLookupPath, TrailingHeaders: true,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return &user{User: u, secret: secret, w: w, Client: c}
}

// embeddedStore is an engine on disk.
func embeddedStore(t testing.TB) blockstore.Store {
	t.Helper()
	s, err := embedded.Open(t.TempDir(), embedded.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-served, s.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// reply is an answer as it came.
type reply struct {
	*http.Response
	body string
}

// request makes a request that is not signed. path is in percent form, with a query.
func (w *world) request(method, path, body string, headers ...string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+w.addr+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// do sends a request that the user signs.
func (u *user) do(method, path, body string, headers ...string) *reply {
	u.w.t.Helper()
	r := u.w.request(method, path, body, headers...)
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	return u.w.send(signer.SignV4(*r, u.AccessKey, u.secret, "", "us-east-1"))
}

// anonymous sends a request that nobody signed.
func (w *world) anonymous(method, path, body string, headers ...string) *reply {
	w.t.Helper()
	return w.send(w.request(method, path, body, headers...))
}

func (w *world) send(r *http.Request) *reply {
	w.t.Helper()
	c := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := c.Do(r)
	if err != nil {
		w.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return &reply{resp, string(b)}
}

// want fails the test unless the answer has the status and, if it is not empty, has
// the text in its body.
func (p *reply) want(t testing.TB, status int, text string) *reply {
	t.Helper()
	if p.StatusCode != status || !strings.Contains(p.body, text) {
		t.Errorf("%s %s: status %d, want %d with %q\n%s", p.Request.Method, p.Request.URL, p.StatusCode, status, text, p.body)
	}
	return p
}

// bucket makes a bucket.
func (u *user) bucket(name string) {
	u.w.t.Helper()
	if err := u.MakeBucket(u.w.t.Context(), name, minio.MakeBucketOptions{}); err != nil {
		u.w.t.Fatal(err)
	}
}

// put stores an object.
func (u *user) put(bucket, key, body string) {
	u.w.t.Helper()
	_, err := u.PutObject(u.w.t.Context(), bucket, key, strings.NewReader(body), int64(len(body)), minio.PutObjectOptions{})
	if err != nil {
		u.w.t.Fatalf("put %q: %v", key, err)
	}
}

// read is the body of an object.
func (u *user) read(bucket, key string) string {
	u.w.t.Helper()
	o, err := u.GetObject(u.w.t.Context(), bucket, key, minio.GetObjectOptions{})
	if err != nil {
		u.w.t.Fatal(err)
	}
	defer o.Close()
	b, err := io.ReadAll(o)
	if err != nil {
		u.w.t.Fatalf("get %q: %v", key, err)
	}
	return string(b)
}

// content is n bytes that are not alike.
func content(n int, seed byte) []byte {
	b := make([]byte, n)
	x := uint32(seed) + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func setDisabled(v bool) func(*namespace.User) error {
	return func(u *namespace.User) error { u.Disabled = v; return nil }
}
