// Package ceiling is an S3 server in memory that does nothing but what no S3
// server can leave out: it takes HTTP apart, verifies signatures, those of chunks
// too, and answers. `make bench` measures it beside the real one. It knows the
// operations that a client needs to put, get, list and delete, and says of no
// body what its MD5 is.
//
// Of a body it keeps the first MiB, which stands for all that come after it, so
// that it needs little memory: only bodies that repeat their first MiB come back
// as they were.
//
// It may import gatewaylite/auth, gatewaylite/s3err, the standard library and
// well-kept ones.
package ceiling

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/btree"

	"github.com/cairnfs/cairn/gatewaylite/auth"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// Server answers requests that are signed with its only key.
type Server struct {
	verifier auth.Verifier

	mu      sync.RWMutex
	objects btree.Map[string, *object] // by bucket/key
	uploads map[string]map[int]*object // by upload id, then by number
}

var _ http.Handler = (*Server)(nil)

// object never changes once it is made.
type object struct {
	head     []byte
	size     int64
	etag     string
	modified time.Time
}

// most is how much of a body is kept.
const most = 1 << 20

type key struct{ access, secret string }

// Secret implements auth.Keys.
func (k key) Secret(_ context.Context, access string) (string, error) {
	if access != k.access {
		return "", s3err.InvalidAccessKeyID
	}
	return k.secret, nil
}

// New returns a server without objects. All buckets are there.
func New(access, secret string) *Server {
	return &Server{
		verifier: auth.Verifier{Keys: key{access, secret}},
		uploads:  make(map[string]map[int]*object),
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.serve(w, r); err != nil {
		e := s3err.From(err)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(e.Status())
		_, _ = w.Write(e.Body(r.URL.Path, "", ""))
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	who, err := s.verifier.Verify(r, "")
	if err != nil {
		return err
	}
	if who.AccessKey == "" {
		return s3err.AccessDenied
	}
	bucket, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if name != "" {
		return s.onObject(w, r, bucket, name)
	}
	if r.Method == http.MethodGet {
		return s.list(w, r, bucket)
	}
	return nil
}

func (s *Server) onObject(w http.ResponseWriter, r *http.Request, bucket, name string) error {
	path := bucket + "/" + name
	switch q := r.URL.Query(); {
	case r.Method == http.MethodPost && q.Has("uploads"):
		return s.createUpload(w)
	case r.Method == http.MethodPost:
		return s.complete(w, bucket, name, q.Get("uploadId"))
	case r.Method == http.MethodPut && q.Has("uploadId"):
		return s.putPart(w, r, q)
	case r.Method == http.MethodPut:
		return s.put(w, r, path)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		return s.get(w, r, path)
	case r.Method == http.MethodDelete:
		return s.remove(w, path)
	}
	return s3err.NotImplemented
}

func (s *Server) put(w http.ResponseWriter, r *http.Request, path string) error {
	o, err := take(r)
	if err != nil {
		return err
	}
	s.set(path, o)
	w.Header().Set("Etag", o.etag)
	return nil
}

func (s *Server) set(path string, o *object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects.Set(path, o)
}

func (s *Server) remove(w http.ResponseWriter, path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects.Delete(path)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// rests are buffers for what is not kept of a body.
var rests = sync.Pool{New: func() any { return new([256 << 10]byte) }}

// take reads a body to its end, where it is verified.
func take(r *http.Request) (*object, error) {
	o := &object{size: r.ContentLength, modified: time.Now()}
	o.etag = fmt.Sprintf(`"%032x"`, o.modified.UnixNano())
	if o.size < 0 {
		return nil, s3err.MissingContentLength
	}
	o.head = make([]byte, min(o.size, most))
	if _, err := io.ReadFull(r.Body, o.head); err != nil {
		return nil, err
	}
	rest := rests.Get().(*[256 << 10]byte)
	defer rests.Put(rest)
	for {
		switch _, err := r.Body.Read(rest[:]); err {
		case nil:
		case io.EOF:
			return o, nil
		default:
			return nil, err
		}
	}
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, path string) error {
	s.mu.RLock()
	o, ok := s.objects.Get(path)
	s.mu.RUnlock()
	if !ok {
		return s3err.NoSuchKey
	}
	h := w.Header()
	h.Set("Etag", o.etag)
	h.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", fmt.Sprint(o.size))
	if r.Method == http.MethodHead {
		return nil
	}
	for left := o.size; left > 0; {
		n, err := w.Write(o.head[:min(left, int64(len(o.head)))])
		if err != nil {
			return nil // the client is gone: nobody hears of it
		}
		left -= int64(n)
	}
	return nil
}
