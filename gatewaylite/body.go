package gatewaylite

import (
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"io"
	"sync"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/checksum"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

const (
	bufferSize = 256 << 10
	// readAhead is how many buffers a large body may fill while the volume takes
	// the one before.
	readAhead = 2
	// maxDocument bounds the XML of a request, maxDelete that of a thousand keys.
	maxDocument = 1 << 20
	maxDelete   = 8 << 20
	maxPut      = 5 << 30 // "Amazon S3 multipart upload limits"
)

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// received is a body that is in the volume, but has no name yet.
type received struct {
	content   *namespace.Content
	size      int64
	md5       []byte
	algorithm checksum.Algorithm
	sum       []byte // by the algorithm
}

func (r *received) etag() string { return hex.EncodeToString(r.md5) }

// receive takes the body in. algorithm is asked for by something other than the
// request's checksum header; None: nothing is. The caller publishes the content, or
// aborts it.
func (q *request) receive(algorithm checksum.Algorithm) (*received, error) {
	body, sent, err := checksum.Body(q.r, checksum.MD5, algorithm)
	if err != nil {
		return nil, err
	}
	if sent != checksum.None {
		algorithm = sent
	}
	r := &received{content: q.g.door.NewContent(q.ctx()), algorithm: algorithm}
	if err := q.fill(r, body, q.r.ContentLength); err != nil {
		q.abort(r.content)
		return nil, err
	}
	return r, nil
}

// fill copies the body; size is what it is said to have, -1 if nothing is said.
func (q *request) fill(r *received, body *checksum.Reader, size int64) error {
	var err error
	if size >= 0 && size <= bufferSize {
		r.size, err = copyBody(r.content, body)
	} else {
		h, end := q.g.md5s.begin()
		defer end()
		if h != nil {
			body.With(checksum.MD5, h)
		}
		r.size, err = q.copyAhead(r.content, body)
	}
	if err != nil {
		return err
	}
	r.md5, r.sum = body.Sum(checksum.MD5), body.Sum(r.algorithm)
	return nil
}

// copyBody copies a body that fits in one buffer, or any other slowly.
func copyBody(dst io.Writer, body io.Reader) (int64, error) {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	total := int64(0)
	for {
		n, err := readFull(body, buf[:])
		if err != nil && err != io.EOF {
			return total, bodyError(err)
		}
		if n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				return total, err
			}
		}
		total += int64(n)
		if err == io.EOF {
			return total, nil
		}
	}
}

// readFull fills p. Unlike io.ReadFull it leaves the error as it is: a body that
// ends early is not one that ends.
func readFull(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var k int
		k, err = r.Read(p[n:])
		n += k
	}
	return n, err
}

type piece struct {
	buf *[bufferSize]byte
	n   int
	err error
}

// copyAhead reads, and hashes, the next pieces while the volume takes one.
func (q *request) copyAhead(dst io.Writer, body io.Reader) (int64, error) {
	pieces, stop := make(chan piece, readAhead), make(chan struct{})
	go func() {
		defer close(pieces)
		for more := true; more; {
			p := piece{buf: buffers.Get().(*[bufferSize]byte)}
			p.n, p.err = readFull(body, p.buf[:])
			select {
			case pieces <- p:
				more = p.err == nil
			case <-stop:
				more = false
			}
		}
	}()
	total, err := writePieces(dst, pieces)
	if err != nil {
		close(stop)
		q.body.interrupt()
		for range pieces { // until the reader is gone
		}
	}
	return total, err
}

func writePieces(dst io.Writer, pieces <-chan piece) (int64, error) {
	total := int64(0)
	for p := range pieces {
		if p.err != nil && p.err != io.EOF {
			return total, bodyError(p.err)
		}
		if p.n > 0 {
			if _, err := dst.Write(p.buf[:p.n]); err != nil {
				return total, err
			}
		}
		total += int64(p.n)
		buffers.Put(p.buf)
	}
	return total, nil
}

// needLength refuses a body of an object whose length nobody knows, or that is
// longer than S3 takes in one piece.
func (q *request) needLength() error {
	switch n := q.r.ContentLength; {
	case n < 0:
		return s3err.New(s3err.MissingContentLength)
	case n > maxPut:
		return s3err.New(s3err.EntityTooLarge).With("ProposedSize", number(n)).With("MaxSizeAllowed", number(maxPut))
	}
	return nil
}

// document reads a body that is a document, and checks what was promised of it.
func (q *request) document(limit int) ([]byte, error) {
	body, _, err := checksum.Body(q.r)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(body, int64(limit)+1))
	if err != nil {
		return nil, bodyError(err)
	}
	if len(b) > limit {
		return nil, s3err.New(s3err.MaxMessageLengthExceeded).With("MaxMessageLengthBytes", number(int64(limit)))
	}
	return b, nil
}

// parse reads a body of XML.
func (q *request) parse(limit int, into any) error {
	b, err := q.document(limit)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return s3err.New(s3err.MissingRequestBodyError)
	}
	if err := xml.Unmarshal(b, into); err != nil {
		return s3err.Wrap(s3err.MalformedXML, err)
	}
	return nil
}
