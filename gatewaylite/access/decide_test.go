package access

import (
	"errors"
	"net/http"
	"testing"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

var (
	carol = Principal{Name: "carol", CanonicalID: "ca401"}
	root  = Principal{Name: "root", CanonicalID: "0", Admin: true}
)

// who says which of alice (who owns the bucket), bob (who wrote the object),
// carol (a user) and nobody may do it, as letters.
func who(op Op, version string, on Rules) string {
	allowed := ""
	for _, p := range []struct {
		letter string
		Principal
	}{{"a", alice}, {"b", bob}, {"c", carol}, {"-", Nobody}} {
		r := &Request{Op: op, Bucket: "photos", VersionID: version, Principal: p.Principal}
		if op >= GetObject {
			r.Key = "k"
		}
		if Decide(r, on) == nil {
			allowed += p.letter
		}
	}
	return allowed
}

func canned(t *testing.T, name, owner, bucketOwner string) *ACL {
	t.Helper()
	acl, err := Canned(name, owner, bucketOwner)
	if err != nil {
		t.Fatal(err)
	}
	return acl
}

// TestCannedDecide holds the operations against the canned ACLs of bucket and object, as
// "Access control list overview" maps the permissions.
func TestCannedDecide(t *testing.T) {
	for _, tt := range []struct {
		op             Op
		version        string
		bucket, object string
		want           string
	}{
		{ListBuckets, "", "private", "private", "abc"},
		{CreateBucket, "", "private", "private", "abc"},
		{ListObjects, "", "private", "private", "a"},
		{ListObjects, "", "public-read", "private", "abc-"},
		{HeadBucket, "", "authenticated-read", "private", "abc"},
		{ListObjectVersions, "", "public-read", "private", "abc-"},
		{ListMultipartUploads, "", "public-read", "private", "abc-"},
		{GetBucketLocation, "", "public-read-write", "public-read", "a"},
		{DeleteBucket, "", "public-read-write", "public-read", "a"},
		{GetBucketACL, "", "public-read-write", "private", "a"},
		{PutBucketACL, "", "public-read-write", "private", "a"},
		{GetBucketACL, "", "log-delivery-write", "private", "a"},
		{PutBucketPolicy, "", "public-read-write", "private", "a"},
		{PutBucketLifecycle, "", "public-read-write", "private", "a"},
		{PutObject, "", "private", "", "a"},
		{PutObject, "", "public-read", "", "a"},
		{PutObject, "", "public-read-write", "", "abc-"},
		{CreateMultipartUpload, "", "public-read-write", "", "abc-"},
		{DeleteObject, "", "public-read-write", "", "abc-"},
		{DeleteObject, "v", "public-read-write", "private", "a"},
		{GetObject, "", "public-read-write", "private", "b"},
		{GetObject, "", "private", "public-read", "abc-"},
		{GetObject, "v", "private", "authenticated-read", "abc"},
		{GetObject, "", "private", "bucket-owner-read", "ab"},
		{GetObjectACL, "", "private", "bucket-owner-read", "b"},
		{GetObjectACL, "", "private", "bucket-owner-full-control", "ab"},
		{PutObjectACL, "", "private", "bucket-owner-full-control", "ab"},
		{PutObjectACL, "", "public-read-write", "public-read-write", "b"},
		{GetObjectTagging, "", "public-read-write", "public-read-write", "ab"},
		{AbortMultipartUpload, "", "public-read-write", "private", "ab"},
		{ListParts, "", "private", "private", "ab"},
		// Nothing is there: who may list learns it.
		{GetObject, "", "private", "", "a"},
		{HeadObject, "", "public-read", "", "abc-"},
		{GetObjectTagging, "", "authenticated-read", "", "abc"},
	} {
		on := Rules{Bucket: canned(t, tt.bucket, alice.CanonicalID, "")}
		if tt.object != "" {
			on.Object = canned(t, tt.object, bob.CanonicalID, alice.CanonicalID)
		}
		if got := who(tt.op, tt.version, on); got != tt.want {
			t.Errorf("%v version %q, bucket %s, object %q: %s may, want %s", tt.op, tt.version, tt.bucket, tt.object, got, tt.want)
		}
	}
}

// TestPolicyDecide: what a policy gives and takes, and from whom it can't.
func TestPolicyDecide(t *testing.T) {
	const prefix = `{"Version":"2012-10-17","Statement":[{"Principal":"*","Resource":["arn:aws:s3:::photos","arn:aws:s3:::photos/*"],`
	allow := mustPolicy(t, prefix+`"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObjectVersion","s3:PutBucketCORS"]}]}`)
	deny := mustPolicy(t, prefix+`"Effect":"Deny","Action":"s3:*"}]}`)
	mine, bobs := Private(alice.CanonicalID), Private(bob.CanonicalID)
	for i, tt := range []struct {
		op      Op
		version string
		on      Rules
		want    string
	}{
		{GetObject, "", Rules{mine, mine, allow}, "abc-"},
		{GetObject, "v", Rules{mine, mine, allow}, "a"},
		{GetObject, "", Rules{mine, bobs, allow}, "b"},
		{GetObject, "", Rules{mine, nil, allow}, "a"},
		{GetObjectAttributes, "", Rules{mine, mine, allow}, "a"},
		{PutObject, "", Rules{mine, nil, allow}, "abc-"},
		{DeleteObject, "v", Rules{mine, bobs, allow}, "abc-"},
		{DeleteBucketCORS, "", Rules{mine, nil, allow}, "abc-"},
		{GetObject, "", Rules{mine, bobs, deny}, ""},
		{ListObjects, "", Rules{mine, nil, deny}, ""},
		{GetBucketPolicy, "", Rules{mine, nil, deny}, "a"},
		{DeleteBucketPolicy, "", Rules{mine, nil, deny}, "a"},
	} {
		if got := who(tt.op, tt.version, tt.on); got != tt.want {
			t.Errorf("%d: %v: %q may, want %q", i, tt.op, got, tt.want)
		}
	}
	for _, op := range Ops() {
		r := &Request{Op: op, Bucket: "photos", Key: "k", Principal: root}
		if err := Decide(r, Rules{Bucket: mine, Object: bobs}); err != nil {
			t.Errorf("admin, %v: %v", op, err)
		}
		err := Decide(r, Rules{Bucket: mine, Object: bobs, Policy: deny})
		if denied := errors.Is(err, s3err.AccessDenied); denied == (operations[op].on == onService || operations[op].policy) {
			t.Errorf("admin, %v, denied: %v", op, err)
		}
		if op.String() == "" {
			t.Errorf("operation %d has no name", op)
		}
	}
	if Decide(&Request{Principal: root}, Rules{Bucket: mine}) == nil {
		t.Error("no operation was allowed")
	}
}

// TestHeadersAskForMore: an ACL and tags that come with an object need their own
// permissions, unless whoever may write by a grant brings them.
func TestHeadersAskForMore(t *testing.T) {
	const prefix = `{"Version":"2012-10-17","Statement":[{"Principal":"*","Resource":"arn:aws:s3:::photos/*",`
	put := mustPolicy(t, prefix+`"Effect":"Allow","Action":"s3:PutObject"}]}`)
	both := mustPolicy(t, prefix+`"Effect":"Allow","Action":["s3:PutObject","s3:PutObjectAcl","s3:PutObjectTagging"]}]}`)
	noACL := mustPolicy(t, prefix+`"Effect":"Deny","Action":"s3:PutObjectAcl"}]}`)
	acl, tags := http.Header{"X-Amz-Acl": {"public-read"}}, Tags{{"k", "v"}}
	private, public := Private(alice.CanonicalID), canned(t, "public-read-write", alice.CanonicalID, "")
	for i, tt := range []struct {
		header http.Header
		tags   Tags
		on     Rules
		want   bool
	}{
		{nil, nil, Rules{private, nil, put}, true},
		{acl, nil, Rules{private, nil, put}, false},
		{nil, tags, Rules{private, nil, put}, false},
		{acl, tags, Rules{private, nil, both}, true},
		{acl, tags, Rules{public, nil, nil}, true},
		{acl, nil, Rules{public, nil, noACL}, false},
		{nil, tags, Rules{public, nil, noACL}, true},
	} {
		r := &Request{Op: PutObject, Bucket: "photos", Key: "k", Principal: bob, Header: tt.header, RequestTags: tt.tags}
		if err := Decide(r, tt.on); (err == nil) != tt.want {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// TestMissingKeyPrefix: a condition on the prefix of a listing is not met by a parameter of
// that name in another request.
func TestMissingKeyPrefix(t *testing.T) {
	list := mustPolicy(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::photos","Condition":{"StringEquals":{"s3:prefix":"open/"}}}]}`)
	r := &Request{Op: GetObject, Bucket: "photos", Key: "secret/x", Principal: carol, Query: map[string][]string{"prefix": {"open/"}}}
	if Decide(r, Rules{Private(alice.CanonicalID), nil, list}) == nil {
		t.Error("learned that a key is missing")
	}
}

func TestOwnerOfNew(t *testing.T) {
	bucket := canned(t, "public-read-write", alice.CanonicalID, "")
	if OwnerOfNew(bob, bucket) != bob.CanonicalID || OwnerOfNew(Nobody, bucket) != alice.CanonicalID {
		t.Error("wrong owner")
	}
	if Private("").Allows(Read, Nobody) {
		t.Error("nobody is somebody")
	}
}
