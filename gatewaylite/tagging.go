package gatewaylite

import (
	"net/http"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

func (q *request) getBucketTags() error {
	if len(q.config.Tags) == 0 {
		return q.none(s3err.NoSuchTagSet)
	}
	return q.answerBytes(http.StatusOK, "application/xml", sentTags(q.config.Tags).XML())
}

func (q *request) putBucketTags() error {
	doc, err := q.document(maxDocument)
	if err != nil {
		return err
	}
	tags, err := access.ParseTagging(doc, access.MaxBucketTags)
	if err != nil {
		return err
	}
	return q.configure(http.StatusNoContent, func(c *namespace.BucketRecord) { c.Tags = storedTags(tags) })
}

func (q *request) deleteBucketTags() error {
	return q.configure(http.StatusNoContent, func(c *namespace.BucketRecord) { c.Tags = nil })
}

func (q *request) getObjectTags() error {
	info, err := q.stat(access.GetObjectTagging)
	if err != nil {
		return err
	}
	setVersion(q.w.Header(), info.Version)
	return q.answerBytes(http.StatusOK, "application/xml", tagsOf(&info).XML())
}

func (q *request) putObjectTags() error {
	doc, err := q.document(maxDocument)
	if err != nil {
		return err
	}
	tags, err := access.ParseTagging(doc, access.MaxObjectTags)
	if err != nil {
		return err
	}
	if err := q.mayTag(access.PutObjectTagging, tags); err != nil {
		return err
	}
	return q.updateObject(http.StatusOK, func(o *namespace.Object) { o.Tags = storedTags(tags) })
}

func (q *request) deleteObjectTags() error {
	if err := q.mayTag(access.DeleteObjectTagging, nil); err != nil {
		return err
	}
	return q.updateObject(http.StatusNoContent, func(o *namespace.Object) { o.Tags = nil })
}

// mayTag asks with the tags that the object would get and those that it has.
func (q *request) mayTag(op access.Op, asked access.Tags) error {
	info, err := q.g.vol.StatKey(q.ctx(), q.bucket, q.key, q.version)
	if err != nil || info.Marker {
		return q.allowObject(op, &info, err)
	}
	return q.allowTagged(op, q.objectACL(&info), asked, tagsOf(&info))
}
