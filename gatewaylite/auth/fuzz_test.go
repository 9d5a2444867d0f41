package auth

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// FuzzAuthorization: whatever stands in the header, the path and the query, the
// answer is an S3 error or an identity, and nobody is let in without the key.
func FuzzAuthorization(f *testing.F) {
	for _, e := range examples {
		raw := exampleWire(e.lines, e.host, e.body)
		r, err := receive(raw)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(r.Header.Get("Authorization"), r.URL.Path, r.URL.RawQuery, "20130524T000000Z")
	}
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/e/f,SignedHeaders=;;,Signature=", "", "&&=&a;b=%00", "Fri, 24 May 2013 00:00:00 GMT")
	f.Add("AWS :", "//", "AWSAccessKeyId=&Signature=&Expires=", "")
	f.Fuzz(func(t *testing.T, authorization, path, rawQuery, date string) {
		r := &http.Request{Method: "GET", Host: "examplebucket.s3.amazonaws.com", URL: &url.URL{Path: path, RawQuery: rawQuery},
			Header: http.Header{"X-Amz-Date": {date}, "X-Amz-Content-Sha256": {emptyHash}}}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		id, err := at(exampleTime).Verify(r, "")
		if err != nil {
			if code(err) == "" {
				t.Fatalf("%v is not an S3 error", err)
			}
			return
		}
		if id.AccessKey != "" && id.AccessKey != exampleKey {
			t.Fatalf("%+v came in", id)
		}
	})
}

// FuzzQuery: the canonical query has the same parameters, and is its own canonical
// form.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"", "acl", "b=2&a=1&a=0", "a=%2f+%20&=x", "a;b=c", "%zz", "X-Amz-Signature=1&a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseQuery(raw)
		if err != nil {
			return
		}
		canonical := q.canonical()
		again, err := parseQuery(canonical)
		if err != nil || again.canonical() != canonical {
			t.Fatalf("%q is %q, which is %q, %v", raw, canonical, again.canonical(), err)
		}
		signed := slices.DeleteFunc(q, func(p param) bool { return p.name == "X-Amz-Signature" })
		if len(signed) != len(again) {
			t.Fatalf("%q has %d parameters, its canonical form %d", raw, len(signed), len(again))
		}
	})
}

// FuzzChunks: a decoded body has the length that was promised, or there is an
// error; and how the bytes come makes no difference.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"), int64(5), false)
	f.Add([]byte("2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n\r\n"), int64(5), false)
	f.Add([]byte("0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"), int64(0), false)
	f.Add([]byte(chunkedExample("b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
		"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
		"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992")+
		"x-amz-checksum-crc32:AAAAAA==\r\n"), int64(66560), true)
	f.Fuzz(func(t *testing.T, raw []byte, length int64, signed bool) {
		decode := func(src io.Reader) ([]byte, error) {
			r := &http.Request{Body: io.NopCloser(src), ContentLength: int64(len(raw)), Header: http.Header{
				"X-Amz-Decoded-Content-Length": {itoa(int(length))}, "X-Amz-Trailer": {"x-amz-checksum-crc32"}}}
			s := &seal{payload: unsignedChunksTrailer}
			if signed {
				s = &seal{payload: signedChunksTrailer, chain: &chain{key: []byte("key"), stamp: "20130524T000000Z", previous: "1"}}
			}
			if err := openBody(r, s); err != nil {
				return nil, err
			}
			return io.ReadAll(r.Body)
		}
		got, err := decode(bytes.NewReader(raw))
		if err == nil && int64(len(got)) != length {
			t.Fatalf("%d bytes, promised %d", len(got), length)
		}
		if err != nil && code(err) == "" {
			t.Fatalf("%v is not an S3 error", err)
		}
		slow, slowErr := decode(iotest.OneByteReader(bytes.NewReader(raw)))
		if code(err) != code(slowErr) || err == nil && !bytes.Equal(got, slow) {
			t.Fatalf("at once %q %v, slowly %q %v", got, err, slow, slowErr)
		}
	})
}

// FuzzPolicy: a policy that can be read is held to; one that can't is refused.
func FuzzPolicy(f *testing.F) {
	doc, err := base64.StdEncoding.DecodeString(examplePolicy)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(doc), "acl", "public-read")
	f.Add(`{"expiration":"2015-12-30T12:00:00Z","conditions":[["eq","$key","k"],["content-length-range",1,"2"]]}`, "key", "k")
	f.Add(`{"expiration":null,"conditions":[null,{},[]]}`, "", "")
	f.Fuzz(func(t *testing.T, doc, name, value string) {
		p, err := parsePolicy(base64.StdEncoding.EncodeToString([]byte(doc)))
		if err != nil {
			if code(err) != s3err.InvalidPolicyDocument {
				t.Fatal(err)
			}
			return
		}
		name = strings.ToLower(name)
		length, err := p.check(form{name: value}, time.Time{})
		if err != nil && code(err) != s3err.AccessDenied {
			t.Fatal(err)
		}
		if err == nil && length.Min < 0 {
			t.Fatalf("sizes from %d", length.Min)
		}
		for _, c := range p.conditions {
			if err == nil && c.field == name && !c.prefix && c.value != value {
				t.Fatalf("%q passes %s", value, c.text)
			}
		}
	})
}
