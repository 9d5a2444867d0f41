package access

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// corsExample is that of the S3 user guide, with a third rule.
const corsExample = `<?xml version="1.0" encoding="UTF-8"?>
<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><CORSRule><ID>r1</ID><AllowedHeader>*</AllowedHeader><AllowedMethod>PUT</AllowedMethod><AllowedMethod>POST</AllowedMethod><AllowedOrigin>http://www.example1.com</AllowedOrigin><AllowedOrigin>http://*.example.net</AllowedOrigin><ExposeHeader>x-amz-request-id</ExposeHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>3000</MaxAgeSeconds></CORSRule><CORSRule><AllowedHeader>x-amz-*</AllowedHeader><AllowedHeader>Authorization</AllowedHeader><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>`

func TestCORS(t *testing.T) {
	c, err := ParseCORS([]byte(corsExample))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(c.XML()); got != corsExample {
		t.Errorf("written back:\n%s", got)
	}
	named := func(origin string) map[string]string {
		return map[string]string{
			"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true",
			"Access-Control-Allow-Methods": "PUT, POST", "Access-Control-Max-Age": "3000",
			"Access-Control-Expose-Headers": "x-amz-request-id, ETag", "Vary": corsVary,
		}
	}
	anyone := map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET", "Vary": corsVary}
	with := func(m map[string]string, headers string) map[string]string {
		m2 := map[string]string{"Access-Control-Allow-Headers": headers}
		for k, v := range m {
			m2[k] = v
		}
		return m2
	}
	for _, tt := range []struct {
		origin, method, headers string
		preflight               map[string]string // nil: forbidden
		plain                   map[string]string
	}{
		{"http://www.example1.com", "PUT", "", named("http://www.example1.com"), named("http://www.example1.com")},
		{"http://a.example.net", "POST", "X-Foo,  Content-Type", with(named("http://a.example.net"), "x-foo, content-type"), named("http://a.example.net")},
		{"http://example.net", "PUT", "", nil, nil},
		{"http://www.example1.com", "GET", "x-amz-date,authorization", with(anyone, "x-amz-date, authorization"), anyone},
		{"https://elsewhere", "GET", "x-foo", nil, anyone},
		{"https://elsewhere", "DELETE", "", nil, nil},
	} {
		h, err := c.Preflight(tt.origin, tt.method, tt.headers, "OBJECT")
		if tt.preflight == nil && !errors.Is(err, s3err.AccessForbidden) || !sameHeaders(h, tt.preflight) {
			t.Errorf("preflight %s %s: %v, %v", tt.origin, tt.method, h, err)
		}
		if h := c.Headers(tt.origin, tt.method); !sameHeaders(h, tt.plain) {
			t.Errorf("%s %s: %v", tt.origin, tt.method, h)
		}
	}
}

func sameHeaders(h http.Header, want map[string]string) bool {
	if len(h) != len(want) {
		return false
	}
	for k, v := range want {
		if h.Get(k) != v {
			return false
		}
	}
	return true
}

func TestPreflightRefuses(t *testing.T) {
	c, err := ParseCORS([]byte(corsExample))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		c              *CORS
		origin, method string
		code           s3err.Code
		words          string
	}{
		{c, "", "GET", s3err.BadRequest, "Insufficient information. Origin request header needed."},
		{c, "http://x", "", s3err.BadRequest, "Invalid Access-Control-Request-Method: null"},
		{c, "http://x", "PATCH", s3err.BadRequest, "Invalid Access-Control-Request-Method: PATCH"},
		{nil, "http://x", "GET", s3err.AccessForbidden, "CORSResponse: CORS is not enabled for this bucket."},
		{c, "http://x", "PUT", s3err.AccessForbidden, "CORSResponse: This CORS request is not allowed. This is usually because"},
	} {
		_, err := tt.c.Preflight(tt.origin, tt.method, "", "BUCKET")
		if e := s3err.From(err); e == nil || e.Code != tt.code || !strings.HasPrefix(e.Text(), tt.words) {
			t.Errorf("%s %s: %v", tt.origin, tt.method, err)
		}
	}
	if h := (*CORS)(nil).Headers("http://x", "GET"); h != nil {
		t.Errorf("without rules: %v", h)
	}
}

func TestMalformedCORS(t *testing.T) {
	rule := func(s string) string { return "<CORSConfiguration><CORSRule>" + s + "</CORSRule></CORSConfiguration>" }
	const ok = `<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>`
	many := func(n int) string {
		return "<CORSConfiguration>" + strings.Repeat("<CORSRule>"+ok+"</CORSRule>", n) + "</CORSConfiguration>"
	}
	for doc, want := range map[string]string{
		``:                     "MalformedXML",
		`<CORSConfiguration/>`: "MalformedXML",
		many(MaxCORSRules + 1): "MalformedXML",
		rule(ok + "<Foo/>"):    "MalformedXML",
		rule(""):               "MalformedXML",
		rule("<AllowedMethod>GET</AllowedMethod>"):                                       "MalformedXML",
		rule(ok + "<MaxAgeSeconds>x</MaxAgeSeconds>"):                                    "MalformedXML",
		rule(ok + "<MaxAgeSeconds>-1</MaxAgeSeconds>"):                                   "MalformedXML",
		rule(ok + "<ExposeHeader>a&#10;b</ExposeHeader>"):                                "MalformedXML",
		rule(ok + "<ID>" + strings.Repeat("x", 256) + "</ID>"):                           "MalformedXML",
		rule(ok + "<AllowedMethod>PATCH</AllowedMethod>"):                                "InvalidRequest: Found unsupported HTTP method in CORS config. Unsupported method is PATCH",
		rule(ok + "<AllowedMethod>get</AllowedMethod>"):                                  "InvalidRequest: Found unsupported",
		rule(ok + "<AllowedOrigin>http://*.*</AllowedOrigin>"):                           `InvalidRequest: AllowedOrigin "http://*.*" can not have more than one wildcard.`,
		rule(ok + "<AllowedHeader>**</AllowedHeader>"):                                   `InvalidRequest: AllowedHeader "**" can not have more than one wildcard.`,
		rule(ok + "<ExposeHeader>x-*</ExposeHeader>"):                                    `InvalidRequest: ExposeHeader "x-*" contains wildcard.`,
		"<CORSConfiguration>" + fmt.Sprintf("%*s", MaxCORS, "") + "</CORSConfiguration>": "MalformedXML",
	} {
		if _, err := ParseCORS([]byte(doc)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.100s: %v, want %s", doc, err, want)
		}
	}
	if _, err := ParseCORS([]byte(many(MaxCORSRules))); err != nil {
		t.Error(err)
	}
}
