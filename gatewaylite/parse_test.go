package gatewaylite

import (
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// Whatever the path, the address is what it says once it was decoded, byte by byte.
func TestParseAddress(t *testing.T) {
	for _, c := range []struct{ host, path, bucket, key string }{
		{"h", "/", "", ""},
		{"h", "/b", "b", ""},
		{"h", "/b/", "b", ""},
		{"h", "/b/k", "b", "k"},
		{"h", "/b//", "b", "/"},
		{"h", "/b/../../etc/passwd", "b", "../../etc/passwd"},
		{"h", "/b/./a/../b/", "b", "./a/../b/"},
		{"h", "/b/a+b c%", "b", "a+b c%"},
		{"s3.example.com:8484", "/b/k", "b", "k"},
		{"b.s3.example.com:8484", "/k/x", "b", "k/x"},
		{"B.S3.example.com", "/", "b", ""},
		{"a.b.s3.example.com", "//k", "a.b", "/k"},
		{"xs3.example.com", "/b/k", "b", "k"},
		{"[::1]:8484", "/b/k", "b", "k"},
	} {
		a, err := parseAddress(c.host, c.path, "s3.example.com")
		if err != nil || a.bucketName != c.bucket || a.key != c.key {
			t.Errorf("%s%s: %+v, %v", c.host, c.path, a, err)
		}
	}
	long := "/b/" + strings.Repeat("é", 512)
	if _, err := parseAddress("", long, ""); err != nil {
		t.Errorf("1,024 bytes: %v", err)
	}
	for path, code := range map[string]s3err.Code{
		long + "x": s3err.KeyTooLongError, "/b/\xff": s3err.InvalidURI, "//k": s3err.InvalidBucketName, "*": s3err.InvalidURI,
	} {
		if _, err := parseAddress("", path, ""); s3err.From(err).Code != code {
			t.Errorf("%.20q: %v, want %s", path, err, code)
		}
	}
}

func TestParseRange(t *testing.T) {
	const bad = -1 // 416
	for header, want := range map[string][2]int64{
		"bytes=0-9": {0, 10}, "bytes=0-0": {0, 1}, "bytes=90-": {90, 10}, "bytes=-10": {90, 10}, "bytes=-200": {0, 100},
		"bytes=50-1000": {50, 50}, "bytes=99-99": {99, 1}, "bytes=0-99999999999999999999": {0, 100},
		"bytes=100-": {bad, 0}, "bytes=100-200": {bad, 0}, "bytes=-0": {bad, 0}, "bytes=99999999999999999999-": {bad, 0},
	} {
		s, err := parseRange(header, 100)
		if want[0] == bad {
			if s3err.From(err) == nil || s3err.From(err).Code != s3err.InvalidRange {
				t.Errorf("%s: %+v, %v", header, s, err)
			}
			continue
		}
		if err != nil || s.off != want[0] || s.n != want[1] || !s.partial {
			t.Errorf("%s: %+v, %v", header, s, err)
		}
	}
	for _, header := range []string{"bytes=9-1", "bytes=a-b", "bytes=1-2,3-4", "bytes=-", "bytes=1", "items=0-1", "bytes=+1-2", "bytes=--1", ""} {
		if s, err := parseRange(header, 100); err != nil || s.partial || s.n != 100 {
			t.Errorf("%s: %+v, %v, want the whole", header, s, err)
		}
	}
	if _, err := parseRange("bytes=0-", 0); err == nil {
		t.Error("a range of nothing")
	}
}

func FuzzParseRange(f *testing.F) {
	f.Add("bytes=0-9", int64(100))
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 0 {
			return
		}
		s, err := parseRange(header, size)
		if err == nil && (s.off < 0 || s.n < 0 || s.off > size-s.n) {
			t.Errorf("%q of %d: %+v", header, size, s)
		}
	})
}

// What is written is read back as it was: as text, where XML has a place for the
// characters, and always in the form of URLs.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"a b", "<&>\"'", "\r\n\t", "\x00\x01", "é+%2F/~*", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if back, err := url.QueryUnescape(urlEncoded(s)); err != nil || back != s {
			t.Errorf("%q is encoded as %q", s, urlEncoded(s))
		}
		d := newDocument("R")
		d.text("K", s)
		b := d.bytes()
		if !utf8.Valid(b) {
			t.Errorf("%q gives %q", s, b)
		}
		if !utf8.ValidString(s) || strings.ContainsFunc(s, noXML) {
			return
		}
		var got struct{ K string }
		if err := xml.Unmarshal(b, &got); err != nil || got.K != s {
			t.Errorf("%q came back as %q, %v", s, got.K, err)
		}
	})
}

// noXML are the characters that XML 1.0 can't have.
func noXML(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF || r == utf8.RuneError
}

func FuzzToken(f *testing.F) {
	f.Add("key")
	f.Fuzz(func(t *testing.T, s string) {
		if key, err := parseToken(newToken(s)); err != nil || key != s {
			t.Errorf("%q came back as %q, %v", s, key, err)
		}
		if _, err := parseToken(s); err != nil && s3err.From(err).Code != s3err.InvalidArgument {
			t.Errorf("%q: %v", s, err)
		}
	})
}

func FuzzParseSource(f *testing.F) {
	f.Add("/b/k?versionId=1")
	f.Fuzz(func(t *testing.T, s string) {
		src, err := parseSource(s)
		if err == nil && (src.bucketName == "" || src.key == "" || len(src.key) > maxKey) {
			t.Errorf("%q: %+v", s, src)
		}
	})
}

// Every operation is found by its route and by no other, and each asks who may.
func TestRoutes(t *testing.T) {
	for i := range operations {
		o := &operations[i]
		if routes[routeKey{o.method, o.on, o.sub}] != o {
			t.Errorf("%v: another operation has its route", o)
		}
		if o.do == nil || o.log == "" || o.access == 0 {
			t.Errorf("%v is not complete", o)
		}
	}
}
