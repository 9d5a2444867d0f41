package access

import (
	"slices"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// Private is the ACL of what is made without one: all to the owner.
func Private(owner string) *ACL {
	return &ACL{Owner: owner, Grants: []Grant{{ID: owner, Permission: FullControl}}}
}

// Canned is a predefined ACL ("Canned ACL", S3 user guide) of something of the
// owner. bucketOwner is the owner of the bucket that an object is in; empty: the
// ACL is of a bucket, for which those to a bucket's owner are private. It fails with
// InvalidArgument if there is no such ACL.
func Canned(name, owner, bucketOwner string) (*ACL, error) {
	acl := Private(owner)
	toGroup := func(g Group, permissions ...Permission) {
		for _, p := range permissions {
			acl.Grants = append(acl.Grants, Grant{Group: g, Permission: p})
		}
	}
	toBucketOwner := func(p Permission) {
		if bucketOwner != "" && bucketOwner != owner {
			acl.Grants = append(acl.Grants, Grant{ID: bucketOwner, Permission: p})
		}
	}
	switch name {
	case "private", "aws-exec-read": // there is no EC2 here to read for
	case "public-read":
		toGroup(AllUsers, Read)
	case "public-read-write":
		toGroup(AllUsers, Read, Write)
	case "authenticated-read":
		toGroup(AuthenticatedUsers, Read)
	case "bucket-owner-read":
		toBucketOwner(Read)
	case "bucket-owner-full-control":
		toBucketOwner(FullControl)
	case "log-delivery-write":
		if bucketOwner != "" {
			return nil, badArgument("", "x-amz-acl", name)
		}
		toGroup(LogDelivery, Write, ReadACP)
	default:
		return nil, badArgument("", "x-amz-acl", name)
	}
	return acl, nil
}

// CannedNames are the names that Canned knows.
func CannedNames() []string { return slices.Clone(cannedNames) }

var cannedNames = []string{
	"private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read",
	"bucket-owner-read", "bucket-owner-full-control", "log-delivery-write",
}

// badArgument is InvalidArgument with the argument; no message: that of the code.
func badArgument(message, name, value string) *s3err.Error {
	err := s3err.New(s3err.InvalidArgument)
	err.Message = message
	return err.With("ArgumentName", name).With("ArgumentValue", value)
}
