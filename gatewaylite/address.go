package gatewaylite

import (
	"net"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// level is what a request is about.
type level uint8

const (
	onService level = iota
	onBucket
	onObject
)

// address is what a request names. The path is decoded once and never cleaned: of
// all that a key can be, none is a way up.
type address struct {
	level      level
	bucketName string
	hostBucket string // the bucket, if it came in the name of the host
	key        string
}

const maxKey = 1024 // bytes ("Creating object key names", S3 user guide)

// find reads the address and the query.
func (q *request) find() error {
	a, err := parseAddress(q.r.Host, q.r.URL.Path, q.g.opts.Domain)
	if err != nil {
		return err
	}
	q.address = a
	if q.query, err = url.ParseQuery(q.r.URL.RawQuery); err != nil {
		return s3err.Wrap(s3err.InvalidURI, err).With("URI", q.r.URL.RequestURI())
	}
	q.version = q.query.Get("versionId")
	if q.query.Has("versionId") && q.version == "" {
		return badArgument("versionId", "", "Version id cannot be the empty string")
	}
	return q.checkHeader()
}

// parseAddress splits a path that was decoded ("Virtual hosting of general purpose
// buckets", S3 user guide).
func parseAddress(host, path, domain string) (address, error) {
	var a address
	rest, ok := strings.CutPrefix(path, "/")
	if !ok && path != "" {
		return a, s3err.New(s3err.InvalidURI).With("URI", path)
	}
	a.hostBucket = bucketOfHost(host, domain)
	if a.bucketName = a.hostBucket; a.bucketName == "" {
		a.bucketName, rest, _ = strings.Cut(rest, "/")
	}
	a.key = rest
	switch {
	case a.bucketName == "" && a.key == "":
		a.level = onService
	case a.bucketName == "":
		return a, s3err.New(s3err.InvalidBucketName).With("BucketName", "")
	case a.key == "":
		a.level = onBucket
	default:
		a.level = onObject
	}
	return a, checkKey(a.key)
}

func checkKey(key string) error {
	switch {
	case len(key) > maxKey:
		return s3err.Errorf(s3err.KeyTooLongError, "%s", s3err.KeyTooLongError.Message()).
			With("Size", number(int64(len(key)))).With("MaxSizeAllowed", number(maxKey))
	case !utf8.ValidString(key):
		return s3err.New(s3err.InvalidURI).With("URI", strings.ToValidUTF8(key, "\uFFFD"))
	}
	return nil
}

func bucketOfHost(host, domain string) string {
	if domain == "" {
		return ""
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	bucket, ok := strings.CutSuffix(strings.ToLower(host), "."+domain)
	if !ok {
		return ""
	}
	return bucket
}

// checkHeader bounds the header as a whole; net/http refuses what is far above.
func (q *request) checkHeader() error {
	n := len(q.r.RequestURI)
	for name, values := range q.r.Header {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	if limit := q.g.opts.Limits.Header; n > limit {
		return s3err.New(s3err.RequestHeaderSectionTooLarge).With("MaxSizeAllowed", number(int64(limit)))
	}
	return nil
}
