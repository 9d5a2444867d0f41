package gatewaylite

import (
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

const (
	storageClass   = "X-Amz-Storage-Class"
	metaPrefix     = "X-Amz-Meta-"
	sentMeta       = "x-amz-meta-" // as S3 writes it: clients of HTTP/1 take the names as they come
	maxMetadata    = 2 << 10       // bytes of names and values ("PUT object", user-defined metadata)
	defaultType    = "binary/octet-stream"
	symlinkMeta    = "cairn-symlink" // the metadata that marks the object of a symlink
	defaultStorage = "STANDARD"
)

// kept are the headers that an object keeps and gives back as they were.
var kept = []string{
	"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires",
	"X-Amz-Website-Redirect-Location", storageClass,
}

// described is what the headers of a request say of the object that it makes.
func (q *request) described() (*namespace.Object, access.Tags, error) {
	if q.version != "" {
		return nil, nil, badArgument("versionId", q.version, "This operation does not accept a version-id.")
	}
	owner := access.OwnerOfNew(q.caller, bucketACL(&q.config))
	acl, err := access.FromHeaders(q.r.Header, owner, q.config.Owner, q.g.users.names(q.ctx()))
	if err != nil {
		return nil, nil, err
	}
	o := &namespace.Object{Owner: owner, ACL: storedGrants(acl)}
	if err := describe(o, q.r.Header); err != nil {
		return nil, nil, err
	}
	tags, err := access.ParseTagHeader(q.r.Header.Get("X-Amz-Tagging"))
	o.Tags = storedTags(tags)
	return o, tags, err
}

// describe reads the headers and the metadata of an object.
func describe(o *namespace.Object, h http.Header) error {
	o.Headers, o.Metadata = make(map[string]string), make(map[string]string)
	for _, name := range kept {
		if v := h.Get(name); v != "" {
			o.Headers[name] = v
		}
	}
	switch o.Headers[storageClass] {
	case defaultStorage:
		delete(o.Headers, storageClass)
	case "", "REDUCED_REDUNDANCY":
	default:
		return s3err.New(s3err.InvalidStorageClass).With("StorageClassRequested", o.Headers[storageClass])
	}
	size := 0
	for name, values := range h {
		if short, ok := strings.CutPrefix(name, metaPrefix); ok {
			short = strings.ToLower(short)
			o.Metadata[short] = decodedWords(strings.Join(values, ","))
			size += len(short) + len(o.Metadata[short])
		}
	}
	if size > maxMetadata {
		return s3err.New(s3err.MetadataTooLarge).With("Size", number(int64(size))).With("MaxSizeAllowed", number(maxMetadata))
	}
	return nil
}

// decodedWords reads a value that may have words in the encoding of mail, in which
// S3 sends what is not ASCII ("User-defined object metadata", S3 user guide; RFC 2047).
func decodedWords(v string) string {
	if text, err := new(mime.WordDecoder).DecodeHeader(v); err == nil {
		return text
	}
	return v
}

// overrides are the parameters of a GET that replace a header of the answer.
var overrides = map[string]string{
	"response-cache-control": "Cache-Control", "response-content-disposition": "Content-Disposition",
	"response-content-encoding": "Content-Encoding", "response-content-language": "Content-Language",
	"response-content-type": "Content-Type", "response-expires": "Expires",
}

// setHeaders writes what is said of an object in the answer to GET and HEAD.
func (q *request) setHeaders(info *namespace.ObjectInfo) error {
	h := q.w.Header()
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Type", defaultType)
	if o := info.Object; o != nil {
		for name, v := range o.Headers {
			h.Set(name, v)
		}
		for name, v := range o.Metadata {
			h[sentMeta+name] = []string{mime.BEncoding.Encode("UTF-8", v)}
		}
		if len(o.Tags) > 0 {
			h.Set("X-Amz-Tagging-Count", number(int64(len(o.Tags))))
		}
	}
	if info.Attr.Kind == namespace.Symlink {
		h[sentMeta+symlinkMeta] = []string{"true"}
	}
	h.Set("Etag", quoted(info.ETag))
	h.Set("Last-Modified", httpTime(info.Modified))
	setVersion(h, info.Version)
	return q.override(h)
}

func (q *request) override(h http.Header) error {
	for name, header := range overrides {
		if v := q.query.Get(name); v != "" {
			if q.who == nil || q.who.AccessKey == "" {
				return s3err.Errorf(s3err.InvalidRequest, "Request specific response headers cannot be used for anonymous GET requests.")
			}
			h.Set(header, v)
		}
	}
	return nil
}

func classOf(info *namespace.ObjectInfo) string {
	if o := info.Object; o != nil && o.Headers[storageClass] != "" {
		return o.Headers[storageClass]
	}
	return defaultStorage
}

func tagsOf(info *namespace.ObjectInfo) access.Tags {
	if info.Object == nil {
		return nil
	}
	return sentTags(info.Object.Tags)
}

func storedTags(tags access.Tags) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

// sentTags are in the order of their keys.
func sentTags(m map[string]string) access.Tags {
	var tags access.Tags
	for _, k := range slices.Sorted(maps.Keys(m)) {
		tags = append(tags, access.Tag{Key: k, Value: m[k]})
	}
	return tags
}

// location is the address of the object in answers.
func (q *request) location() string {
	u := url.URL{Scheme: "http", Host: q.r.Host, Path: "/" + q.bucketName + "/" + q.key}
	if q.r.TLS != nil {
		u.Scheme = "https"
	}
	if q.hostBucket != "" {
		u.Path = "/" + q.key
	}
	return u.String()
}
