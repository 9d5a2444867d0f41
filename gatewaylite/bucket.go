package gatewaylite

import (
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// listBuckets answers ListBuckets: a user's own; all of them to an administrator.
func (q *request) listBuckets() error {
	mine, err := q.myBuckets()
	if err != nil {
		return err
	}
	limit, err := q.parseLimit("max-buckets")
	if err != nil {
		return err
	}
	after := ""
	if q.query.Has("continuation-token") {
		if after, err = parseToken(q.query.Get("continuation-token")); err != nil {
			return err
		}
	}
	d := newDocument("ListAllMyBucketsResult")
	d.owner("Owner", q.caller.CanonicalID, q.caller.Name)
	d.open("Buckets")
	prefix, shown, token := q.query.Get("prefix"), "", ""
	n := 0
	for _, b := range mine {
		if !strings.HasPrefix(b.Name, prefix) || b.Name <= after {
			continue
		}
		if n == limit && q.query.Has("max-buckets") {
			token = newToken(shown)
			break
		}
		d.open("Bucket")
		d.text("Name", b.Name)
		d.time("CreationDate", b.Created)
		d.close("Bucket")
		n, shown = n+1, b.Name
	}
	d.close("Buckets")
	d.some("ContinuationToken", token)
	d.some("Prefix", prefix)
	return q.answer(d)
}

func (q *request) myBuckets() ([]namespace.Bucket, error) {
	all, err := q.g.vol.Buckets(q.ctx())
	if err != nil || q.caller.Admin {
		return all, err
	}
	var mine []namespace.Bucket
	for _, b := range all {
		config, err := q.g.vol.BucketConfig(q.ctx(), b.ID)
		if blockstore.KindOf(err) == blockstore.Stale {
			continue // just removed
		}
		if err != nil {
			return nil, err
		}
		if config.Owner == q.caller.CanonicalID {
			mine = append(mine, b)
		}
	}
	return mine, nil
}

func (q *request) createBucket() error {
	if q.caller.Anonymous {
		return s3err.AccessDenied
	}
	if err := q.checkLocation(); err != nil {
		return err
	}
	acl, err := access.FromHeaders(q.r.Header, q.caller.CanonicalID, "", q.g.users.names(q.ctx()))
	if err != nil {
		return err
	}
	user, _, err := q.g.users.byKey(q.ctx(), q.who.AccessKey)
	if err != nil {
		return err
	}
	b, err := q.g.vol.CreateBucket(q.ctx(), q.bucketName, namespace.NewNode{Mode: 0o755, UID: user.UID, GID: user.GID})
	switch blockstore.KindOf(err) {
	case blockstore.Exists:
		return q.bucketExists()
	case blockstore.Invalid:
		return s3err.Wrap(s3err.InvalidBucketName, err).With("BucketName", q.bucketName)
	}
	if err != nil {
		return err
	}
	err = q.g.vol.SetBucketConfig(q.ctx(), b.ID, func(c *namespace.BucketRecord) error {
		c.Owner, c.ACL = q.caller.CanonicalID, storedGrants(acl)
		return nil
	})
	if err != nil {
		return err
	}
	q.w.Header().Set("Location", "/"+q.bucketName)
	return q.empty(http.StatusOK)
}

// bucketExists says whose it is.
func (q *request) bucketExists() error {
	_, config, err := q.g.findBucket(q.ctx(), q.bucketName)
	if err != nil {
		return err
	}
	code := s3err.BucketAlreadyExists
	if config.Owner == q.caller.CanonicalID {
		code = s3err.BucketAlreadyOwnedByYou
	}
	return s3err.New(code).With("BucketName", q.bucketName)
}

// checkLocation: a body may name the region, which must be that of the gateway.
func (q *request) checkLocation() error {
	doc, err := q.document(maxDocument)
	if err != nil || len(doc) == 0 {
		return err
	}
	var in struct {
		XMLName            xml.Name `xml:"CreateBucketConfiguration"`
		LocationConstraint string
	}
	if err := xml.Unmarshal(doc, &in); err != nil {
		return s3err.Wrap(s3err.MalformedXML, err)
	}
	switch in.LocationConstraint {
	case "", q.g.opts.Region:
		return nil
	}
	return s3err.New(s3err.InvalidLocationConstraint).With("LocationConstraint", in.LocationConstraint)
}

func (q *request) headBucket() error {
	q.w.Header().Set("X-Amz-Bucket-Region", q.g.opts.Region)
	q.w.Header().Set("Content-Type", "application/xml")
	q.w.WriteHeader(http.StatusOK)
	return nil
}

func (q *request) deleteBucket() error {
	if err := q.g.vol.RemoveBucket(q.ctx(), q.bucketName); err != nil {
		if blockstore.KindOf(err) == blockstore.NotEmpty {
			return s3err.Wrap(s3err.BucketNotEmpty, err).With("BucketName", q.bucketName)
		}
		return noSuchBucket(err, q.bucketName)
	}
	return q.empty(http.StatusNoContent)
}

// getLocation answers GetBucketLocation: us-east-1 is the empty one.
func (q *request) getLocation() error {
	d := newDocument("LocationConstraint")
	if region := q.g.opts.Region; region != "us-east-1" {
		d.b = appendEscaped(d.b, region)
	}
	return q.answer(d)
}

// configure changes what a bucket has beyond its objects.
func (q *request) configure(status int, change func(c *namespace.BucketRecord)) error {
	err := q.g.vol.SetBucketConfig(q.ctx(), q.bucket, func(c *namespace.BucketRecord) error {
		change(c)
		return nil
	})
	if blockstore.KindOf(err) == blockstore.Invalid { // more than a record holds
		return s3err.Wrap(s3err.MaxMessageLengthExceeded, err)
	}
	if err != nil {
		return noSuchBucket(err, q.bucketName)
	}
	return q.empty(status)
}
