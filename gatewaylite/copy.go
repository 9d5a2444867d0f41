package gatewaylite

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/checksum"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// source is what is copied from.
type source struct {
	bucketName, key, version string
	r                        *namespace.ObjectReader
	info                     namespace.ObjectInfo
}

// copyObject answers CopyObject: it shares the blocks of the source.
func (q *request) copyObject() error {
	o, tags, err := q.copiedObject()
	if err != nil {
		return err
	}
	if err := q.allowTagged(access.CopyObject, nil, tags, nil); err != nil {
		return err
	}
	terms, err := q.writeTerms()
	if err != nil {
		return err
	}
	src, err := q.openSource()
	if err != nil {
		return err
	}
	defer q.closeReader(src.r)
	if err := q.inherit(o, src); err != nil {
		return err
	}
	info, err := q.copyFrom(src, o, terms)
	if err != nil {
		return err
	}
	h := q.w.Header()
	setNewVersion(h, info.Version)
	src.setVersion(h)
	return q.answer(copyResult("CopyObjectResult", info.Modified, info.ETag, sumsOf(&info)))
}

// copiedObject is what the request says of the copy; the rest comes from the source.
func (q *request) copiedObject() (*namespace.Object, access.Tags, error) {
	for _, name := range []string{"X-Amz-Metadata-Directive", "X-Amz-Tagging-Directive"} {
		if v := q.r.Header.Get(name); v != "" && v != "COPY" && v != "REPLACE" {
			return nil, nil, badArgument(strings.ToLower(name), v, "Unknown %s.", strings.ToLower(strings.TrimPrefix(name, "X-Amz-")))
		}
	}
	o, tags, err := q.described()
	if q.r.Header.Get("X-Amz-Tagging-Directive") != "REPLACE" {
		tags = nil
	}
	return o, tags, err
}

// inherit takes over what the directives say ("CopyObject", S3 API reference).
func (q *request) inherit(o *namespace.Object, src *source) error {
	replace := q.r.Header.Get("X-Amz-Metadata-Directive") == "REPLACE"
	same := src.bucketName == q.bucketName && src.key == q.key && src.version == ""
	if same && !replace && q.r.Header.Get(storageClass) == "" && q.r.Header.Get("X-Amz-Website-Redirect-Location") == "" {
		return s3err.Errorf(s3err.InvalidRequest, "This copy request is illegal because it is trying to copy an object to itself "+
			"without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	from := src.info.Object
	if from == nil {
		from = &namespace.Object{}
	}
	if !replace {
		own := o.Headers // class and redirect location are the request's own
		o.Headers, o.Metadata = make(map[string]string, len(from.Headers)), from.Metadata
		for name, v := range from.Headers {
			if name != storageClass && name != "X-Amz-Website-Redirect-Location" {
				o.Headers[name] = v
			}
		}
		for _, name := range []string{storageClass, "X-Amz-Website-Redirect-Location"} {
			if own[name] != "" {
				o.Headers[name] = own[name]
			}
		}
	}
	if q.r.Header.Get("X-Amz-Tagging-Directive") != "REPLACE" {
		o.Tags = from.Tags
	}
	// The content is the same one, so that what names it stays too.
	o.ETag, o.Checksums, o.Parts = src.info.ETag, from.Checksums, from.Parts
	return nil
}

// copyFrom makes the copy.
func (q *request) copyFrom(src *source, o *namespace.Object, terms func(*namespace.ObjectInfo) error) (namespace.ObjectInfo, error) {
	size := src.info.Attr.Size
	if a := checksum.Parse(q.r.Header.Get("X-Amz-Checksum-Algorithm")); a != checksum.None && o.Checksums[a.String()] == "" {
		sum, err := q.sumOf(src, span{n: size}, a)
		if err != nil {
			return namespace.ObjectInfo{}, err
		}
		o.Checksums = storedSums(a, sum)
	}
	c, err := q.clone(src, span{n: size})
	if err != nil {
		return namespace.ObjectInfo{}, err
	}
	q.size = size
	return q.putKey(c, o, terms)
}

// clone is a content with these bytes of the source. The target of a symlink is
// copied as the bytes that it is to S3.
func (q *request) clone(src *source, s span) (*namespace.Content, error) {
	c := q.g.door.NewContent(q.ctx())
	var err error
	if src.info.Attr.Kind == namespace.File {
		err = c.Clone(q.ctx(), src.r, s.off, s.n)
	} else if s.n > 0 {
		_, err = c.Write([]byte(src.info.Target[s.off : s.off+s.n]))
	}
	if err != nil {
		q.abort(c)
		return nil, err
	}
	return c, nil
}

// sumOf reads the bytes for a checksum of them that was not known.
func (q *request) sumOf(src *source, s span, a checksum.Algorithm) ([]byte, error) {
	h := a.New()
	err := q.readSpan(src.r, s, func(b []byte) bool {
		h.Write(b)
		return true
	})
	return h.Sum(nil), err
}

// openSource opens what x-amz-copy-source names, if the caller may read it and the
// conditions on it hold.
func (q *request) openSource() (*source, error) {
	src, err := parseSource(q.r.Header.Get("X-Amz-Copy-Source"))
	if err != nil {
		return nil, err
	}
	from := *q // the same caller, with another bucket and key
	from.address = address{level: onObject, bucketName: src.bucketName, key: src.key}
	from.version = src.version
	if err := from.findBucket(); err != nil {
		return nil, err
	}
	if err := from.expectOwner("X-Amz-Source-Expected-Bucket-Owner"); err != nil {
		return nil, err
	}
	src.r, src.info, err = q.g.door.OpenKey(q.ctx(), from.bucket, src.key, src.version)
	if src.info.Marker && src.version != "" {
		err = s3err.Errorf(s3err.InvalidRequest, "The source of a copy request may not specifically refer to a delete marker by version id.")
	}
	src.info.Marker = false
	if err == nil || blockstore.KindOf(err) == blockstore.NotFound {
		err = from.allowObject(access.GetObject, &src.info, err)
	}
	if err == nil {
		err = checkSource(q.r.Header, &src.info)
	}
	if err != nil && src.r != nil {
		q.closeReader(src.r)
	}
	return src, err
}

// parseSource reads BUCKET/KEY or /BUCKET/KEY in percent form, with ?versionId=.
func parseSource(header string) (*source, error) {
	path, query, _ := strings.Cut(header, "?")
	version, versioned := strings.CutPrefix(query, "versionId=")
	decoded, err := url.PathUnescape(path)
	bucket, key, ok := strings.Cut(strings.TrimPrefix(decoded, "/"), "/")
	if err != nil || !ok || bucket == "" || key == "" || query != "" && !versioned {
		return nil, badArgument("x-amz-copy-source", header, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	return &source{bucketName: bucket, key: key, version: version}, checkKey(key)
}

func (s *source) setVersion(h http.Header) {
	if s.info.Version != "" {
		h.Set("X-Amz-Copy-Source-Version-Id", s.info.Version)
	}
}

func copyResult(root string, modified namespace.Time, etag string, sums map[string]string) *document {
	d := newDocument(root)
	d.time("LastModified", modified)
	d.etag(etag)
	d.sums(sums, root == "CopyObjectResult")
	return d
}
