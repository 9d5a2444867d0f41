package gatewaylite

import (
	"context"
	"net/http"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/checksum"
)

func (q *request) putObject() error {
	o, tags, err := q.described()
	if err != nil {
		return err
	}
	if err := q.allowTagged(access.PutObject, nil, tags, nil); err != nil {
		return err
	}
	terms, err := q.writeTerms()
	if err != nil {
		return err
	}
	if err := q.needLength(); err != nil {
		return err
	}
	r, err := q.receive(checksum.None)
	if err != nil {
		return err
	}
	info, err := q.publish(r, o, terms)
	if err != nil {
		return err
	}
	q.describeWrite(&info)
	return q.empty(http.StatusOK)
}

// publish gives a body its key; what can't have it goes to the collector.
func (q *request) publish(r *received, o *namespace.Object, terms func(*namespace.ObjectInfo) error) (namespace.ObjectInfo, error) {
	o.ETag, o.Checksums = r.etag(), storedSums(r.algorithm, r.sum)
	q.size = r.size
	return q.putKey(r.content, o, terms)
}

func (q *request) putKey(c *namespace.Content, o *namespace.Object, terms func(*namespace.ObjectInfo) error) (namespace.ObjectInfo, error) {
	info, err := q.g.door.PutKey(q.ctx(), q.bucket, q.key, c, namespace.PutKey{
		Object: o, If: terms, Durability: blockstore.Sync,
	})
	if err != nil {
		q.abort(c)
	}
	return info, err
}

// abort gives a content up, also when the client is gone.
func (q *request) abort(c *namespace.Content) {
	if err := c.Abort(context.WithoutCancel(q.ctx())); err != nil {
		q.g.log.Warn("a content could not be given up; the collector finds it", "request", q.id, "key", q.key, "err", err)
	}
}

// describeWrite writes what is said of an object that was made.
func (q *request) describeWrite(info *namespace.ObjectInfo) {
	h := q.w.Header()
	h.Set("Etag", quoted(info.ETag))
	setNewVersion(h, info.Version)
	setSums(h, sumsOf(info))
}

// updateObject changes what S3 keeps beside the bytes of the object.
func (q *request) updateObject(status int, change func(o *namespace.Object)) error {
	info, err := q.g.door.UpdateObject(q.ctx(), q.bucket, q.key, q.version,
		func(_ *namespace.ObjectInfo, o *namespace.Object) error { change(o); return nil })
	if blockstore.KindOf(err) == blockstore.NotFound {
		return q.noSuchKey(err)
	}
	if err != nil {
		return err
	}
	setVersion(q.w.Header(), info.Version)
	return q.empty(status)
}
