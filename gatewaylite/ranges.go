package gatewaylite

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// span is which bytes of an object are asked for.
type span struct {
	off, n  int64
	partial bool // answered with 206
	part    int  // number of the part that it is; 0: none was asked for
}

// span reads Range and partNumber ("GetObject", S3 API reference), and says in the
// answer what it will be.
func (q *request) span(info *namespace.ObjectInfo) (span, error) {
	size := info.Attr.Size
	s := span{n: size}
	var err error
	rangeHeader := q.r.Header.Get("Range")
	switch {
	case q.query.Has("partNumber"):
		if rangeHeader != "" {
			return s, s3err.Errorf(s3err.InvalidRequest, "Cannot specify both Range header and partNumber query parameter")
		}
		s, err = q.partSpan(info)
	case rangeHeader != "" && ifRange(q.r.Header.Get("If-Range"), info):
		s, err = parseRange(rangeHeader, size)
	}
	if err != nil {
		return s, err
	}
	h := q.w.Header()
	h.Set("Content-Length", number(s.n))
	if s.partial && s.n > 0 {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", s.off, s.off+s.n-1, size))
	}
	return s, nil
}

// ifRange says whether the client has the same object (RFC 9110, 13.1.5).
func ifRange(value string, info *namespace.ObjectInfo) bool {
	if value == "" || strings.Trim(value, `"`) == info.ETag {
		return true
	}
	t, err := http.ParseTime(value)
	return err == nil && second(info.Modified).Equal(t)
}

// parseRange reads one range of bytes. As S3, it takes what it can't read, or
// more than one range, for no range at all (RFC 9110, 14.2).
func parseRange(header string, size int64) (span, error) {
	whole := span{n: size}
	spec, ok := strings.CutPrefix(strings.TrimSpace(header), "bytes=")
	first, last, dash := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok || !dash || strings.Contains(spec, ",") {
		return whole, nil
	}
	if first == "" {
		n, err := parseOffset(last)
		if err != nil {
			return whole, nil
		}
		n = min(n, size)
		return within(size-n, n, size, header)
	}
	from, err := parseOffset(first)
	if err != nil {
		return whole, nil
	}
	to := size - 1
	if last != "" {
		if to, err = parseOffset(last); err != nil || to < from {
			return whole, nil
		}
	}
	return within(from, min(to, size-1)-from+1, size, header)
}

func within(off, n, size int64, header string) (span, error) {
	if n <= 0 || off >= size {
		return span{}, s3err.New(s3err.InvalidRange).With("RangeRequested", header).With("ActualObjectSize", number(size))
	}
	return span{off: off, n: n, partial: true}, nil
}

// parseOffset reads digits only; what is past all objects is cut to that.
func parseOffset(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil && strings.Trim(s, "0123456789") == "" && s != "" {
		return 1<<63 - 1, nil
	}
	return int64(n), err
}

// partSpan is a part of the object by its number; an object in one piece is its
// own part 1.
func (q *request) partSpan(info *namespace.ObjectInfo) (span, error) {
	number, err := parsePartNumber(q.query.Get("partNumber"))
	if err != nil {
		return span{}, err
	}
	parts := partsOf(info)
	if len(parts) == 0 {
		if number != 1 {
			return span{}, noPart(number, 1)
		}
		return span{n: info.Attr.Size, partial: true, part: 1}, nil
	}
	q.w.Header().Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(parts)))
	off := int64(0)
	for i, p := range parts {
		if i+1 == number {
			return span{off: off, n: p.Size, partial: true, part: number}, nil
		}
		off += p.Size
	}
	return span{}, noPart(number, len(parts))
}

func noPart(requested, actual int) error {
	return s3err.New(s3err.InvalidPartNumber).With("PartNumberRequested", strconv.Itoa(requested)).
		With("ActualPartCount", strconv.Itoa(actual))
}

// partsOf are the parts that the object was uploaded in, which are 1, 2, 3, … to
// whoever reads it, whatever they were numbered when they came.
func partsOf(info *namespace.ObjectInfo) []namespace.Part {
	if info.Object == nil {
		return nil
	}
	return info.Object.Parts
}

const maxParts = 10_000

func parsePartNumber(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxParts {
		return 0, badArgument("partNumber", s, "Part number must be an integer between 1 and %d, inclusive", maxParts)
	}
	return n, nil
}
