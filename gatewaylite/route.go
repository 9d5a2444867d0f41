package gatewaylite

import (
	"net/http"
	"strings"

	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// operation is one of the S3 API.
type operation struct {
	method string
	on     level
	sub    string // the sub-resource in the query; copying has one of its own
	access access.Op
	log    string // what S3 calls it in its access logs
	do     func(*request) error
	// late: the operation itself asks whether the caller may, once it knows the
	// object, or the upload, that it is about.
	late bool
	form bool   // who asks is said in the body, which is a form
	name string // where one op of access is two of the API
}

func (o *operation) String() string {
	switch {
	case o.name != "":
		return o.name
	case o.access == 0:
		return "Unknown"
	}
	return o.access.String()
}

// unknown is the operation of a request that was not understood.
var unknown = &operation{log: "UNKNOWN"}

const (
	get  = http.MethodGet
	head = http.MethodHead
	put  = http.MethodPut
	post = http.MethodPost
	del  = http.MethodDelete
)

// operations is the table of the S3 API ("Actions", S3 API reference).
var operations = []operation{
	{method: get, on: onService, access: access.ListBuckets, log: "SERVICE", do: (*request).listBuckets},

	{method: put, on: onBucket, access: access.CreateBucket, log: "BUCKET", do: (*request).createBucket, late: true},
	{method: head, on: onBucket, access: access.HeadBucket, log: "BUCKET", do: (*request).headBucket},
	{method: del, on: onBucket, access: access.DeleteBucket, log: "BUCKET", do: (*request).deleteBucket},
	{method: get, on: onBucket, sub: "location", access: access.GetBucketLocation, log: "LOCATION", do: (*request).getLocation},
	{method: get, on: onBucket, access: access.ListObjects, log: "BUCKET", do: (*request).listObjects},
	{method: get, on: onBucket, sub: "list-type", access: access.ListObjects, log: "BUCKET", do: (*request).listObjectsV2, name: "ListObjectsV2"},
	{method: get, on: onBucket, sub: "versions", access: access.ListObjectVersions, log: "BUCKETVERSIONS", do: (*request).listVersions},
	{method: get, on: onBucket, sub: "uploads", access: access.ListMultipartUploads, log: "UPLOADS", do: (*request).listUploads},
	{method: post, on: onBucket, sub: "delete", access: access.DeleteObject, log: "MULTI_OBJECT_DELETE", do: (*request).deleteObjects, late: true, name: "DeleteObjects"},
	{method: post, on: onBucket, access: access.PutObject, log: "OBJECT", do: (*request).postObject, form: true, late: true, name: "PostObject"},

	{method: get, on: onBucket, sub: "acl", access: access.GetBucketACL, log: "ACL", do: (*request).getBucketACL},
	{method: put, on: onBucket, sub: "acl", access: access.PutBucketACL, log: "ACL", do: (*request).putBucketACL},
	{method: get, on: onBucket, sub: "policy", access: access.GetBucketPolicy, log: "BUCKETPOLICY", do: (*request).getPolicy},
	{method: get, on: onBucket, sub: "policyStatus", access: access.GetBucketPolicy, log: "BUCKETPOLICY", do: (*request).getPolicyStatus, name: "GetBucketPolicyStatus"},
	{method: put, on: onBucket, sub: "policy", access: access.PutBucketPolicy, log: "BUCKETPOLICY", do: (*request).putPolicy},
	{method: del, on: onBucket, sub: "policy", access: access.DeleteBucketPolicy, log: "BUCKETPOLICY", do: (*request).deletePolicy},
	{method: get, on: onBucket, sub: "cors", access: access.GetBucketCORS, log: "CORS", do: (*request).getCORS},
	{method: put, on: onBucket, sub: "cors", access: access.PutBucketCORS, log: "CORS", do: (*request).putCORS},
	{method: del, on: onBucket, sub: "cors", access: access.DeleteBucketCORS, log: "CORS", do: (*request).deleteCORS},
	{method: get, on: onBucket, sub: "lifecycle", access: access.GetBucketLifecycle, log: "LIFECYCLE", do: (*request).getLifecycle},
	{method: put, on: onBucket, sub: "lifecycle", access: access.PutBucketLifecycle, log: "LIFECYCLE", do: (*request).putLifecycle},
	{method: del, on: onBucket, sub: "lifecycle", access: access.DeleteBucketLifecycle, log: "LIFECYCLE", do: (*request).deleteLifecycle},
	{method: get, on: onBucket, sub: "tagging", access: access.GetBucketTagging, log: "TAGGING", do: (*request).getBucketTags},
	{method: put, on: onBucket, sub: "tagging", access: access.PutBucketTagging, log: "TAGGING", do: (*request).putBucketTags},
	{method: del, on: onBucket, sub: "tagging", access: access.DeleteBucketTagging, log: "TAGGING", do: (*request).deleteBucketTags},
	{method: get, on: onBucket, sub: "versioning", access: access.GetBucketVersioning, log: "VERSIONING", do: (*request).getVersioning},
	{method: put, on: onBucket, sub: "versioning", access: access.PutBucketVersioning, log: "VERSIONING", do: (*request).putVersioning},

	{method: get, on: onObject, access: access.GetObject, log: "OBJECT", do: (*request).getObject, late: true},
	{method: head, on: onObject, access: access.HeadObject, log: "OBJECT", do: (*request).headObject, late: true},
	{method: get, on: onObject, sub: "attributes", access: access.GetObjectAttributes, log: "OBJECT_ATTRIBUTES", do: (*request).getAttributes, late: true},
	{method: put, on: onObject, access: access.PutObject, log: "OBJECT", do: (*request).putObject, late: true},
	{method: put, on: onObject, sub: copying, access: access.CopyObject, log: "OBJECT", do: (*request).copyObject, late: true},
	{method: del, on: onObject, access: access.DeleteObject, log: "OBJECT", do: (*request).deleteObject},

	{method: get, on: onObject, sub: "acl", access: access.GetObjectACL, log: "ACL", do: (*request).getObjectACL, late: true},
	{method: put, on: onObject, sub: "acl", access: access.PutObjectACL, log: "ACL", do: (*request).putObjectACL, late: true},
	{method: get, on: onObject, sub: "tagging", access: access.GetObjectTagging, log: "OBJECT_TAGGING", do: (*request).getObjectTags, late: true},
	{method: put, on: onObject, sub: "tagging", access: access.PutObjectTagging, log: "OBJECT_TAGGING", do: (*request).putObjectTags, late: true},
	{method: del, on: onObject, sub: "tagging", access: access.DeleteObjectTagging, log: "OBJECT_TAGGING", do: (*request).deleteObjectTags, late: true},

	{method: post, on: onObject, sub: "uploads", access: access.CreateMultipartUpload, log: "UPLOADS", do: (*request).createUpload, late: true},
	{method: put, on: onObject, sub: "uploadId", access: access.UploadPart, log: "PART", do: (*request).uploadPart},
	{method: put, on: onObject, sub: "uploadId" + copying, access: access.UploadPartCopy, log: "PART", do: (*request).uploadPartCopy},
	{method: get, on: onObject, sub: "uploadId", access: access.ListParts, log: "UPLOAD", do: (*request).listParts, late: true},
	{method: post, on: onObject, sub: "uploadId", access: access.CompleteMultipartUpload, log: "UPLOAD", do: (*request).completeUpload},
	{method: del, on: onObject, sub: "uploadId", access: access.AbortMultipartUpload, log: "UPLOAD", do: (*request).abortUpload, late: true},
}

// copying marks a PUT whose body is elsewhere.
const copying = " copy"

type routeKey struct {
	method string
	on     level
	sub    string
}

// routes finds an operation; subs are the sub-resources that there are.
var routes, subs = func() (map[routeKey]*operation, map[string]bool) {
	byKey, subs := make(map[routeKey]*operation), make(map[string]bool)
	for i := range operations {
		o := &operations[i]
		byKey[routeKey{o.method, o.on, o.sub}] = o
		subs[strings.TrimSuffix(o.sub, copying)] = true
	}
	for i := range probes {
		p := &probes[i]
		byKey[routeKey{p.method, p.on, p.sub}] = p
	}
	for sub := range unbuilt {
		subs[sub] = true
	}
	return byKey, subs
}()

// route finds out what is asked for.
func (q *request) route() error {
	sub := ""
	for name := range q.query {
		if subs[name] && (sub == "" || name < sub) {
			sub = name
		}
	}
	if q.r.Method == head {
		sub = "" // S3 has no sub-resources for HEAD
	}
	if q.r.Method == put && q.level == onObject && q.r.Header.Get("X-Amz-Copy-Source") != "" && (sub == "" || sub == "uploadId") {
		sub += copying
	}
	o := routes[routeKey{q.r.Method, q.level, sub}]
	if o == nil {
		return q.noRoute(sub)
	}
	q.op = o
	if sub == "list-type" && q.query.Get(sub) != "2" {
		return badArgument(sub, q.query.Get(sub), "Invalid List Type specified in Request")
	}
	return q.checkRefused()
}

func (q *request) noRoute(sub string) error {
	if sub != "" && unbuilt[sub] {
		return s3err.Errorf(s3err.NotImplemented, "A query parameter you provided implies functionality that is not implemented.").
			With("Header", sub)
	}
	kind := [...]string{"SERVICE", "BUCKET", "OBJECT"}[q.level]
	if sub != "" {
		kind = strings.ToUpper(sub)
	}
	return s3err.New(s3err.MethodNotAllowed).With("Method", q.r.Method).With("ResourceType", kind)
}

// refused are the headers that ask for what is not done here: to ignore one would
// be to say that it was done.
var refused = []string{
	"X-Amz-Server-Side-Encryption",
	"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
	"X-Amz-Server-Side-Encryption-Customer-Algorithm",
	"X-Amz-Server-Side-Encryption-Customer-Key",
	"X-Amz-Copy-Source-Server-Side-Encryption-Customer-Algorithm",
	"X-Amz-Object-Lock-Mode",
	"X-Amz-Object-Lock-Retain-Until-Date",
	"X-Amz-Object-Lock-Legal-Hold",
	"X-Amz-Write-Offset-Bytes",
	"X-Amz-If-Match-Size", // this and the next are of directory buckets
	"X-Amz-If-Match-Last-Modified-Time",
}

func (q *request) checkRefused() error {
	for _, name := range refused {
		if q.r.Header[name] != nil {
			return s3err.New(s3err.NotImplemented).With("Header", strings.ToLower(name))
		}
	}
	if v := q.r.Header.Get("X-Amz-Bucket-Object-Lock-Enabled"); strings.EqualFold(v, "true") {
		return s3err.New(s3err.NotImplemented).With("Header", "x-amz-bucket-object-lock-enabled")
	}
	return nil
}
