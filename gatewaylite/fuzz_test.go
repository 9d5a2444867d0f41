package gatewaylite_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/minio/minio-go/v7/pkg/signer"
)

// answers sends a request to the handler, and fails the test if the answer is a fault of
// the gateway or not well-formed.
func (u *user) answers(t *testing.T, method, target, body string, headers ...string) {
	u.w.t = t
	r := u.w.request(method, target, body, headers...)
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	r = signer.SignV4(*r, u.AccessKey, u.secret, "", "us-east-1")
	rec := httptest.NewRecorder()
	u.w.gw.Handler().ServeHTTP(rec, r)
	if rec.Code >= 500 && rec.Code != http.StatusNotImplemented {
		t.Errorf("%s %s %q: %d %s", method, target, body, rec.Code, rec.Body)
	}
	if rec.Header().Get("Content-Type") != "application/xml" {
		return
	}
	for d := xml.NewDecoder(strings.NewReader(plain(rec.Body.String()))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s %s %q: %v in %s", method, target, body, err, rec.Body)
		}
	}
}

// plain takes out the references to characters that S3 writes and XML 1.0 does
// not have.
func plain(s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "&#x")
		b.WriteString(before)
		if !ok {
			return strings.Map(func(c rune) rune {
				if c == 0xFFFE || c == 0xFFFF {
					return -1
				}
				return c
			}, b.String())
		}
		_, s, _ = strings.Cut(rest, ";")
	}
}

// FuzzBodies: no document, wherever it is sent, makes the gateway fail.
func FuzzBodies(f *testing.F) {
	targets := []struct{ method, target string }{
		{"POST", "/photos?delete"}, {"PUT", "/photos?acl"}, {"PUT", "/photos?cors"}, {"PUT", "/photos?lifecycle"}, {"PUT", "/photos?tagging"},
		{"PUT", "/photos?versioning"}, {"PUT", "/photos?policy"}, {"PUT", "/photos/a?acl"}, {"PUT", "/photos/a?tagging"},
		{"POST", "/photos/a?uploadId=UPLOAD"}, {"PUT", "/newbucket"},
	}
	for i, doc := range []string{
		"<Delete><Object><Key>a</Key><VersionId>null</VersionId></Object></Delete>", "<AccessControlPolicy/>", "<CORSConfiguration/>", "<LifecycleConfiguration/>",
		"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>", "<VersioningConfiguration/>", "{}", "<x/>", "<!DOCTYPE x>", chosen(1, "x"), "<CreateBucketConfiguration/>",
	} {
		f.Add(uint8(i), doc)
	}
	w := newWorld(f)
	w.root.bucket("photos")
	w.root.put("photos", "a", "hello")
	id := w.root.begin("/photos/a")
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		to := targets[int(which)%len(targets)]
		w.root.answers(t, to.method, strings.ReplaceAll(to.target, "UPLOAD", id), body)
		w.t = f
	})
}

// FuzzParameters: no query makes the gateway fail, and what it lists is well-formed.
func FuzzParameters(f *testing.F) {
	w := newWorld(f)
	w.root.bucket("photos")
	for _, key := range []string{"a", "d/1", "d/\x01", "<&>", "é"} {
		w.root.do("PUT", path("photos", key), "x").want(f, 200, "")
	}
	f.Add("list-type", "2", "max-keys", "1", "delimiter", "/", "bytes=0-")
	f.Add("versions", "", "key-marker", "a", "version-id-marker", "null", "bytes=-1")
	f.Add("uploads", "", "max-uploads", "-1", "encoding-type", "url", "")
	f.Add("versionId", "00", "partNumber", "1", "response-expires", "\n", "")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2, k3, v3, header string) {
		query := url.Values{k1: {v1}, k2: {v2}, k3: {v3}}
		for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Signature", "Signature", "AWSAccessKeyId"} {
			query.Del(name)
		}
		if !utf8.ValidString(header) || strings.ContainsFunc(header, func(c rune) bool { return c < ' ' || c > '~' }) {
			header = ""
		}
		for _, target := range []string{"/photos", "/photos/a", "/"} {
			w.root.answers(t, "GET", target+"?"+query.Encode(), "", "Range", header, "If-None-Match", header, "X-Amz-Object-Attributes", header)
		}
		w.t = f
	})
}
