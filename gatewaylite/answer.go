package gatewaylite

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// answerWriter remembers what was answered.
type answerWriter struct {
	http.ResponseWriter
	status int   // 0: nothing was sent yet
	sent   int64 // bytes of the body
}

// Unwrap is for http.ResponseController.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader notes the first status that is final.
func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.sent += int64(n)
	return n, err
}

// newRequestID looks like one of S3: 16 upper-case characters.
func newRequestID() string { return rand.Text()[:16] }

// answer sends a document with status 200.
func (q *request) answer(d *document) error {
	return q.answerBytes(http.StatusOK, "application/xml", d.bytes())
}

func (q *request) answerBytes(status int, contentType string, body []byte) error {
	h := q.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	q.mayWrite(q.g.opts.Limits.Stall)
	q.w.WriteHeader(status)
	if q.r.Method == http.MethodHead {
		return nil
	}
	_, _ = q.w.Write(body) // whoever went away misses nothing
	return nil
}

// empty sends a status without a body.
func (q *request) empty(status int) error {
	if status != http.StatusNoContent && status != http.StatusNotModified {
		q.w.Header().Set("Content-Length", "0")
	}
	q.w.WriteHeader(status)
	return nil
}

// fail answers with an error; nil is none. Once something else was answered all
// that is left is to cut the connection, so that nobody takes it for whole.
func (q *request) fail(err error) {
	if err == nil {
		return
	}
	e := translate(err)
	q.err = e
	if e.Status() >= 500 && e.Err != nil {
		q.g.log.Error("request failed", "request", q.id, "operation", q.op.String(), "bucket", q.bucketName, "key", q.key, "err", e)
	}
	if q.w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	if e.Code == s3err.NotModified {
		_ = q.empty(http.StatusNotModified)
		return
	}
	q.forgetObject()
	if e.Code == s3err.SlowDown || e.Code == s3err.ServiceUnavailable {
		q.w.Header().Set("Retry-After", "1")
	}
	_ = q.answerBytes(e.Status(), "application/xml", e.Body(q.r.URL.EscapedPath(), q.id, q.g.hostID))
	q.body.linger()
}

// forgetObject takes back what was said of an object before it turned out that
// it won't be sent.
func (q *request) forgetObject() {
	h := q.w.Header()
	for name := range h {
		switch {
		case strings.HasPrefix(name, "Content-"), strings.HasPrefix(name, sentMeta),
			strings.HasPrefix(name, "X-Amz-Checksum-"), name == "Etag", name == "Cache-Control", name == "Expires":
			delete(h, name)
		}
	}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// badArgument is InvalidArgument that says which and why.
func badArgument(name, value, format string, args ...any) *s3err.Error {
	return s3err.Errorf(s3err.InvalidArgument, "%s", fmt.Sprintf(format, args...)).
		With("ArgumentName", name).With("ArgumentValue", value)
}
