package gatewaylite

import (
	"net/http"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// A volume keeps the grants of an ACL; a grant to a group has the group's name in
// place of an id. No grants at all are those of a private ACL, which is what
// everything has that was made through another door.

func bucketACL(c *namespace.BucketRecord) *access.ACL { return aclOf(c.Owner, c.ACL) }

// objectACL is that of an object; what a mount made is its bucket owner's.
func (q *request) objectACL(info *namespace.ObjectInfo) *access.ACL {
	owner, grants := q.config.Owner, []namespace.Grant(nil)
	if o := info.Object; o != nil {
		grants = o.ACL
		if o.Owner != "" {
			owner = o.Owner
		}
	}
	return aclOf(owner, grants)
}

func aclOf(owner string, grants []namespace.Grant) *access.ACL {
	if len(grants) == 0 {
		return access.Private(owner)
	}
	acl := &access.ACL{Owner: owner, Grants: make([]access.Grant, 0, len(grants))}
	for _, g := range grants {
		to := access.Grant{ID: g.Grantee, Permission: permission(g.Permission)}
		switch group := access.Group(g.Grantee); group {
		case access.AllUsers, access.AuthenticatedUsers, access.LogDelivery:
			to.ID, to.Group = "", group
		case noGrantee:
			continue
		}
		acl.Grants = append(acl.Grants, to)
	}
	return acl
}

// noGrantee stands for an ACL without any grant, which is not a private one.
const noGrantee = "-"

func storedGrants(acl *access.ACL) []namespace.Grant {
	if acl == nil {
		return nil
	}
	if len(acl.Grants) == 0 {
		return []namespace.Grant{{Grantee: noGrantee}}
	}
	grants := make([]namespace.Grant, 0, len(acl.Grants))
	for _, g := range acl.Grants {
		to := g.ID
		if to == "" {
			to = string(g.Group)
		}
		grants = append(grants, namespace.Grant{Grantee: to, Permission: g.Permission.String()})
	}
	return grants
}

func permission(name string) access.Permission {
	for _, p := range []access.Permission{access.Read, access.Write, access.ReadACP, access.WriteACP, access.FullControl} {
		if p.String() == name {
			return p
		}
	}
	return 0
}

func (q *request) getBucketACL() error {
	return q.answerBytes(http.StatusOK, "application/xml", bucketACL(&q.config).XML(q.g.users.names(q.ctx())))
}

func (q *request) getObjectACL() error {
	info, err := q.stat(access.GetObjectACL)
	if err != nil {
		return err
	}
	setVersion(q.w.Header(), info.Version)
	return q.answerBytes(http.StatusOK, "application/xml", q.objectACL(&info).XML(q.g.users.names(q.ctx())))
}

func (q *request) putBucketACL() error {
	acl, err := q.sentACL(q.config.Owner, "")
	if err != nil {
		return err
	}
	return q.configure(http.StatusOK, func(c *namespace.BucketRecord) { c.ACL = storedGrants(acl) })
}

func (q *request) putObjectACL() error {
	info, err := q.stat(access.PutObjectACL)
	if err != nil {
		return err
	}
	acl, err := q.sentACL(q.objectACL(&info).Owner, q.config.Owner)
	if err != nil {
		return err
	}
	return q.updateObject(http.StatusOK, func(o *namespace.Object) { o.ACL, o.Owner = storedGrants(acl), acl.Owner })
}

// sentACL is the one in the headers or in the body.
func (q *request) sentACL(owner, bucketOwner string) (*access.ACL, error) {
	names := q.g.users.names(q.ctx())
	acl, err := access.FromHeaders(q.r.Header, owner, bucketOwner, names)
	if acl != nil || err != nil {
		return acl, err
	}
	doc, err := q.document(maxDocument)
	if err != nil {
		return nil, err
	}
	if len(doc) == 0 {
		return nil, s3err.New(s3err.MissingSecurityHeader).With("MissingHeaderName", "x-amz-acl")
	}
	return access.ParseACL(doc, owner, names)
}
