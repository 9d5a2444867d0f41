package gatewaylite

import (
	"io"
	"os"
	"sync/atomic"
	"time"
)

// progress is how many bytes move a deadline on: a client that sends a byte
// now and then does not get to hold a place for ever.
const progress = 64 << 10

// mayWrite gives the client so long to take the next piece; 0 lifts the deadline. A
// connection without deadlines, as in tests of handlers, has none.
func (q *request) mayWrite(limit time.Duration) {
	var at time.Time
	if limit > 0 {
		at = time.Now().Add(limit)
	}
	_ = q.ctl.SetWriteDeadline(at)
}

// steadyBody is the body of a request as it comes from the connection. The client has
// so long for each piece; the time that the gateway takes does not count. At the end
// the deadline is lifted: net/http watches the connection from then on, and a deadline
// that passed would cancel the request.
type steadyBody struct {
	q     *request
	src   io.ReadCloser
	left  time.Duration // for the rest of this piece
	moved int64         // bytes of this piece
	total int64

	ended   bool // its last byte was read
	stopped atomic.Bool
}

func (b *steadyBody) Read(p []byte) (int, error) {
	began := time.Now()
	_ = b.q.ctl.SetReadDeadline(began.Add(b.left))
	if b.stopped.Load() { // maybe just now, and its deadline was overwritten
		return 0, os.ErrDeadlineExceeded
	}
	n, err := b.src.Read(p)
	b.moved, b.total = b.moved+int64(n), b.total+int64(n)
	if b.moved >= progress {
		b.moved, b.left = 0, b.q.g.opts.Limits.Stall
	} else {
		b.left -= time.Since(began)
	}
	if err == io.EOF {
		b.ended = true
		_ = b.q.ctl.SetReadDeadline(time.Time{})
	}
	return n, err
}

func (b *steadyBody) Close() error { return b.src.Close() }

// interrupt ends a Read that waits for the client, and every later one.
func (b *steadyBody) interrupt() {
	b.stopped.Store(true)
	_ = b.q.ctl.SetReadDeadline(time.Unix(1, 0))
}

const (
	lingerTime  = 5 * time.Second
	lingerBytes = 64 << 20
)

// linger takes in, for a while, what the client still sends after it was refused:
// a client that is hung up on while it sends does not see the answer. One that still
// waits to be told to send is not told so any more.
func (b *steadyBody) linger() {
	waits := b.total == 0 && b.q.r.Header.Get("Expect") != ""
	if b.ended || waits || b.q.r.ContentLength == 0 {
		return
	}
	_ = b.q.ctl.Flush()
	_ = b.q.ctl.SetReadDeadline(time.Now().Add(lingerTime))
	n, _ := io.CopyN(io.Discard, b.src, lingerBytes)
	b.total += n
}
