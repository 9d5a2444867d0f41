package auth

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cairnfs/cairn/gatewaylite/checksum"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// What x-amz-content-sha256 can say, besides a hash.
const (
	payloadHeader         = "X-Amz-Content-Sha256"
	unsignedPayload       = "UNSIGNED-PAYLOAD"
	signedChunks          = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	signedChunksTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	unsignedChunksTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// openBody makes r.Body a *checksum.Reader of the decoded body, which holds it to
// what the seal says.
func openBody(r *http.Request, s *seal) error {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	dropEncoding(r.Header)
	raw := &exact{src: r.Body, left: r.ContentLength}
	switch s.payload {
	case "", unsignedPayload:
		r.Body = checksum.NewReader(raw)
		return nil
	case signedChunks, signedChunksTrailer:
		if s.chain == nil {
			return badPayload(s.payload)
		}
		return openChunks(r, raw, s)
	case unsignedChunksTrailer:
		s.chain = nil
		return openChunks(r, raw, s)
	}
	return openHashed(r, raw, s.payload)
}

func badPayload(sent string) error {
	return s3err.Errorf(s3err.InvalidArgument, "x-amz-content-sha256 must be %s, %s, %s, %s or a valid sha256 value.",
		unsignedPayload, unsignedChunksTrailer, signedChunks, signedChunksTrailer).
		With("ArgumentName", "x-amz-content-sha256").With("ArgumentValue", sent)
}

// openHashed holds the body to a hash. A handler need not read a body without
// bytes, so that is checked at once.
func openHashed(r *http.Request, raw *exact, payload string) error {
	want, err := hex.DecodeString(payload)
	if err != nil || len(want) != sha256.Size {
		return badPayload(payload)
	}
	refuse := func(got []byte) error {
		return s3err.New(s3err.XAmzContentSHA256Mismatch).With("ClientComputedContentSHA256", payload).
			With("S3ComputedContentSHA256", hex.EncodeToString(got))
	}
	if empty := sha256.Sum256(nil); r.ContentLength == 0 && string(want) != string(empty[:]) {
		return refuse(empty[:])
	}
	body := checksum.NewReader(raw)
	if r.ContentLength != 0 {
		body.Expect(checksum.SHA256, want, refuse)
	}
	r.Body = body
	return nil
}

// openChunks decodes a body in aws-chunked.
func openChunks(r *http.Request, raw *exact, s *seal) error {
	length, err := decodedLength(r.Header)
	if err != nil {
		return err
	}
	announced, err := checksum.Trailer(r.Header)
	if err != nil {
		return err
	}
	c := &chunks{src: bufio.NewReaderSize(raw, maxLine), left: length, accessKey: s.accessKey, chain: s.chain,
		sum: sha256.New(), trailing: s.payload != signedChunks}
	body := checksum.NewReader(readCloser{c, r.Body})
	if announced != checksum.None {
		if !c.trailing {
			return s3err.Errorf(s3err.InvalidRequest, "The value specified in the x-amz-trailer header is not supported")
		}
		r.Trailer = http.Header{announced.Header(): nil}
		c.trailer = r.Trailer
		body.ExpectTrailer(announced, r.Trailer)
	}
	r.Body = body
	r.ContentLength = length
	return nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// decodedLength is the length of the body without its chunk headers.
func decodedLength(h http.Header) (int64, error) {
	s := h.Get("X-Amz-Decoded-Content-Length")
	if s == "" {
		return 0, s3err.New(s3err.MissingContentLength)
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, s3err.New(s3err.InvalidArgument).With("ArgumentName", "x-amz-decoded-content-length").With("ArgumentValue", s)
	}
	return int64(n), nil
}

// dropEncoding takes aws-chunked out of the content encodings: it is of the
// transfer, and no object has it.
func dropEncoding(h http.Header) {
	encodings := strings.Split(strings.Join(h["Content-Encoding"], ","), ",")
	encodings = slices.DeleteFunc(encodings, func(e string) bool {
		e = strings.TrimSpace(e)
		return e == "" || strings.EqualFold(e, "aws-chunked")
	})
	if len(encodings) == 0 {
		h.Del("Content-Encoding")
		return
	}
	h.Set("Content-Encoding", strings.TrimSpace(strings.Join(encodings, ",")))
}

// exact reads a body of a length, and gives EOF together with its last byte,
// so that what is above it can refuse the body before it gives that byte out. It reads
// the EOF of src too, which net/http gives with the last byte in HTTP/1 only.
type exact struct {
	src  io.ReadCloser
	left int64 // negative: not known
}

func (e *exact) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	if e.left > 0 {
		p = p[:min(int64(len(p)), e.left)]
	}
	n, err := e.src.Read(p)
	if e.left < 0 {
		return n, transportError(err)
	}
	e.left -= int64(n)
	if e.left == 0 && err == nil {
		var more [1]byte
		if _, err = io.ReadFull(e.src, more[:]); err == nil {
			err = s3err.New(s3err.IncompleteBody)
		}
	}
	if e.left > 0 && err == io.EOF {
		err = s3err.New(s3err.IncompleteBody)
	}
	return n, transportError(err)
}

func (e *exact) Close() error { return e.src.Close() }

// transportError is what a failed read of a body means to the client.
func transportError(err error) error {
	var tooLarge *http.MaxBytesError
	var refused *s3err.Error
	switch {
	case err == nil, err == io.EOF, errors.As(err, &refused):
		return err
	case errors.As(err, &tooLarge):
		return s3err.Wrap(s3err.EntityTooLarge, err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return s3err.Wrap(s3err.RequestTimeout, err)
	}
	return s3err.Wrap(s3err.IncompleteBody, err)
}
