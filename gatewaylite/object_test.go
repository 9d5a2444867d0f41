package gatewaylite_test

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

const helloETag = `"5d41402abc4b2a76b9719d911017c592"` // MD5 of hello

// headers compares headers of an answer; an empty value: it is not there.
func (p *reply) headers(t testing.TB, pairs ...string) *reply {
	t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		if got := p.Header.Get(pairs[i]); got != pairs[i+1] {
			t.Errorf("%s %s: %s is %q, want %q", p.Request.Method, p.Request.URL, pairs[i], got, pairs[i+1])
		}
	}
	return p
}

// TestObjectHeaders: what a PUT says of an object is what GET and HEAD give back.
func TestObjectHeaders(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	p := w.root.do("PUT", "/photos/a", "hello", "Content-Type", "text/plain", "Cache-Control", "no-cache",
		"Content-Disposition", "attachment", "Content-Encoding", "aws-chunked, gzip", "Content-Language", "de", "Expires", "never",
		"X-Amz-Meta-Color", "blue", "X-Amz-Meta-Color", "green", "X-Amz-Meta-Drink", "café", "X-Amz-Tagging", "a=1&b=2")
	p.want(t, 200, "").headers(t, "ETag", helloETag, "Content-Length", "0", "X-Amz-Version-Id", "")
	if len(p.Header.Get("X-Amz-Request-Id")) != 16 || p.Header.Get("X-Amz-Id-2") == "" || p.Header.Get("Server") == "" || p.Header.Get("Date") == "" {
		t.Errorf("headers are %v", p.Header)
	}
	for _, method := range []string{"GET", "HEAD"} {
		p := w.root.do(method, "/photos/a", "").want(t, 200, "").headers(t, "ETag", helloETag, "Content-Length", "5",
			"Content-Type", "text/plain", "Cache-Control", "no-cache", "Content-Disposition", "attachment",
			"Content-Encoding", "gzip", "Content-Language", "de", "Expires", "never", "X-Amz-Meta-Color", "blue,green", "X-Amz-Meta-Drink", "=?UTF-8?b?Y2Fmw6k=?=",
			"X-Amz-Tagging-Count", "2", "Accept-Ranges", "bytes", "X-Amz-Storage-Class", "")
		if at, err := http.ParseTime(p.Header.Get("Last-Modified")); err != nil || time.Since(at) > time.Hour {
			t.Errorf("%s: Last-Modified is %q", method, p.Header.Get("Last-Modified"))
		}
		if want := map[string]string{"GET": "hello", "HEAD": ""}[method]; p.body != want {
			t.Errorf("%s: body is %q", method, p.body)
		}
	}
	w.root.do("PUT", "/photos/b", "", "X-Amz-Meta-Drink", "=?utf-8?q?caf=C3=A9?=").want(t, 200, "")
	w.root.do("GET", "/photos/b", "").headers(t, "X-Amz-Meta-Drink", "=?UTF-8?b?Y2Fmw6k=?=")
	w.root.do("GET", "/photos/a?response-content-type=x%2Fy&response-cache-control=c&response-content-disposition=d"+
		"&response-content-encoding=e&response-content-language=l&response-expires=z", "").want(t, 200, "hello").
		headers(t, "Content-Type", "x/y", "Cache-Control", "c", "Content-Disposition", "d", "Content-Encoding", "e",
			"Content-Language", "l", "Expires", "z")
	w.root.do("PUT", "/photos/a", "x", "X-Amz-Storage-Class", "REDUCED_REDUNDANCY").want(t, 200, "")
	w.root.do("HEAD", "/photos/a", "").headers(t, "X-Amz-Storage-Class", "REDUCED_REDUNDANCY", "Content-Type", "binary/octet-stream")
}

// TestMetadataNames: the names of metadata are in lower case on the wire, for there are
// clients that do not see them otherwise.
func TestMetadataNames(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	w.root.do("PUT", "/photos/a", "hello", "X-Amz-Meta-Color", "blue").want(t, 200, "")
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, w.root.signed("HEAD", "/photos/a", 0, ""))
	lines := bufio.NewScanner(c)
	for lines.Scan() && lines.Text() != "" {
		if lines.Text() == "x-amz-meta-color: blue" {
			return
		}
	}
	t.Errorf("no such line in the header: %v", lines.Err())
}

// TestPutRefused: what can't be stored as it was asked is not stored at all.
func TestPutRefused(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	for _, c := range []struct {
		status  int
		code    string
		headers []string
	}{
		{400, "BadDigest", []string{"Content-Md5", "1B2M2Y8AsgTpgAmY7PhCfg=="}},
		{400, "InvalidDigest", []string{"Content-Md5", "abc"}},
		{400, "BadDigest", []string{"X-Amz-Checksum-Crc32", "AAAAAA=="}},
		{400, "InvalidRequest", []string{"X-Amz-Checksum-Crc32", "AAAA"}},
		{400, "InvalidStorageClass", []string{"X-Amz-Storage-Class", "GOLD"}},
		{400, "MetadataTooLarge", []string{"X-Amz-Meta-A", strings.Repeat("x", 2048)}},
		{400, "InvalidTag", []string{"X-Amz-Tagging", "aws:x=1"}},
		{400, "InvalidArgument", []string{"X-Amz-Acl", "secret"}},
		{501, "NotImplemented", []string{"X-Amz-Server-Side-Encryption", "AES256"}},
		{501, "NotImplemented", []string{"X-Amz-Object-Lock-Mode", "GOVERNANCE"}},
		{501, "NotImplemented", []string{"If-None-Match", `"abc"`}},
		{403, "AccessDenied", []string{"X-Amz-Expected-Bucket-Owner", "somebody"}},
		{404, "NoSuchKey", []string{"If-Match", `"abc"`}},
		{400, "RequestHeaderSectionTooLarge", []string{"X-Other", strings.Repeat("x", 17<<10)}},
	} {
		w.root.do("PUT", "/photos/a", "hello", c.headers...).want(t, c.status, "<Code>"+c.code+"</Code>")
	}
	w.root.do("PUT", "/none/a", "hello").want(t, 404, "<Code>NoSuchBucket</Code>")
	w.root.do("PUT", "/photos/"+strings.Repeat("k", 1025), "hello").want(t, 400, "<Code>KeyTooLongError</Code>")
	w.root.do("PUT", "/photos/%ff", "hello").want(t, 400, "<Code>InvalidURI</Code>")
	w.root.do("GET", "/photos/a", "").want(t, 404, "<Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>a</Key>")
	w.root.do("HEAD", "/photos/a", "").want(t, 404, "")
	w.root.do("GET", "/photos", "").want(t, 200, "<IsTruncated>false</IsTruncated></ListBucketResult>")
}

func TestGetRange(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	w.root.put("photos", "a", "0123456789")
	for header, want := range map[string]string{
		"bytes=0-0": "0", "bytes=2-4": "234", "bytes=-3": "789", "bytes=8-100": "89", "bytes=5-": "56789",
	} {
		p := w.root.do("GET", "/photos/a", "", "Range", header).want(t, 206, "")
		if p.body != want || p.ContentLength != int64(len(want)) {
			t.Errorf("%s: %q of %d bytes", header, p.body, p.ContentLength)
		}
	}
	w.root.do("HEAD", "/photos/a", "", "Range", "bytes=2-4").want(t, 206, "").headers(t, "Content-Range", "bytes 2-4/10", "Content-Length", "3")
	w.root.do("GET", "/photos/a", "", "Range", "bytes=1-2,4-5").want(t, 200, "0123456789").headers(t, "Content-Range", "")
	w.root.do("GET", "/photos/a", "", "Range", "bytes=10-").want(t, 416, "<Code>InvalidRange</Code>")
	w.root.do("GET", "/photos/a?partNumber=1", "").want(t, 206, "0123456789").headers(t, "Content-Range", "bytes 0-9/10")
	w.root.do("GET", "/photos/a?partNumber=2", "").want(t, 416, "<Code>InvalidPartNumber</Code>")
	w.root.do("GET", "/photos/a?partNumber=0", "").want(t, 400, "<Code>InvalidArgument</Code>")
	w.root.do("GET", "/photos/a?partNumber=1", "", "Range", "bytes=0-1").want(t, 400, "<Code>InvalidRequest</Code>")
	w.root.do("GET", "/photos/a", "", "Range", "bytes=0-0", "If-Range", `"other"`).want(t, 200, "0123456789")
	etag := fmt.Sprintf(`"%x"`, md5.Sum([]byte("0123456789")))
	w.root.do("GET", "/photos/a", "", "Range", "bytes=0-0", "If-Range", etag).want(t, 206, "0")
}

// TestReadConditions is the table of "GetObject" and of RFC 9110, 13.2.2.
func TestReadConditions(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	w.root.put("photos", "a", "hello")
	past := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	future := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	for _, c := range []struct {
		status  int
		headers []string
	}{
		{200, []string{"If-Match", helloETag}},
		{200, []string{"If-Match", strings.Trim(helloETag, `"`)}},
		{200, []string{"If-Match", `"x", ` + helloETag}},
		{200, []string{"If-Match", "*"}},
		{412, []string{"If-Match", `"x"`}},
		{304, []string{"If-None-Match", helloETag}},
		{304, []string{"If-None-Match", "W/" + helloETag}},
		{304, []string{"If-None-Match", "*"}},
		{200, []string{"If-None-Match", `"x"`}},
		{200, []string{"If-Modified-Since", past}},
		{304, []string{"If-Modified-Since", future}},
		{200, []string{"If-Modified-Since", "yesterday"}},
		{412, []string{"If-Unmodified-Since", past}},
		{200, []string{"If-Unmodified-Since", future}},
		{200, []string{"If-Match", helloETag, "If-Unmodified-Since", past}},
		{304, []string{"If-None-Match", helloETag, "If-Modified-Since", past}},
		{200, []string{"If-None-Match", `"x"`, "If-Modified-Since", future}},
		{412, []string{"If-Match", `"x"`, "If-None-Match", helloETag}},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			p := w.root.do(method, "/photos/a", "", c.headers...).want(t, c.status, "")
			if c.status == 304 {
				p.headers(t, "ETag", helloETag, "Content-Type", "", "Content-Length", "")
				if p.body != "" || p.Header.Get("Last-Modified") == "" {
					t.Errorf("%v: %v %q", c.headers, p.Header, p.body)
				}
			}
			if c.status == 412 && method == "GET" {
				p.want(t, 412, "<Code>PreconditionFailed</Code>").headers(t, "ETag", "")
			}
		}
	}
}

// TestWriteConditions: If-Match and If-None-Match on PUT and DELETE.
func TestWriteConditions(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	do := func(status int, method, body string, headers ...string) {
		t.Helper()
		w.root.do(method, "/photos/a", body, headers...).want(t, status, "")
	}
	do(200, "PUT", "hello", "If-None-Match", "*")
	do(412, "PUT", "other", "If-None-Match", "*")
	do(412, "PUT", "other", "If-Match", `"x"`)
	do(200, "PUT", "third", "If-Match", helloETag)
	do(412, "DELETE", "", "If-Match", helloETag)
	do(501, "DELETE", "", "X-Amz-If-Match-Size", "1")
	do(501, "DELETE", "", "X-Amz-If-Match-Last-Modified-Time", "Sat, 01 Jan 2000 00:00:00 GMT")
	w.root.do("POST", "/photos?delete", "<Delete><Object><Key>a</Key><Size>1</Size></Object></Delete>").want(t, 200, "<Code>NotImplemented</Code>")
	if got := w.root.read("photos", "a"); got != "third" {
		t.Errorf("there is %q", got)
	}
	do(204, "DELETE", "", "If-Match", "*")
	do(404, "PUT", "x", "If-Match", "*")
	do(204, "DELETE", "")
}

// TestChecksums: each algorithm, in a header and in a trailer, is verified, kept and
// given back to who asks.
func TestChecksums(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	body := content(300<<10, 1)
	for _, kind := range []minio.ChecksumType{minio.ChecksumCRC32, minio.ChecksumCRC32C, minio.ChecksumCRC64NVME, minio.ChecksumSHA1, minio.ChecksumSHA256} {
		want := kind.EncodeToString(body)
		key := kind.String()
		info, err := w.root.PutObject(t.Context(), "photos", key, bytes.NewReader(body), int64(len(body)),
			minio.PutObjectOptions{Checksum: kind, DisableMultipart: true})
		if err != nil {
			t.Fatalf("%v: %v", kind, err)
		}
		w.root.do("HEAD", "/photos/"+key, "", "X-Amz-Checksum-Mode", "ENABLED").want(t, 200, "").
			headers(t, kind.Key(), want, "X-Amz-Checksum-Type", "FULL_OBJECT")
		w.root.do("HEAD", "/photos/"+key, "").headers(t, kind.Key(), "", "X-Amz-Checksum-Type", "")
		w.root.do("GET", "/photos/"+key, "", "X-Amz-Checksum-Mode", "ENABLED", "Range", "bytes=0-3").headers(t, kind.Key(), "")
		w.root.do("GET", "/photos/"+key+"?attributes", "", "X-Amz-Object-Attributes", "ETag,Checksum,ObjectSize,StorageClass,ObjectParts").
			want(t, 200, fmt.Sprintf(`<GetObjectAttributesResponse xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><ETag>%s</ETag>`+
				`<Checksum><Checksum%s>%s</Checksum%s><ChecksumType>FULL_OBJECT</ChecksumType></Checksum>`+
				`<StorageClass>STANDARD</StorageClass><ObjectSize>307200</ObjectSize></GetObjectAttributesResponse>`,
				info.ETag, kind, want, kind))
	}
	w.root.do("GET", "/photos/CRC32?attributes", "").want(t, 400, "<Code>InvalidRequest</Code>")
	w.root.do("GET", "/photos/CRC32?attributes", "", "X-Amz-Object-Attributes", "Size").want(t, 400, "<Code>InvalidArgument</Code>")
}
