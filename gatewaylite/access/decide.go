package access

import "github.com/cairnfs/cairn/gatewaylite/s3err"

// Rules are what decides on a request.
type Rules struct {
	// Bucket is the ACL of the bucket; nil only for operations on no bucket.
	Bucket *ACL
	// Object is the ACL of the object that exists under the key and version, or that
	// an unfinished upload will have, whose owner began it; nil: there is none, or the
	// operation only makes or removes one.
	Object *ACL
	// Policy is that of the bucket; nil: it has none.
	Policy *Policy
}

// Decide allows the request (nil) or refuses it with AccessDenied ("How Amazon S3 authorizes
// a request", S3 user guide). What the policy denies is denied, but the policy itself to
// the bucket's owner and to admins, so that no bucket is locked for ever. Otherwise a user may do everything to a bucket of their own, and
// whoever wrote an object to it, everything to the object; others need a
// policy or a grant. A policy of the bucket's owner gives away no object of others.
//
// To read what does not exist one needs to be allowed to list: who may not should not
// learn it.
func Decide(r *Request, on Rules) error {
	n := &operations[r.Op]
	if n.name == "" || !allowed(r, n, on) {
		return s3err.New(s3err.AccessDenied)
	}
	return nil
}

func allowed(r *Request, n *need, on Rules) bool {
	if n.on == onService {
		return !r.Principal.Anonymous
	}
	if on.Bucket == nil {
		return false
	}
	if n.policy && (owns(r.Principal, on.Bucket) || r.Principal.Admin) {
		return true
	}
	for _, action := range r.needed() {
		if !permitted(action, r, n, on) {
			return false
		}
	}
	return true
}

// permitted decides on one of the actions that the request needs.
func permitted(action string, r *Request, n *need, on Rules) bool {
	decision := None
	if on.Policy != nil {
		decision = on.Policy.Evaluate(action, r)
	}
	switch {
	case decision == Deny:
		return false
	case r.Principal.Admin:
		return true
	case n.on == onObject && on.Object == nil:
		return mayList(r, on)
	case decision == Allow && (n.on == onBucket || on.Object.Owner == on.Bucket.Owner):
		return true
	default:
		return granted(r, n, on)
	}
}

// mayList says whether the request may learn that an object is not there.
func mayList(r *Request, on Rules) bool {
	listing := *r
	listing.Op, listing.Key, listing.VersionID, listing.Query = ListObjects, "", "", nil
	return allowed(&listing, &operations[ListObjects], on)
}

// granted decides by ownership and grants.
func granted(r *Request, n *need, on Rules) bool {
	acl, grant := on.Bucket, n.grant
	if n.on == onObject {
		acl = on.Object
	}
	if n.keepVersions && r.VersionID != "" {
		grant = 0
	}
	if owns(r.Principal, acl) || grant != 0 && acl.Allows(grant, r.Principal) {
		return true
	}
	// What no grant gives, such as tags and uploads, is its bucket owner's too.
	return grant == 0 && owns(r.Principal, on.Bucket)
}

func owns(p Principal, acl *ACL) bool { return !p.Anonymous && p.CanonicalID == acl.Owner }

// OwnerOfNew is the canonical id that will own what the principal puts into the
// bucket: the principal's, or the bucket owner's where nobody signed. (In S3 everybody
// without a key would own it.)
func OwnerOfNew(p Principal, bucket *ACL) string {
	if p.Anonymous {
		return bucket.Owner
	}
	return p.CanonicalID
}
