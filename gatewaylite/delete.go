package gatewaylite

import (
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

const (
	maxDeletes = 1000 // keys in one request ("DeleteObjects", S3 API reference)
	// deletesAtOnce share their fsyncs.
	deletesAtOnce = 16
)

func (q *request) deleteObject() error {
	terms, err := q.writeTerms()
	if err != nil {
		return err
	}
	done, err := q.g.door.DeleteKey(q.ctx(), q.bucket, q.key, q.version, terms)
	if err != nil {
		return err
	}
	h := q.w.Header()
	setVersion(h, done.Version)
	if done.Marker {
		h.Set("X-Amz-Delete-Marker", "true")
	}
	return q.empty(http.StatusNoContent)
}

// deletion is one key of a DeleteObjects, and what became of it.
type deletion struct {
	Key       string
	VersionID string `xml:"VersionId"`
	ETag      string
	// Two conditions that are of directory buckets.
	Size, LastModifiedTime string

	done namespace.Deleted
	err  *s3err.Error
}

func (q *request) deleteObjects() error {
	var in struct {
		Quiet   bool
		Objects []*deletion `xml:"Object"`
	}
	if err := q.parse(maxDelete, &in); err != nil {
		return err
	}
	if len(in.Objects) == 0 || len(in.Objects) > maxDeletes {
		return s3err.New(s3err.MalformedXML)
	}
	var group errgroup.Group
	group.SetLimit(deletesAtOnce)
	for _, d := range in.Objects {
		group.Go(func() error { d.err = translate(q.deleteOne(d)); return nil })
	}
	_ = group.Wait() // each has its own error
	return q.answer(deleteResult(in.Objects, in.Quiet))
}

// deleteOne works on a copy of the request, for there are others beside it.
func (q *request) deleteOne(d *deletion) error {
	one := *q
	one.key, one.version, one.level = d.Key, d.VersionID, onObject
	if d.Key == "" {
		return s3err.New(s3err.UserKeyMustBeSpecified)
	}
	if err := checkKey(d.Key); err != nil {
		return err
	}
	if d.Size != "" || d.LastModifiedTime != "" {
		return s3err.NotImplemented
	}
	if err := one.allow(access.DeleteObject, nil); err != nil {
		return err
	}
	var terms func(*namespace.ObjectInfo) error
	if d.ETag != "" {
		terms = func(current *namespace.ObjectInfo) error {
			if current == nil || current.Marker || !hasETag(d.ETag, current.ETag) {
				return preconditionFailed("If-Match")
			}
			return nil
		}
	}
	var err error
	d.done, err = q.g.door.DeleteKey(q.ctx(), q.bucket, d.Key, d.VersionID, terms)
	return err
}

func deleteResult(all []*deletion, quiet bool) *document {
	doc := newDocument("DeleteResult")
	for _, d := range all {
		switch {
		case d.err != nil:
			doc.open("Error")
			doc.text("Key", d.Key)
			doc.some("VersionId", d.VersionID)
			doc.text("Code", string(d.err.Code))
			doc.text("Message", d.err.Text())
			doc.close("Error")
		case !quiet:
			doc.deleted(d)
		}
	}
	return doc
}

func (d *document) deleted(x *deletion) {
	d.open("Deleted")
	d.text("Key", x.Key)
	d.some("VersionId", x.VersionID)
	if x.done.Marker {
		d.flag("DeleteMarker", true)
		d.some("DeleteMarkerVersionId", x.done.Version)
	}
	d.close("Deleted")
}
