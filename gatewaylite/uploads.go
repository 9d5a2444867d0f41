package gatewaylite

import (
	"strconv"
	"strings"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
)

// listParts answers ListParts.
func (q *request) listParts() error {
	u, err := q.upload()
	if err := q.allowUpload(access.ListParts, &u, err); err != nil {
		return err
	}
	limit, err := q.parseLimit("max-parts")
	if err != nil {
		return err
	}
	marker, err := headerNumber(q.query.Get("part-number-marker"), "part-number-marker", 0)
	if err != nil {
		return err
	}
	parts, truncated, err := q.parts(u, marker, limit)
	if err != nil {
		return err
	}
	return q.answerParts(u, parts, marker, limit, truncated)
}

// headerNumber reads a number that is not negative; empty is the default.
func headerNumber(s, name string, otherwise int) (int, error) {
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, badArgument(name, s, "Argument %s must be an integer between 0 and 2147483647", name)
	}
	return int(n), nil
}

func (q *request) parts(u namespace.Upload, after, limit int) (parts []namespace.UploadedPart, more bool, err error) {
	for p, err := range q.g.vol.ListParts(q.ctx(), u, after) {
		if err != nil {
			return nil, false, q.noSuchUpload(err)
		}
		if len(parts) == limit {
			return parts, limit > 0, nil
		}
		parts = append(parts, p)
	}
	return parts, false, nil
}

func (q *request) answerParts(u namespace.Upload, parts []namespace.UploadedPart, marker, limit int, truncated bool) error {
	d := newDocument("ListPartsResult")
	d.text("Bucket", q.bucketName)
	d.text("Key", q.key)
	d.text("UploadId", u.ID)
	q.uploadFields(d, &u)
	d.number("PartNumberMarker", int64(marker))
	next := 0
	if len(parts) > 0 {
		next = parts[len(parts)-1].Number
	}
	d.number("NextPartNumberMarker", int64(next))
	d.number("MaxParts", int64(limit))
	d.flag("IsTruncated", truncated)
	for i := range parts {
		p := &parts[i]
		d.open("Part")
		d.number("PartNumber", int64(p.Number))
		d.time("LastModified", p.Uploaded)
		d.etag(p.ETag)
		d.number("Size", p.Size)
		d.sums(p.Checksums, false)
		d.close("Part")
	}
	a, kind := uploadSum(&u)
	if a != 0 {
		d.text("ChecksumAlgorithm", a.String())
		d.text("ChecksumType", kind.String())
	}
	return q.answer(d)
}

// uploadFields are what both listings say of an upload.
func (q *request) uploadFields(d *document, u *namespace.Upload) {
	owner := u.User
	if u.Object != nil && u.Object.Owner != "" {
		owner = u.Object.Owner
	}
	d.owner("Initiator", u.User, q.display(u.User))
	d.owner("Owner", owner, q.display(owner))
	d.text("StorageClass", classOf(&namespace.ObjectInfo{Object: u.Object}))
}

// uploadPage is a piece of the listing of uploads.
type uploadPage struct {
	uploads   []namespace.Upload
	prefixes  []string
	truncated bool
	nextKey   string
	nextID    string
}

// listUploads answers ListMultipartUploads.
func (q *request) listUploads() error {
	l, err := q.parseListing("max-uploads")
	if err != nil {
		return err
	}
	keyMarker, idMarker := q.query.Get("key-marker"), q.query.Get("upload-id-marker")
	if keyMarker == "" {
		idMarker = "" // "ListMultipartUploads": it is ignored without a key
	}
	p, err := q.uploadPage(l, keyMarker, idMarker)
	if err != nil {
		return err
	}
	d := newDocument("ListMultipartUploadsResult")
	d.text("Bucket", q.bucketName)
	d.text("KeyMarker", l.encode(keyMarker))
	d.text("UploadIdMarker", idMarker)
	if !p.truncated {
		p.nextKey, p.nextID = "", ""
	}
	d.text("NextKeyMarker", l.encode(p.nextKey))
	d.text("NextUploadIdMarker", p.nextID)
	d.some("Delimiter", l.encode(l.delimiter))
	d.text("Prefix", l.encode(l.prefix))
	d.number("MaxUploads", int64(l.limit))
	d.some("EncodingType", l.encoding)
	d.flag("IsTruncated", p.truncated)
	q.uploadEntries(d, l, &p)
	return q.answer(d)
}

// uploadPage rolls keys up itself: uploads are few, and have no tree.
func (q *request) uploadPage(l listing, keyMarker, idMarker string) (uploadPage, error) {
	var p uploadPage
	if l.limit == 0 {
		return p, nil
	}
	for u, err := range q.g.vol.ListUploads(q.ctx(), q.bucket, l.prefix, keyMarker, idMarker) {
		if err != nil {
			return p, err
		}
		common := l.rollUp(u.Key)
		if common != "" && (common == p.nextKey || strings.HasPrefix(keyMarker, common)) {
			continue
		}
		if len(p.uploads)+len(p.prefixes) == l.limit {
			p.truncated = true
			break
		}
		if common != "" {
			p.prefixes, p.nextKey, p.nextID = append(p.prefixes, common), common, ""
			continue
		}
		p.uploads, p.nextKey, p.nextID = append(p.uploads, u), u.Key, u.ID
	}
	return p, nil
}

// rollUp is the common prefix of the key; empty if it is listed itself.
func (l *listing) rollUp(key string) string {
	if l.delimiter == "" {
		return ""
	}
	rest := strings.TrimPrefix(key, l.prefix)
	i := strings.Index(rest, l.delimiter)
	if i < 0 {
		return ""
	}
	return l.prefix + rest[:i+len(l.delimiter)]
}

func (q *request) uploadEntries(d *document, l listing, p *uploadPage) {
	for i := range p.uploads {
		u := &p.uploads[i]
		d.open("Upload")
		d.text("Key", l.encode(u.Key))
		d.text("UploadId", u.ID)
		q.uploadFields(d, u)
		d.time("Initiated", u.Started)
		d.close("Upload")
	}
	for _, prefix := range p.prefixes {
		d.open("CommonPrefixes")
		d.text("Prefix", l.encode(prefix))
		d.close("CommonPrefixes")
	}
}
