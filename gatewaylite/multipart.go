package gatewaylite

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/checksum"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// While an upload is under way, the checksums of its object have the type that
// the one to come will have, in place of a value.

// createUpload answers CreateMultipartUpload.
func (q *request) createUpload() error {
	o, tags, err := q.described()
	if err != nil {
		return err
	}
	if err := q.allowTagged(access.CreateMultipartUpload, nil, tags, nil); err != nil {
		return err
	}
	h := q.w.Header()
	a, kind, err := q.chosenSum()
	if err != nil {
		return err
	}
	if a != checksum.None {
		o.Checksums = map[string]string{a.String(): kind.String()}
		h.Set("X-Amz-Checksum-Algorithm", a.String())
		h.Set(checksumType, kind.String())
	}
	u, err := q.g.door.BeginUpload(q.ctx(), namespace.Upload{Bucket: q.bucket, Key: q.key, User: q.caller.CanonicalID, Object: o})
	if err != nil {
		return err
	}
	d := newDocument("InitiateMultipartUploadResult")
	d.text("Bucket", q.bucketName)
	d.text("Key", q.key)
	d.text("UploadId", u.ID)
	return q.answer(d)
}

// chosenSum is which checksum the object will have.
func (q *request) chosenSum() (checksum.Algorithm, checksum.Type, error) {
	name, kind := q.r.Header.Get("X-Amz-Checksum-Algorithm"), q.r.Header.Get(checksumType)
	if name == "" {
		if kind != "" {
			return 0, 0, s3err.Errorf(s3err.InvalidRequest, "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return checksum.None, 0, nil
	}
	a := checksum.Parse(name)
	if a == checksum.None {
		return 0, 0, s3err.Errorf(s3err.InvalidRequest, "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	t, err := a.ParseType(kind)
	return a, t, err
}

// uploadSum is what createUpload chose.
func uploadSum(u *namespace.Upload) (checksum.Algorithm, checksum.Type) {
	if u.Object != nil {
		for name, kind := range u.Object.Checksums {
			if kind == checksum.Composite.String() {
				return checksum.Parse(name), checksum.Composite
			}
			return checksum.Parse(name), checksum.FullObject
		}
	}
	return checksum.None, 0
}

func (q *request) upload() (namespace.Upload, error) {
	id := q.query.Get("uploadId")
	u, err := q.g.vol.Upload(q.ctx(), q.bucket, q.key, id)
	return u, q.noSuchUpload(err)
}

func (q *request) noSuchUpload(err error) error {
	if err == nil {
		return nil
	}
	switch blockstore.KindOf(err) {
	case blockstore.NotFound, blockstore.Stale, blockstore.Invalid:
		return s3err.Wrap(s3err.NoSuchUpload, err).With("UploadId", q.query.Get("uploadId"))
	}
	return err
}

// uploadPart answers UploadPart.
func (q *request) uploadPart() error {
	number, err := parsePartNumber(q.query.Get("partNumber"))
	if err != nil {
		return err
	}
	if err := q.needLength(); err != nil {
		return err
	}
	u, err := q.upload()
	if err != nil {
		return err
	}
	a, _ := uploadSum(&u)
	sent, err := checksum.Sent(q.r)
	if err != nil {
		return err
	}
	if a != checksum.None && sent.Algorithm != checksum.None && a != sent.Algorithm {
		return s3err.Errorf(s3err.InvalidRequest, "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
			strings.ToLower(a.String()), strings.ToLower(sent.Algorithm.String()))
	}
	r, err := q.receive(a)
	if err != nil {
		return err
	}
	q.size = r.size
	p := namespace.Part{Number: number, Size: r.size, ETag: r.etag(), Checksums: storedSums(r.algorithm, r.sum)}
	if _, err := q.putPart(u, r.content, p); err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("Etag", quoted(p.ETag))
	for name, v := range p.Checksums {
		h.Set(checksum.Parse(name).Header(), v)
	}
	return q.empty(http.StatusOK)
}

func (q *request) putPart(u namespace.Upload, c *namespace.Content, p namespace.Part) (namespace.UploadedPart, error) {
	done, err := q.g.door.PutPart(q.ctx(), u, p.Number, c, p)
	if err != nil {
		q.abort(c)
	}
	return done, q.noSuchUpload(err)
}

// uploadPartCopy answers UploadPartCopy.
func (q *request) uploadPartCopy() error {
	number, err := parsePartNumber(q.query.Get("partNumber"))
	if err != nil {
		return err
	}
	u, err := q.upload()
	if err != nil {
		return err
	}
	src, err := q.openSource()
	if err != nil {
		return err
	}
	defer q.closeReader(src.r)
	s, err := copyRange(q.r.Header.Get("X-Amz-Copy-Source-Range"), src.info.Attr.Size)
	if err != nil {
		return err
	}
	p := namespace.Part{Number: number, Size: s.n, ETag: src.partETag(s)}
	if a, _ := uploadSum(&u); a != checksum.None {
		sum, err := q.sumOf(src, s, a)
		if err != nil {
			return err
		}
		p.Checksums = storedSums(a, sum)
	}
	c, err := q.clone(src, s)
	if err != nil {
		return err
	}
	done, err := q.putPart(u, c, p)
	if err != nil {
		return err
	}
	src.setVersion(q.w.Header())
	return q.answer(copyResult("CopyPartResult", done.Uploaded, p.ETag, p.Checksums))
}

// partETag names a part that is a copy. Its MD5 is known only if it is the whole of
// a source that was put in one piece: to read it for that is what a copy is there
// to save. All that clients do with it is to send it back.
func (s *source) partETag(at span) string {
	if at.n == s.info.Attr.Size && len(s.info.ETag) == 2*md5.Size {
		return s.info.ETag
	}
	sum := md5.Sum(fmt.Appendf(nil, "%s %d %d", s.info.ETag, at.off, at.n))
	return hex.EncodeToString(sum[:])
}

// copyRange reads x-amz-copy-source-range: bytes=first-last, both within the source.
func copyRange(header string, size int64) (span, error) {
	if header == "" {
		return span{n: size}, nil
	}
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	from, err := strconv.ParseUint(first, 10, 62)
	to, err2 := strconv.ParseUint(last, 10, 62)
	if !ok || !dash || err != nil || err2 != nil || to < from {
		return span{}, badArgument("x-amz-copy-source-range", header, "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
	}
	if int64(to) >= size {
		return span{}, badArgument("x-amz-copy-source-range", header, "Range specified is not valid for source object of size: %d", size)
	}
	return span{off: int64(from), n: int64(to) - int64(from) + 1}, nil
}

func (q *request) abortUpload() error {
	u, err := q.upload()
	if err := q.allowUpload(access.AbortMultipartUpload, &u, err); err != nil {
		return err
	}
	if err := q.g.door.AbortUpload(q.ctx(), u); err != nil {
		return q.noSuchUpload(err)
	}
	return q.empty(http.StatusNoContent)
}

// allowUpload is allow for an operation on an upload that was looked up.
func (q *request) allowUpload(op access.Op, u *namespace.Upload, err error) error {
	var acl *access.ACL
	if err == nil {
		acl = access.Private(u.User)
	}
	if denied := q.allow(op, acl); denied != nil {
		return denied
	}
	return err
}
