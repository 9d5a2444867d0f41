package gatewaylite_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// changing is what differs from one run to the next.
var changing = []struct {
	is *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`), "TIME"},
	{regexp.MustCompile(`<RequestId>[A-Z0-9]{16}</RequestId><HostId>[^<]+</HostId>`), "<IDS/>"},
	{regexp.MustCompile(`Id>[0-9a-f]{32}<`), "Id>ID<"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "USER"},
}

// exact fails the test unless the body is exactly this, after the declaration, with
// # in place of the name space.
func (p *reply) exact(t testing.TB, status int, body string) *reply {
	t.Helper()
	got := strings.TrimSuffix(p.body, "\n")
	for _, c := range changing {
		got = c.is.ReplaceAllString(got, c.to)
	}
	if body != "" {
		body = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + strings.ReplaceAll(body, "#", `xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`)
	}
	if p.StatusCode != status || got != body {
		t.Errorf("%s %s: status %d, want %d\n got %s\nwant %s", p.Request.Method, p.Request.URL.RequestURI(), p.StatusCode, status, got, body)
	}
	if want := int64(len(p.body)); p.ContentLength != want && p.Request.Method != "HEAD" && status != 204 {
		t.Errorf("%s %s: Content-Length is %d, not %d", p.Request.Method, p.Request.URL, p.ContentLength, want)
	}
	if kind := p.Header.Get("Content-Type"); body != "" && kind != "application/xml" {
		t.Errorf("%s %s: Content-Type is %q", p.Request.Method, p.Request.URL, kind)
	}
	return p
}

// TestGoldenBuckets is the answers of the operations on buckets, byte by byte.
func TestGoldenBuckets(t *testing.T) {
	w := newWorld(t)
	u := w.user("ann", false)
	u.do("PUT", "/photos", "").exact(t, 200, "").headers(t, "Location", "/photos")
	u.do("PUT", "/photos", "").exact(t, 409, `<Error><Code>BucketAlreadyOwnedByYou</Code><Message>Your previous request to create the named bucket succeeded and you already own it.</Message><BucketName>photos</BucketName><Resource>/photos</Resource><IDS/></Error>`)
	w.user("bob", false).do("PUT", "/photos", "").want(t, 409, "<Code>BucketAlreadyExists</Code>")
	for _, name := range []string{"Photos_1", "ab", "a..b", "a.-b", "a-.b", "-ab", "ab.", "192.168.5.4"} {
		u.do("PUT", "/"+name, "").want(t, 400, "<Code>InvalidBucketName</Code>")
	}
	u.do("PUT", "/moon", `<CreateBucketConfiguration><LocationConstraint>moon</LocationConstraint></CreateBucketConfiguration>`).want(t, 400, "<Code>InvalidLocationConstraint</Code>")
	u.do("GET", "/", "").exact(t, 200, `<ListAllMyBucketsResult #><Owner><ID>USER</ID><DisplayName>ann</DisplayName></Owner><Buckets><Bucket><Name>photos</Name><CreationDate>TIME</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>`)
	u.do("GET", "/photos?location", "").exact(t, 200, `<LocationConstraint #></LocationConstraint>`)
	u.do("HEAD", "/photos", "").exact(t, 200, "").headers(t, "X-Amz-Bucket-Region", "us-east-1")
	u.do("HEAD", "/nothing", "").exact(t, 404, "")
	u.do("GET", "/photos?versioning", "").exact(t, 200, `<VersioningConfiguration #></VersioningConfiguration>`)
	u.do("GET", "/photos?acl", "").want(t, 200, `<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>`+u.CanonicalID+`</ID><DisplayName>ann</DisplayName></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>`+u.CanonicalID+`</ID><DisplayName>ann</DisplayName></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>`)
	for sub, code := range map[string]string{
		"tagging": "NoSuchTagSet", "cors": "NoSuchCORSConfiguration", "lifecycle": "NoSuchLifecycleConfiguration", "policy": "NoSuchBucketPolicy",
		"policyStatus": "NoSuchBucketPolicy", "object-lock": "ObjectLockConfigurationNotFoundError", "encryption": "ServerSideEncryptionConfigurationNotFoundError",
		"website": "NoSuchWebsiteConfiguration", "replication": "ReplicationConfigurationNotFoundError",
		"publicAccessBlock": "NoSuchPublicAccessBlockConfiguration", "ownershipControls": "OwnershipControlsNotFoundError",
	} {
		u.do("GET", "/photos?"+sub, "").want(t, 404, "<Code>"+code+"</Code>")
	}
	u.do("GET", "/photos?logging", "").exact(t, 200, `<BucketLoggingStatus #></BucketLoggingStatus>`)
	u.do("GET", "/photos?notification", "").exact(t, 200, `<NotificationConfiguration #></NotificationConfiguration>`)
	u.do("GET", "/photos?requestPayment", "").exact(t, 200, `<RequestPaymentConfiguration #><Payer>BucketOwner</Payer></RequestPaymentConfiguration>`)
	u.do("PUT", "/photos?website", "<x/>").want(t, 501, "<Code>NotImplemented</Code>")
	u.do("PUT", "/photos?encryption", "<x/>").want(t, 501, "<Code>NotImplemented</Code>")
	u.do("DELETE", "/photos?website", "").exact(t, 204, "")
	u.do("POST", "/photos?acl", "").want(t, 405, "<Code>MethodNotAllowed</Code>")
	u.do("PATCH", "/photos", "").want(t, 405, "<Code>MethodNotAllowed</Code>")
	u.put("photos", "a", "x")
	u.do("DELETE", "/photos", "").want(t, 409, "<Code>BucketNotEmpty</Code>")
	u.do("DELETE", "/photos/a", "").exact(t, 204, "")
	u.do("DELETE", "/photos", "").exact(t, 204, "")
	u.do("GET", "/photos", "").exact(t, 404, `<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message><BucketName>photos</BucketName><Resource>/photos</Resource><IDS/></Error>`)
}

// TestGoldenLists is the answers of the listings, byte by byte.
func TestGoldenLists(t *testing.T) {
	w := newWorld(t)
	u := w.user("ann", false)
	u.bucket("photos")
	for _, key := range []string{"a b", "d/1", "d/2", "e/1", "z<&>\""} {
		u.put("photos", key, "hello")
	}
	const fields = `<LastModified>TIME</LastModified><ETag>&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag><Size>5</Size>`
	const class = `<StorageClass>STANDARD</StorageClass></Contents>`
	const owner = `<Owner><ID>USER</ID><DisplayName>ann</DisplayName></Owner>`
	const prefixD = `<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes>`
	u.do("GET", "/photos?delimiter=/&max-keys=2", "").exact(t, 200, `<ListBucketResult #><Name>photos</Name><Prefix></Prefix><Marker></Marker><NextMarker>d/</NextMarker><MaxKeys>2</MaxKeys><Delimiter>/</Delimiter><IsTruncated>true</IsTruncated>`+
		`<Contents><Key>a b</Key>`+fields+owner+class+prefixD+`</ListBucketResult>`)
	u.do("GET", "/photos?marker=e/&encoding-type=url&prefix=z", "").exact(t, 200, `<ListBucketResult #><Name>photos</Name><Prefix>z</Prefix><Marker>e/</Marker><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>`+
		`<Contents><Key>z%3C%26%3E%22</Key>`+fields+owner+class+`</ListBucketResult>`)
	u.do("GET", "/photos?list-type=2&delimiter=/&max-keys=2&start-after=a", "").exact(t, 200, `<ListBucketResult #><Name>photos</Name><Prefix></Prefix><StartAfter>a</StartAfter><NextContinuationToken>MTpkLw==</NextContinuationToken><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><Delimiter>/</Delimiter><IsTruncated>true</IsTruncated>`+
		`<Contents><Key>a b</Key>`+fields+class+prefixD+`</ListBucketResult>`)
	u.do("GET", "/photos?list-type=2&continuation-token=MTpkLw==&fetch-owner=true&delimiter=/", "").exact(t, 200, `<ListBucketResult #><Name>photos</Name><Prefix></Prefix><ContinuationToken>MTpkLw==</ContinuationToken><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys><Delimiter>/</Delimiter><IsTruncated>false</IsTruncated>`+
		`<Contents><Key>z&lt;&amp;&gt;&quot;</Key>`+fields+owner+class+`<CommonPrefixes><Prefix>e/</Prefix></CommonPrefixes></ListBucketResult>`)
	u.do("GET", "/photos?max-keys=0", "").exact(t, 200, `<ListBucketResult #><Name>photos</Name><Prefix></Prefix><Marker></Marker><MaxKeys>0</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>`)
	for query, arg := range map[string]string{
		"max-keys=-1": "max-keys", "max-keys=x": "max-keys", "encoding-type=base64": "encoding-type",
		"list-type=3": "list-type", "list-type=2&continuation-token=x": "continuation-token", "versions&version-id-marker=x": "version-id-marker",
	} {
		u.do("GET", "/photos?"+query, "").want(t, 400, "<Code>InvalidArgument</Code>").want(t, 400, "<ArgumentName>"+arg+"</ArgumentName>")
	}
	u.do("GET", "/photos?versions&prefix=a", "").exact(t, 200, `<ListVersionsResult #><Name>photos</Name><Prefix>a</Prefix><KeyMarker></KeyMarker><VersionIdMarker></VersionIdMarker><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>`+
		`<Version><Key>a b</Key><VersionId>null</VersionId><IsLatest>true</IsLatest>`+fields+owner+`<StorageClass>STANDARD</StorageClass></Version></ListVersionsResult>`)
	u.do("POST", "/photos?delete", `<Delete><Object><Key>a b</Key></Object><Object><Key>none</Key></Object><Object><Key></Key></Object></Delete>`).exact(t, 200,
		`<DeleteResult #><Deleted><Key>a b</Key></Deleted><Deleted><Key>none</Key></Deleted><Error><Key></Key><Code>UserKeyMustBeSpecified</Code><Message>The bucket POST must contain the specified field name. If it is specified, check the order of the fields.</Message></Error></DeleteResult>`)
	u.do("POST", "/photos?delete", `<Delete><Quiet>true</Quiet><Object><Key>d/1</Key></Object></Delete>`).exact(t, 200, `<DeleteResult #></DeleteResult>`)
	u.do("POST", "/photos?delete", `<Delete></Delete>`).want(t, 400, "MalformedXML")
	u.do("POST", "/photos?delete", `<Delete>`+strings.Repeat(`<Object><Key>a</Key></Object>`, 1001)+`</Delete>`).want(t, 400, "MalformedXML")
	u.do("POST", "/photos?delete", "").want(t, 400, "MissingRequestBodyError")
}

// TestSettings: what is set is given back, in the words of S3, and can be taken away.
func TestSettings(t *testing.T) {
	w := newWorld(t)
	u := w.user("ann", false)
	u.bucket("photos")
	u.put("photos", "a", "hello")
	const tags = `<Tagging #><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>`
	u.do("PUT", "/photos?tagging", strings.ReplaceAll(tags, " #", "")).exact(t, 204, "")
	u.do("GET", "/photos?tagging", "").exact(t, 200, tags)
	u.do("DELETE", "/photos?tagging", "").exact(t, 204, "")
	u.do("PUT", "/photos/a?tagging", strings.ReplaceAll(tags, " #", "")).exact(t, 200, "")
	u.do("GET", "/photos/a?tagging", "").exact(t, 200, tags)
	u.do("GET", "/photos/a", "").want(t, 200, "hello").headers(t, "X-Amz-Tagging-Count", "1")
	u.do("DELETE", "/photos/a?tagging", "").exact(t, 204, "")
	u.do("GET", "/photos/a?tagging", "").want(t, 200, "<TagSet></TagSet>")
	u.do("GET", "/photos/none?tagging", "").want(t, 404, "<Code>NoSuchKey</Code>")
	u.do("PUT", "/photos?lifecycle", `<LifecycleConfiguration><Rule><ID>r</ID><Filter><Prefix>tmp/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>7</Days></Expiration></Rule></LifecycleConfiguration>`).exact(t, 200, "")
	u.do("GET", "/photos?lifecycle", "").want(t, 200, "<Days>7</Days>")
	b, err := w.vol.Bucket(t.Context(), "photos")
	if err != nil {
		t.Fatal(err)
	}
	if c, err := w.vol.BucketConfig(t.Context(), b.ID); err != nil || len(c.Rules) != 1 || c.Rules[0].ExpireAfterDays != 7 || c.Rules[0].Prefix != "tmp/" {
		t.Errorf("the collector is told %+v, %v", c.Rules, err)
	}
	u.do("DELETE", "/photos?lifecycle", "").exact(t, 204, "")
	u.do("PUT", "/photos?versioning", "<VersioningConfiguration><Status>On</Status></VersioningConfiguration>").want(t, 400, "IllegalVersioningConfigurationException")
	u.do("PUT", "/photos?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>").exact(t, 200, "")
	u.do("GET", "/photos?versioning", "").exact(t, 200, `<VersioningConfiguration #><Status>Enabled</Status></VersioningConfiguration>`)
}

// TestCORS: the rules of a bucket answer preflights and mark answers, errors too.
func TestCORS(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	w.root.put("photos", "a", "hello")
	preflight := []string{"Origin", "http://x.org", "Access-Control-Request-Method", "GET"}
	w.anonymous("OPTIONS", "/photos/a", "", preflight...).want(t, 403, "CORS is not enabled for this bucket")
	w.root.do("PUT", "/photos?cors", `<CORSConfiguration><CORSRule><AllowedOrigin>http://x.org</AllowedOrigin><AllowedMethod>GET</AllowedMethod><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule></CORSConfiguration>`).want(t, 200, "")
	w.root.do("GET", "/photos?cors", "").want(t, 200, "<AllowedOrigin>http://x.org</AllowedOrigin>")
	w.anonymous("OPTIONS", "/photos/a", "", preflight...).want(t, 200, "").
		headers(t, "Access-Control-Allow-Origin", "http://x.org", "Access-Control-Allow-Methods", "GET", "Access-Control-Max-Age", "60")
	w.anonymous("OPTIONS", "/photos/a", "", "Origin", "http://y.org", "Access-Control-Request-Method", "GET").want(t, 403, "AccessForbidden")
	w.root.do("GET", "/photos/a", "", "Origin", "http://x.org").want(t, 200, "hello").headers(t, "Access-Control-Allow-Origin", "http://x.org")
	w.anonymous("GET", "/photos/a", "", "Origin", "http://x.org").want(t, 403, "").headers(t, "Access-Control-Allow-Origin", "http://x.org")
	w.root.do("GET", "/photos/a", "", "Origin", "http://y.org").want(t, 200, "hello").headers(t, "Access-Control-Allow-Origin", "")
	w.root.do("DELETE", "/photos?cors", "").want(t, 204, "")
}

// TestVersions: a versioned bucket keeps what is replaced and removed.
func TestVersions(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	w.root.put("photos", "a", "before")
	w.root.do("GET", "/photos/a?versionId=null", "").want(t, 200, "before").headers(t, "X-Amz-Version-Id", "")
	w.root.do("PUT", "/photos?versioning", "<VersioningConfiguration><Status>"+namespace.VersioningEnabled+"</Status></VersioningConfiguration>").want(t, 200, "")
	v1 := w.root.do("PUT", "/photos/a", "first").want(t, 200, "").Header.Get("X-Amz-Version-Id")
	v2 := w.root.do("PUT", "/photos/a", "second").want(t, 200, "").Header.Get("X-Amz-Version-Id")
	if v1 == "" || v1 == v2 {
		t.Fatalf("version ids are %q and %q", v1, v2)
	}
	w.root.do("GET", "/photos/a", "").want(t, 200, "second").headers(t, "X-Amz-Version-Id", v2)
	w.root.do("GET", "/photos/a?versionId="+v1, "").want(t, 200, "first").headers(t, "X-Amz-Version-Id", v1)
	w.root.do("GET", "/photos/a?versionId=null", "").want(t, 200, "before").headers(t, "X-Amz-Version-Id", "null")
	w.root.do("PUT", "/photos/a?versionId="+v1, "x").want(t, 400, "InvalidArgument")
	w.root.do("GET", "/photos/a?versionId=", "").want(t, 400, "InvalidArgument")
	w.root.do("GET", "/photos/a?versionId=0123", "").want(t, 404, "<Code>NoSuchVersion</Code>")
	w.root.do("PUT", "/photos/b", "", "X-Amz-Copy-Source", "/photos/a?versionId="+v1).want(t, 200, "").headers(t, "X-Amz-Copy-Source-Version-Id", v1)
	w.root.do("GET", "/photos/b", "").want(t, 200, "first")
	marker := w.root.do("DELETE", "/photos/a", "").want(t, 204, "").headers(t, "X-Amz-Delete-Marker", "true").Header.Get("X-Amz-Version-Id")
	w.root.do("GET", "/photos/a", "").want(t, 404, "<Code>NoSuchKey</Code>").headers(t, "X-Amz-Delete-Marker", "true", "X-Amz-Version-Id", marker)
	w.root.do("GET", "/photos/a?versionId="+marker, "").want(t, 405, "<Code>MethodNotAllowed</Code>").headers(t, "X-Amz-Delete-Marker", "true", "Allow", "DELETE")
	p := w.root.do("GET", "/photos?versions&prefix=a", "").want(t, 200, "<DeleteMarker><Key>a</Key><VersionId>"+marker+"</VersionId><IsLatest>true</IsLatest>")
	if n := strings.Count(p.body, "<Version>"); n != 3 {
		t.Errorf("%d versions in %s", n, p.body)
	}
	w.root.do("GET", "/photos?versions&max-keys=2&prefix=a", "").want(t, 200, "<NextKeyMarker>a</NextKeyMarker><NextVersionIdMarker>"+v2+"</NextVersionIdMarker>")
	w.root.do("GET", "/photos?versions&key-marker=a&version-id-marker="+v2, "").want(t, 200, "<VersionId>"+v1+"</VersionId><IsLatest>false</IsLatest>")
	w.root.do("DELETE", "/photos/a?versionId="+marker, "").want(t, 204, "").headers(t, "X-Amz-Delete-Marker", "true", "X-Amz-Version-Id", marker)
	w.root.do("GET", "/photos/a", "").want(t, 200, "second")
	w.root.do("POST", "/photos?delete", "<Delete><Object><Key>a</Key><VersionId>"+v2+"</VersionId></Object></Delete>").want(t, 200, "<Deleted><Key>a</Key><VersionId>"+v2+"</VersionId></Deleted>")
	w.root.do("GET", "/photos/a", "").want(t, 200, "first")
	w.root.do("DELETE", "/photos", "").want(t, 409, "BucketNotEmpty")
	w.root.do("PUT", "/photos?versioning", "<VersioningConfiguration><Status>"+namespace.VersioningSuspended+"</Status></VersioningConfiguration>").want(t, 200, "")
	w.root.do("PUT", "/photos/a", "after").want(t, 200, "").headers(t, "X-Amz-Version-Id", "")
	w.root.do("GET", "/photos/a", "").want(t, 200, "after").headers(t, "X-Amz-Version-Id", "null")
}
