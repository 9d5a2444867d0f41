package gatewaylite_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite"
)

// BenchmarkHandler is the handler alone, without a network.
func BenchmarkHandler(b *testing.B) {
	b.Run("4KiB", func(b *testing.B) { benchmark(b, 4<<10) })
	b.Run("64MiB", func(b *testing.B) { benchmark(b, 64<<20) })
}

func benchmark(b *testing.B, size int) {
	w := worldOn(b, embeddedStore(b), gatewaylite.Options{})
	w.root.bucket("photos")
	body := string(content(size, 1))
	w.root.put("photos", "dir/a", body)
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		b.Run(method, func(b *testing.B) {
			sent := ""
			if method == "PUT" {
				sent = body
			}
			r := w.request(method, "/photos/dir/a", sent, "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
			r = signer.SignV4(*r, w.root.AccessKey, w.root.secret, "", "us-east-1")
			r.RequestURI = r.URL.RequestURI()
			r.Host = w.addr
			h := w.gw.Handler()
			b.ReportAllocs()
			if method != "HEAD" {
				b.SetBytes(int64(size))
			}
			for b.Loop() {
				own := r.Clone(b.Context())
				own.Body = io.NopCloser(strings.NewReader(sent))
				rec := &nullWriter{header: make(http.Header)}
				h.ServeHTTP(rec, own)
				if rec.status != 200 {
					b.Fatal(rec.status)
				}
			}
		})
	}
}

type nullWriter struct {
	header http.Header
	status int
}

func (n *nullWriter) Header() http.Header         { return n.header }
func (n *nullWriter) WriteHeader(s int)           { n.status = s }
func (n *nullWriter) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkList is a page of a thousand keys.
func BenchmarkList(b *testing.B) {
	w := worldOn(b, embeddedStore(b), gatewaylite.Options{})
	w.root.bucket("photos")
	m := w.mount("photos")
	for i := range 3000 {
		c := m.NewContent(b.Context())
		if _, err := m.PutKey(b.Context(), m.root, fmt.Sprintf("dir%d/key%04d", i/1000, i), c, namespace.PutKey{}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		p := w.root.do("GET", "/photos?list-type=2&start-after=dir0/key0500", "")
		if strings.Count(p.body, "<Key>") != 1000 {
			b.Fatal(p.body)
		}
	}
}
