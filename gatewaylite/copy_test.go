package gatewaylite_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestCopy: what is taken over, what is replaced, and what is refused.
func TestCopy(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	w.root.bucket("other")
	w.root.do("PUT", "/photos/a%2Bb%20c", "hello", "Content-Type", "text/plain", "X-Amz-Meta-A", "1", "X-Amz-Tagging", "t=1").want(t, 200, "")
	from := []string{"X-Amz-Copy-Source", "photos/a%2Bb%20c"}
	with := func(more ...string) []string { return append(from[:2:2], more...) }

	p := w.root.do("PUT", "/other/copy", "", from...).want(t, 200, "")
	if !regexp.MustCompile(`^<\?xml version="1.0" encoding="UTF-8"\?>\n<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
		`<LastModified>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z</LastModified><ETag>&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag></CopyObjectResult>$`).MatchString(p.body) {
		t.Errorf("answer is %s", p.body)
	}
	w.root.do("GET", "/other/copy", "").want(t, 200, "hello").
		headers(t, "ETag", helloETag, "Content-Type", "text/plain", "X-Amz-Meta-A", "1", "X-Amz-Tagging-Count", "1")
	w.root.do("PUT", "/other/copy", "", with("X-Amz-Metadata-Directive", "REPLACE", "X-Amz-Meta-B", "2", "X-Amz-Tagging-Directive", "REPLACE")...).want(t, 200, "")
	w.root.do("GET", "/other/copy", "").want(t, 200, "hello").
		headers(t, "Content-Type", "binary/octet-stream", "X-Amz-Meta-A", "", "X-Amz-Meta-B", "2", "X-Amz-Tagging-Count", "")

	w.root.do("PUT", "/photos/a%2Bb%20c", "", from...).want(t, 400, "This copy request is illegal")
	w.root.do("PUT", "/photos/a%2Bb%20c", "", with("X-Amz-Metadata-Directive", "REPLACE", "X-Amz-Meta-A", "9")...).want(t, 200, "")
	w.root.do("HEAD", "/photos/a%2Bb%20c", "").want(t, 200, "").headers(t, "X-Amz-Meta-A", "9", "ETag", helloETag, "X-Amz-Tagging-Count", "1")

	past := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	for _, c := range []struct {
		status  int
		headers []string
	}{
		{200, with("X-Amz-Copy-Source-If-Match", helloETag, "X-Amz-Copy-Source-If-Unmodified-Since", past)},
		{412, with("X-Amz-Copy-Source-If-Match", `"x"`)},
		{412, with("X-Amz-Copy-Source-If-None-Match", helloETag)},
		{412, with("X-Amz-Copy-Source-If-Unmodified-Since", past)},
		{200, with("X-Amz-Copy-Source-If-Modified-Since", past)},
		{412, with("If-None-Match", "*")},
		{403, with("X-Amz-Source-Expected-Bucket-Owner", "somebody")},
		{412, with("If-Match", `"x"`)},
		{400, with("X-Amz-Metadata-Directive", "MAYBE")},
		{400, []string{"X-Amz-Copy-Source", "photos"}},
		{400, []string{"X-Amz-Copy-Source", "photos/a?other=1"}},
		{404, []string{"X-Amz-Copy-Source", "/photos/none"}},
		{404, []string{"X-Amz-Copy-Source", "/none/a"}},
	} {
		w.root.do("PUT", "/other/copy", "", c.headers...).want(t, c.status, "")
	}
	w.root.do("PUT", "/other/sum", "", with("X-Amz-Checksum-Algorithm", "CRC32")...).want(t, 200, "<ChecksumCRC32>NhCmhg==</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType>")
}

// TestCopyNeedsBoth: copying is reading the one and writing the other.
func TestCopyNeedsBoth(t *testing.T) {
	w := newWorld(t)
	a, b := w.user("ann", false), w.user("bob", false)
	a.bucket("anns")
	b.bucket("bobs")
	a.put("anns", "k", "hello")
	b.do("PUT", "/bobs/k", "", "X-Amz-Copy-Source", "/anns/k").want(t, 403, "AccessDenied")
	a.do("PUT", "/bobs/k", "", "X-Amz-Copy-Source", "/anns/k").want(t, 403, "AccessDenied")
	a.do("PUT", "/anns/k?acl", "", "X-Amz-Acl", "authenticated-read").want(t, 200, "")
	b.do("PUT", "/bobs/k", "", "X-Amz-Copy-Source", "/anns/k").want(t, 200, "CopyObjectResult")
	if got := b.do("GET", "/bobs/k?acl", "").want(t, 200, b.CanonicalID); strings.Contains(got.body, a.CanonicalID) || strings.Contains(got.body, "Group") {
		t.Errorf("the copy has the grants of its source: %s", got.body)
	}
}
