package gatewaylite_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/gatewaylite"
)

// raw sends bytes and gives what comes back until the gateway hangs up, or, if it
// does not, the first answer.
func (w *world) raw(text string) string {
	w.t.Helper()
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	var sending sync.WaitGroup
	sending.Go(func() { _, _ = io.WriteString(c, text) }) // which may be refused half way
	defer sending.Wait()
	defer c.Close()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	_ = resp.Write(&b)
	return b.String()
}

// signed is a signed request as it goes over the wire, with this body in place of the
// one that was signed.
func (u *user) signed(method, path string, length int, body string, headers ...string) string {
	u.w.t.Helper()
	r := u.w.request(method, path, "", headers...)
	if r.Header.Get("X-Amz-Content-Sha256") == "" {
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	}
	r = signer.SignV4(*r, u.AccessKey, u.secret, "", "us-east-1")
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", method, path, u.w.addr, length)
	_ = r.Header.Write(&b)
	return b.String() + "\r\n" + body
}

// small are limits that tests reach soon.
var small = gatewaylite.Options{Limits: gatewaylite.Limits{Stall: 300 * time.Millisecond}}

// TestAbuse: what is not a request of S3 is an error, and leaves nothing behind; the
// gateway goes on.
func TestAbuse(t *testing.T) {
	w := worldOn(t, memstore.New(), small)
	w.root.bucket("photos")
	w.root.put("photos", "a", "hello")
	for name, c := range map[string]struct{ text, want string }{
		"no HTTP":          {"hello\r\n\r\n", "400 Bad Request"},
		"bad escape":       {"GET /photos/%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request"},
		"bad query":        {"GET /photos?a=%zz HTTP/1.1\r\nHost: x\r\n\r\n", "<Code>InvalidURI</Code>"},
		"path is a star":   {"GET * HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
		"up and out":       {"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "<Code>InvalidBucketName</Code>"},
		"huge header":      {"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 200<<10) + "\r\n\r\n", "431"},
		"large header":     {"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n", "<Code>RequestHeaderSectionTooLarge</Code>"},
		"negative length":  {"PUT /photos/b HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400 Bad Request"},
		"two lengths":      {"PUT /photos/b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400 Bad Request"},
		"no length":        {strings.Replace(w.root.signed("PUT", "/photos/b", 0, "5\r\nhello\r\n0\r\n\r\n"), "Content-Length: 0", "Transfer-Encoding: chunked", 1), "<Code>MissingContentLength</Code>"},
		"longer than S3":   {w.root.signed("PUT", "/photos/b", 6<<30, ""), "<Code>EntityTooLarge</Code>"},
		"stalls":           {w.root.signed("PUT", "/photos/b", 100, "hello"), "<Code>RequestTimeout</Code>"},
		"stalls far along": {w.root.signed("PUT", "/photos/b", 1<<20, strings.Repeat("x", 500<<10)), "<Code>RequestTimeout</Code>"},
		"bad chunk":        {w.root.signed("PUT", "/photos/b", 7, "zz\r\nabc", "X-Amz-Decoded-Content-Length", "3", "X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), "400 Bad Request"},
	} {
		if got := w.raw(c.text); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	w.root.do("GET", "/photos", "").want(t, 200, "<Contents><Key>a</Key>")
	w.root.do("GET", "/photos/a", "").want(t, 200, "hello")
}

// TestCutBodies: a body that ends before its length leaves nothing, wherever it ends.
func TestCutBodies(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	body := string(content(700<<10, 1))
	for _, n := range []int{0, 1, 1000, 256 << 10, 300 << 10, len(body) - 1} {
		c, err := net.Dial("tcp", w.addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, w.root.signed("PUT", "/photos/b", len(body), body[:n]))
		_ = c.(*net.TCPConn).CloseWrite()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			b, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != 400 || !strings.Contains(string(b), "IncompleteBody") {
				t.Errorf("%d bytes: %s %s", n, resp.Status, b)
			}
			resp.Body.Close()
		}
		c.Close()
	}
	w.root.do("HEAD", "/photos/b", "").want(t, 404, "")
}

// TestManyRequests: one too many hears SlowDown, and the place is free again later.
func TestManyRequests(t *testing.T) {
	o := gatewaylite.Options{Limits: gatewaylite.Limits{Requests: 1}}
	w := worldOn(t, memstore.New(), o)
	w.root.bucket("photos")
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, w.root.signed("PUT", "/photos/a", 10, "hello")); err != nil {
		t.Fatal(err)
	}
	w.untilRoot(503)
	w.root.do("GET", "/photos", "").want(t, 503, "<Code>SlowDown</Code>").headers(t, "Retry-After", "1")
	if _, err := io.WriteString(c, "world"); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("the slow one: %v, %v", resp, err)
	}
	w.untilRoot(200)
}

func (w *world) untilRoot(status int) {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); w.root.do("GET", "/photos", "").StatusCode != status; {
		if time.Now().After(deadline) {
			w.t.Fatalf("the status is never %d", status)
		}
	}
}
