package gatewaylite_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite"
)

// lockedBuffer is a log that is written and read at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestAccessLog: each request is one line of the format of S3, whatever a client puts
// into it.
func TestAccessLog(t *testing.T) {
	var log lockedBuffer
	w := worldOn(t, memstore.New(), gatewaylite.Options{AccessLog: &log})
	w.root.bucket("photos")
	w.root.put("photos", "a b", "hello")
	w.root.do("GET", "/photos/a%20b", "", "User-Agent", `x" y`)
	w.anonymous("GET", "/photos/a%0Ab", "", "Referer", "http://r")
	at := `\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] 127\.0\.0\.1`
	want := []string{
		`[0-9a-f]{64} photos ` + at + ` root [A-Z0-9]{16} REST\.GET\.OBJECT a%20b "GET /photos/a%20b HTTP/1\.1" 200 - 5 5 \d+ - "-" "x_ y" - \S+ SigV4 - AuthHeader ` + regexp.QuoteMeta(w.addr) + ` - - -`,
		`[0-9a-f]{64} photos ` + at + ` - [A-Z0-9]{16} REST\.GET\.OBJECT a%0Ab "GET /photos/a%0Ab HTTP/1\.1" 403 AccessDenied \d+ - \d+ - "http://r" "[^"]*" - \S+ - - - ` + regexp.QuoteMeta(w.addr) + ` - - -`,
	}
	w.await(func() bool { return strings.Count(log.String(), "\n") == 4 })
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	for i, want := range want {
		if got := lines[len(lines)-2+i]; !regexp.MustCompile("^" + want + "$").MatchString(got) {
			t.Errorf("line is %s\nwant %s", got, want)
		}
	}
}

// await asks until it is so: an answer is sent before its line is written.
func (w *world) await(so func() bool) {
	w.t.Helper()
	for range 10_000 {
		if so() {
			return
		}
		w.anonymous("GET", "/healthz", "") // which is not logged, and takes a moment
	}
	w.t.Fatal("it never came to pass")
}

// TestMetrics: requests are counted by operation and status.
func TestMetrics(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	w.root.put("photos", "a", "hello")
	w.root.do("GET", "/photos/a", "")
	w.root.do("GET", "/photos/b", "")
	metrics := func() string {
		r := httptest.NewRecorder()
		w.gw.Metrics().ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return r.Body.String()
	}
	for _, want := range []string{
		`cairn_s3_requests_total{operation="GetObject",status="200"} 1`, `cairn_s3_requests_total{operation="GetObject",status="404"} 1`,
		`cairn_s3_requests_total{operation="PutObject",status="200"} 1`, `cairn_s3_request_seconds_count{operation="GetObject"} 2`,
		"cairn_s3_requests_in_flight 0",
	} {
		w.await(func() bool { return strings.Contains(metrics(), want) })
	}
}

// TestGraceful: a request under way is finished when the gateway is told to go.
func TestGraceful(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.addr = ln.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- w.gw.Serve(ctx, ln) }()
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, w.root.signed("PUT", "/photos/a", 10, "hello")); err != nil {
		t.Fatal(err)
	}
	w.await(func() bool { return strings.Contains(w.metrics(), "cairn_s3_requests_in_flight 1") })
	stop()
	if _, err := io.WriteString(c, "world"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 OK") {
		t.Errorf("the answer is %s, %v", answer, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", w.addr); err == nil {
		t.Error("it still listens")
	}
}

func (w *world) metrics() string {
	r := httptest.NewRecorder()
	w.gw.Metrics().ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return r.Body.String()
}

// TestHosts: a bucket may come in the name of the host.
func TestHosts(t *testing.T) {
	w := worldOn(t, memstore.New(), gatewaylite.Options{Domain: "s3.test"})
	w.root.bucket("photos")
	w.root.put("photos", "d/a", "hello")
	w.root.do("PUT", "/photos?acl", "", "X-Amz-Acl", "public-read").want(t, 200, "")
	w.root.do("PUT", "/photos/d/a?acl", "", "X-Amz-Acl", "public-read").want(t, 200, "")
	ask := func(host, path string, status int, text string) {
		t.Helper()
		r := w.request("GET", path, "")
		r.Host = host
		w.send(r).want(t, status, text)
	}
	ask("photos.s3.test:8484", "/d/a", 200, "hello")
	ask("photos.s3.test", "/", 200, "<Name>photos</Name>")
	ask("s3.test", "/photos/d/a", 200, "hello")
	ask("other.s3.test", "/d/a", 404, "NoSuchBucket")
}

// TestOtherDoors: what a mount makes is an object, whatever it is.
func TestOtherDoors(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	ctx := t.Context()
	b, err := w.vol.Bucket(ctx, "photos")
	if err != nil {
		t.Fatal(err)
	}
	mount := w.vol.Door("mount")
	if _, err := mount.Make(ctx, b.ID, "link", namespace.NewNode{Kind: namespace.Symlink, Mode: 0o777, Target: "some/where"}); err != nil {
		t.Fatal(err)
	}
	if _, err := mount.Make(ctx, b.ID, "dir", namespace.NewNode{Kind: namespace.Dir, Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
	w.root.do("GET", "/photos/link", "").want(t, 200, "some/where").headers(t, "X-Amz-Meta-Cairn-Symlink", "true", "ETag", fmt.Sprintf("%q", hexMD5("some/where")))
	w.root.do("HEAD", "/photos/dir/", "").want(t, 200, "").headers(t, "Content-Length", "0")
	w.root.do("GET", "/photos", "").want(t, 200, "<Key>dir/</Key>").want(t, 200, "<Size>10</Size>")
	w.root.do("PUT", "/photos/copy", "", "X-Amz-Copy-Source", "/photos/link").want(t, 200, "")
	w.root.do("GET", "/photos/copy", "").want(t, 200, "some/where")
	w.root.do("PUT", "/photos/dir/new", "from S3").want(t, 200, "")
	a, err := mount.Path(ctx, "photos/dir/new")
	if err != nil || a.Size != 7 || a.Mode != 0o644 {
		t.Errorf("the mount sees %+v, %v", a, err)
	}
}
