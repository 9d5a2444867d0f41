package gatewaylite

import (
	"context"
	"io"
	"net/http"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
)

// readSize is how much of an object is in memory on its way to a client.
const readSize = 512 << 10

// stat looks an object up for an operation on it.
func (q *request) stat(op access.Op) (namespace.ObjectInfo, error) {
	info, err := q.g.vol.StatKey(q.ctx(), q.bucket, q.key, q.version)
	return info, q.allowObject(op, &info, err)
}

func (q *request) headObject() error {
	info, err := q.stat(access.HeadObject)
	if err != nil {
		return err
	}
	s, err := q.describeRead(&info)
	if err != nil {
		return err
	}
	q.w.WriteHeader(s.status())
	return nil
}

func (q *request) getObject() error {
	r, info, err := q.g.door.OpenKey(q.ctx(), q.bucket, q.key, q.version)
	if err == nil {
		defer q.closeReader(r)
	}
	if err := q.allowObject(access.GetObject, &info, err); err != nil {
		return err
	}
	s, err := q.describeRead(&info)
	if err != nil {
		return err
	}
	return q.send(r, s)
}

// closeReader closes a reader whatever became of the request. There is nobody
// left to tell of an error, and the collector finds what it left.
func (q *request) closeReader(r *namespace.ObjectReader) {
	if err := r.Close(context.WithoutCancel(q.ctx())); err != nil {
		q.g.log.Warn("an object that was read could not be closed", "request", q.id, "key", q.key, "err", err)
	}
}

// describeRead writes the headers of the answer to GET and HEAD, and says which
// bytes follow.
func (q *request) describeRead(info *namespace.ObjectInfo) (span, error) {
	q.size = info.Attr.Size
	if err := q.setHeaders(info); err != nil {
		return span{}, err
	}
	if err := checkRead(q.r.Header, info); err != nil {
		return span{}, err
	}
	s, err := q.span(info)
	if err == nil {
		q.setReadSums(info, s)
	}
	return s, err
}

func (s span) status() int {
	if s.partial {
		return http.StatusPartialContent
	}
	return http.StatusOK
}

// send sends the bytes. The first of them are read before the status is sent, so
// that what can't be read at all is an error of S3.
func (q *request) send(r *namespace.ObjectReader, s span) error {
	err := q.readSpan(r, s, func(b []byte) bool {
		if q.w.status == 0 {
			q.w.WriteHeader(s.status())
		}
		q.mayWrite(q.g.opts.Limits.Stall)
		_, err := q.w.Write(b)
		return err == nil // or the client went away
	})
	if err == nil && s.n == 0 {
		q.w.WriteHeader(s.status())
	}
	return err
}

// readSpan gives the bytes to take, piece by piece, until it returns false. The
// pieces are shared with the cache: nothing is copied on the way to the client.
func (q *request) readSpan(r *namespace.ObjectReader, s span, take func(b []byte) bool) error {
	for off, end := s.off, s.off+s.n; off < end; {
		pieces, err := r.Read(q.ctx(), off, int(min(readSize, end-off)))
		if err != nil {
			return err
		}
		from := off
		for _, b := range pieces {
			if off += int64(len(b)); !take(b) {
				return nil
			}
		}
		if off == from {
			return blockstore.E("read", q.key, blockstore.Corrupt, io.ErrUnexpectedEOF)
		}
	}
	return nil
}
