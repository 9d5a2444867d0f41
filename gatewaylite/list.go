package gatewaylite

import (
	"encoding/base64"
	"math"
	"strconv"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// maxList is the most entries that any listing has.
const maxList = 1000

// listing is what the parameters of all listings have in common.
type listing struct {
	prefix, delimiter string
	limit             int
	encode            func(string) string // of keys and prefixes in the answer
	encoding          string
}

// parseListing reads prefix, delimiter, encoding-type, and the limit by its name.
func (q *request) parseListing(limitName string) (listing, error) {
	l := listing{
		prefix: q.query.Get("prefix"), delimiter: q.query.Get("delimiter"),
		encode: func(s string) string { return s }, encoding: q.query.Get("encoding-type"),
	}
	switch l.encoding {
	case "":
	case "url":
		l.encode = urlEncoded
	default:
		return l, badArgument("encoding-type", l.encoding, "Invalid Encoding Method specified in Request")
	}
	var err error
	l.limit, err = q.parseLimit(limitName)
	return l, err
}

func (q *request) parseLimit(name string) (int, error) {
	s := q.query.Get(name)
	if s == "" {
		return maxList, nil
	}
	n, err := strconv.Atoi(s)
	switch {
	case err != nil:
		return 0, badArgument(name, s, "Provided %s not an integer or within integer range", name)
	case n < 0 || n > math.MaxInt32:
		return 0, badArgument(name, s, "Argument %s must be an integer between 0 and %d", name, math.MaxInt32)
	}
	return min(n, maxList), nil
}

// page is a piece of a listing: what is listed, and whether there is more.
type page struct {
	entries   []namespace.Listed
	truncated bool
}

// last is the key or prefix after which the next page begins.
func (p *page) last() string {
	if len(p.entries) == 0 {
		return ""
	}
	e := &p.entries[len(p.entries)-1]
	if e.CommonPrefix != "" {
		return e.CommonPrefix
	}
	return e.Key
}

func (q *request) page(l listing, after string) (page, error) {
	var p page
	if l.limit == 0 {
		return p, nil
	}
	keys := namespace.ListKeys{Prefix: l.prefix, After: after, Delimiter: l.delimiter}
	for e, err := range q.g.vol.ListKeys(q.ctx(), q.bucket, keys) {
		if err != nil {
			return p, err
		}
		if len(p.entries) == l.limit {
			p.truncated = true
			break
		}
		p.entries = append(p.entries, e)
	}
	return p, nil
}

// listObjects answers ListObjects: version 1.
func (q *request) listObjects() error {
	l, err := q.parseListing("max-keys")
	if err != nil {
		return err
	}
	marker := q.query.Get("marker")
	p, err := q.page(l, marker)
	if err != nil {
		return err
	}
	d := newDocument("ListBucketResult")
	d.text("Name", q.bucketName)
	d.text("Prefix", l.encode(l.prefix))
	d.text("Marker", l.encode(marker))
	if p.truncated && l.delimiter != "" {
		d.text("NextMarker", l.encode(p.last())) // else it is the last key
	}
	l.limits(d, p.truncated)
	q.entries(d, l, &p, true)
	return q.answer(d)
}

// listObjectsV2 answers ListObjectsV2.
func (q *request) listObjectsV2() error {
	l, err := q.parseListing("max-keys")
	if err != nil {
		return err
	}
	start, token := q.query.Get("start-after"), q.query.Get("continuation-token")
	after := start
	if q.query.Has("continuation-token") {
		if after, err = parseToken(token); err != nil {
			return err
		}
	}
	p, err := q.page(l, after)
	if err != nil {
		return err
	}
	d := newDocument("ListBucketResult")
	d.text("Name", q.bucketName)
	d.text("Prefix", l.encode(l.prefix))
	d.some("StartAfter", l.encode(start))
	d.some("ContinuationToken", token)
	if p.truncated {
		d.text("NextContinuationToken", newToken(p.last()))
	}
	d.number("KeyCount", int64(len(p.entries)))
	l.limits(d, p.truncated)
	q.entries(d, l, &p, q.query.Get("fetch-owner") == "true")
	return q.answer(d)
}

// limits writes what comes in all listings between the markers and the entries.
func (l *listing) limits(d *document, truncated bool) {
	d.number("MaxKeys", int64(l.limit))
	d.some("Delimiter", l.encode(l.delimiter))
	d.some("EncodingType", l.encoding)
	d.flag("IsTruncated", truncated)
}

// entries writes keys, then common prefixes.
func (q *request) entries(d *document, l listing, p *page, owners bool) {
	names := q.g.users.names(q.ctx())
	for i := range p.entries {
		e := &p.entries[i]
		if e.CommonPrefix != "" {
			continue
		}
		d.open("Contents")
		d.text("Key", l.encode(e.Key))
		d.objectFields(&e.ObjectInfo)
		if owners {
			owner := q.objectACL(&e.ObjectInfo).Owner
			display, _ := names(owner)
			d.owner("Owner", owner, display)
		}
		d.text("StorageClass", classOf(&e.ObjectInfo))
		d.close("Contents")
	}
	d.commonPrefixes(l, p)
}

func (d *document) objectFields(info *namespace.ObjectInfo) {
	d.time("LastModified", info.Modified)
	d.etag(info.ETag)
	for _, name := range sumNames(info) {
		d.text("ChecksumAlgorithm", name)
	}
	d.some("ChecksumType", sumKind(info))
	d.number("Size", info.Attr.Size)
}

func (d *document) commonPrefixes(l listing, p *page) {
	for i := range p.entries {
		if prefix := p.entries[i].CommonPrefix; prefix != "" {
			d.open("CommonPrefixes")
			d.text("Prefix", l.encode(prefix))
			d.close("CommonPrefixes")
		}
	}
}

// A continuation token is a key that nobody is meant to make up: one day it may be
// something else.
const tokenMark = "1:"

func newToken(key string) string {
	return base64.StdEncoding.EncodeToString([]byte(tokenMark + key))
}

func parseToken(token string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) < len(tokenMark) || string(b[:len(tokenMark)]) != tokenMark {
		return "", s3err.Errorf(s3err.InvalidArgument, "The continuation token provided is incorrect").
			With("ArgumentName", "continuation-token").With("ArgumentValue", token)
	}
	return string(b[len(tokenMark):]), nil
}
