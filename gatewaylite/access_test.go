package gatewaylite_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"
)

// everything is a request of each operation on the bucket and its object.
var everything = []struct{ method, path, body string }{
	{"PUT", "/photos/new", "x"}, {"GET", "/photos/a", ""}, {"HEAD", "/photos/a", ""}, {"DELETE", "/photos/a", ""},
	{"GET", "/photos/none", ""}, {"GET", "/photos/a?acl", ""}, {"PUT", "/photos/a?acl", ""}, {"GET", "/photos/a?tagging", ""},
	{"PUT", "/photos/a?tagging", "<Tagging><TagSet></TagSet></Tagging>"}, {"DELETE", "/photos/a?tagging", ""},
	{"GET", "/photos/a?attributes", ""}, {"POST", "/photos/a?uploads", ""}, {"PUT", "/photos/a?uploadId=UPLOAD&partNumber=1", "x"},
	{"GET", "/photos/a?uploadId=UPLOAD", ""}, {"POST", "/photos/a?uploadId=UPLOAD", chosen(1, "x")}, {"DELETE", "/photos/a?uploadId=UPLOAD", ""},
	{"GET", "/photos/a?uploadId=0000", ""}, {"DELETE", "/photos/a?uploadId=0000", ""},
	{"GET", "/photos", ""}, {"HEAD", "/photos", ""}, {"GET", "/photos?list-type=2", ""}, {"GET", "/photos?versions", ""}, {"GET", "/photos?uploads", ""},
	{"GET", "/photos?location", ""}, {"GET", "/photos?policyStatus", ""}, {"GET", "/photos?encryption", ""}, {"GET", "/photos?object-lock", ""},
	{"PUT", "/photos?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"},
	{"GET", "/photos?acl", ""}, {"PUT", "/photos?acl", ""}, {"GET", "/photos?policy", ""}, {"PUT", "/photos?policy", "{}"}, {"DELETE", "/photos?policy", ""},
	{"GET", "/photos?cors", ""}, {"PUT", "/photos?cors", "<x/>"}, {"DELETE", "/photos?cors", ""}, {"GET", "/photos?lifecycle", ""},
	{"PUT", "/photos?lifecycle", "<x/>"}, {"DELETE", "/photos?lifecycle", ""}, {"GET", "/photos?tagging", ""}, {"PUT", "/photos?tagging", "<x/>"},
	{"DELETE", "/photos?tagging", ""}, {"GET", "/photos?versioning", ""}, {"DELETE", "/photos", ""}, {"DELETE", "/photos?website", ""},
}

// TestStrangers: a private bucket is closed to users who have nothing to do with it and
// to those without keys, in every operation, and nothing that they try changes it.
func TestStrangers(t *testing.T) {
	w := newWorld(t)
	owner, stranger := w.user("owner", false), w.user("stranger", false)
	owner.bucket("photos")
	owner.put("photos", "a", "hello")
	id := owner.begin("/photos/a")
	for _, c := range everything {
		path := strings.ReplaceAll(c.path, "UPLOAD", id)
		code := "<Code>AccessDenied</Code>"
		if c.method == "HEAD" {
			code = ""
		}
		more := []string{"X-Amz-Acl", "public-read", "X-Amz-Object-Attributes", "ETag"}
		w.anonymous(c.method, path, c.body, more...).want(t, 403, code)
		stranger.do(c.method, path, c.body, more...).want(t, 403, code)
	}
	del := "<Delete><Object><Key>a</Key></Object></Delete>"
	stranger.do("POST", "/photos?delete", del).want(t, 200, "<Error><Key>a</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error></DeleteResult>")
	w.anonymous("POST", "/photos?delete", del).want(t, 200, "<Code>AccessDenied</Code>")
	w.anonymous("GET", "/", "").want(t, 403, "AccessDenied")
	w.anonymous("PUT", "/newbucket", "").want(t, 403, "AccessDenied")
	stranger.do("GET", "/", "").want(t, 200, "<Buckets></Buckets>")
	owner.do("GET", "/", "").want(t, 200, "<Buckets><Bucket><Name>photos</Name><CreationDate>")
	if got := owner.read("photos", "a"); got != "hello" {
		t.Errorf("the object is %q", got)
	}
	owner.do("GET", "/photos", "").want(t, 200, "<Contents><Key>a</Key>")
}

// TestACL: grants open what they name and nothing else.
func TestACL(t *testing.T) {
	w := newWorld(t)
	owner, friend := w.user("owner", false), w.user("friend", false)
	owner.bucket("photos")
	owner.put("photos", "a", "hello")
	owner.do("PUT", "/photos/a?acl", "", "X-Amz-Acl", "public-read").want(t, 200, "")
	w.anonymous("GET", "/photos/a", "").want(t, 200, "hello")
	w.anonymous("GET", "/photos/a?response-content-type=x", "").want(t, 400, "InvalidRequest")
	w.anonymous("GET", "/photos/none", "").want(t, 403, "AccessDenied")
	w.anonymous("PUT", "/photos/a", "x").want(t, 403, "AccessDenied")
	owner.do("PUT", "/photos?acl", "", "X-Amz-Grant-Write", `id="`+friend.CanonicalID+`"`, "X-Amz-Grant-Full-Control", `id="`+owner.CanonicalID+`"`).want(t, 200, "")
	friend.do("PUT", "/photos/b", "of friend").want(t, 200, "")
	friend.do("GET", "/photos", "").want(t, 403, "AccessDenied")
	friend.do("GET", "/photos/b", "").want(t, 200, "of friend")
	owner.do("GET", "/photos/b", "").want(t, 403, "AccessDenied") // the writer owns it
	owner.do("GET", "/photos?list-type=2&fetch-owner=true", "").want(t, 200, "<Owner><ID>"+friend.CanonicalID+"</ID><DisplayName>friend</DisplayName></Owner><StorageClass>")
	acl := owner.do("GET", "/photos?acl", "").want(t, 200, "<Permission>WRITE</Permission>")
	owner.do("PUT", "/photos?acl", acl.body).want(t, 200, "")
	if again := owner.do("GET", "/photos?acl", ""); again.body != acl.body {
		t.Errorf("the ACL came back as %s, was %s", again.body, acl.body)
	}
	owner.do("PUT", "/photos/a?acl", "<x/>").want(t, 400, "MalformedACLError")
	owner.do("PUT", "/photos/none?acl", "", "X-Amz-Acl", "private").want(t, 404, "NoSuchKey")
}

// TestPolicy: a policy opens and closes, and who owns the bucket can always take it back.
func TestPolicy(t *testing.T) {
	w := newWorld(t)
	owner, friend := w.user("owner", false), w.user("friend", false)
	owner.bucket("photos")
	owner.put("photos", "public/a", "hello")
	owner.do("GET", "/photos?policy", "").want(t, 404, "<Code>NoSuchBucketPolicy</Code><Message>The bucket policy does not exist</Message><BucketName>photos</BucketName>")
	policy := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/public/*"},
		{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam:::user/friend"},"Action":"s3:*","Resource":["arn:aws:s3:::photos/*","arn:aws:s3:::photos"]}]}`
	owner.do("PUT", "/photos?policy", policy).want(t, 204, "")
	if p := owner.do("GET", "/photos?policy", "").want(t, 200, "").headers(t, "Content-Type", "application/json"); p.body != policy {
		t.Errorf("the policy came back as %s", p.body)
	}
	w.anonymous("GET", "/photos/public/a", "").want(t, 200, "hello")
	friend.do("GET", "/photos/public/a", "").want(t, 403, "AccessDenied")
	owner.do("PUT", "/photos?policy", `{"Statement":[]}`).want(t, 400, "MalformedPolicy")
	owner.do("PUT", "/photos?policy", strings.ReplaceAll(policy, "user/friend", "user/nobody")).want(t, 400, "MalformedPolicy")
	owner.do("PUT", "/photos?policy", policy+strings.Repeat(" ", 20<<10)).want(t, 400, "")
	owner.do("PUT", "/photos?policy", `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::photos","arn:aws:s3:::photos/*"]}}`).want(t, 204, "")
	owner.do("GET", "/photos", "").want(t, 403, "AccessDenied")
	owner.do("DELETE", "/photos?policy", "").want(t, 204, "")
	owner.do("GET", "/photos", "").want(t, 200, "")
}

// TestSignatures: each way of signing is let in, and each wrong one is told why.
func TestSignatures(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	w.root.put("photos", "a b+c", "hello")
	const at = "/photos/a%20b%2Bc"
	unsigned := []string{"X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"}
	presigned, err := w.root.PresignedGetObject(t.Context(), "photos", "a b+c", time.Hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.anonymous("GET", presigned.RequestURI(), "").want(t, 200, "hello")
	w.anonymous("GET", strings.Replace(presigned.RequestURI(), "a%20b", "a%20c", 1), "").want(t, 403, "<Code>SignatureDoesNotMatch</Code>")
	w.send(signer.SignV2(*w.request("GET", at, ""), w.root.AccessKey, w.root.secret, false)).want(t, 200, "hello")
	w.send(signer.PreSignV2(*w.request("GET", at, ""), w.root.AccessKey, w.root.secret, 60, false)).want(t, 200, "hello")
	w.send(signer.SignV2(*w.request("GET", at, ""), w.root.AccessKey, "wrong", false)).want(t, 403, "<Code>SignatureDoesNotMatch</Code>")
	w.send(signer.SignV4(*w.request("GET", at, "", unsigned...), "unknown", "wrong", "", "us-east-1")).want(t, 403, "<Code>InvalidAccessKeyId</Code>")
	w.send(signer.SignV4(*w.request("GET", at, "", unsigned...), w.root.AccessKey, w.root.secret, "", "mars")).want(t, 400, "<Code>AuthorizationHeaderMalformed</Code>")
	w.anonymous("GET", at, "", "Authorization", "Bearer x").want(t, 400, "<Code>InvalidArgument</Code>")
	r := w.request("PUT", at, "hello", "X-Amz-Content-Sha256", strings.Repeat("0", 64))
	w.send(signer.SignV4(*r, w.root.AccessKey, w.root.secret, "", "us-east-1")).want(t, 400, "<Code>XAmzContentSHA256Mismatch</Code>")
}

// TestUsersChange: a user who is disabled, or whose keys were changed, is shut out within
// moments.
func TestUsersChange(t *testing.T) {
	w := newWorld(t)
	u := w.user("ann", false)
	u.bucket("anns")
	disable := func(v bool) {
		if err := w.vol.UpdateUser(t.Context(), "ann", setDisabled(v)); err != nil {
			t.Fatal(err)
		}
	}
	disable(true)
	u.until(http.StatusForbidden)
	u.do("GET", "/anns", "").want(t, 403, "<Code>InvalidAccessKeyId</Code>")
	disable(false)
	u.until(http.StatusOK)
}

// until asks again and again until the answer is this one.
func (u *user) until(status int) {
	u.w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); u.do("GET", "/anns", "").StatusCode != status; {
		if time.Now().After(deadline) {
			u.w.t.Fatalf("the status is never %d", status)
		}
	}
}

// TestHealth: /healthz is for who has no keys; with them it is a bucket like others.
func TestHealth(t *testing.T) {
	w := newWorld(t)
	w.anonymous("GET", "/healthz", "").want(t, 200, "ok\n")
	w.anonymous("HEAD", "/healthz", "").want(t, 200, "")
	w.anonymous("PUT", "/healthz", "").want(t, 403, "AccessDenied")
	w.root.bucket("healthz")
	w.root.do("GET", "/healthz", "").want(t, 200, "<Name>healthz</Name>")
	w.anonymous("GET", "/healthz", "").want(t, 200, "ok\n")
}
