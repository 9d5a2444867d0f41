package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// query is the parameters of a URL, decoded, in the order in which they came. Unlike
// url.ParseQuery it takes a ; for what it is.
type query []param

type param struct{ name, value string }

func parseQuery(raw string) (query, error) {
	var q query
	for raw != "" {
		var field string
		field, raw, _ = strings.Cut(raw, "&")
		if field == "" {
			continue
		}
		name, value, _ := strings.Cut(field, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return nil, s3err.New(s3err.InvalidURI)
		}
		q = append(q, param{name, value})
	}
	return q, nil
}

func (q query) has(name string) bool {
	return slices.ContainsFunc(q, func(p param) bool { return p.name == name })
}

// get is the first value; empty if there is none.
func (q query) get(name string) string {
	for _, p := range q {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// canonical is the query as version 4 signs it: encoded anew, in order of name
// and value, without the signature itself.
func (q query) canonical() string {
	fields := make([]string, 0, len(q))
	for _, p := range q {
		if p.name != "X-Amz-Signature" {
			// The least byte stands for the =, so that the order is that of the names.
			fields = append(fields, encode(p.name, false)+"\x00"+encode(p.value, false))
		}
	}
	slices.Sort(fields)
	return strings.ReplaceAll(strings.Join(fields, "&"), "\x00", "=")
}

// encode is UriEncode of the reference: all but unreserved characters, in upper
// case; the slashes of a path stay. S3 encodes once, and keeps // and dots.
func encode(s string, path bool) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+16)
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			c == '-', c == '.', c == '_', c == '~', path && c == '/':
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

// canonicalRequest is the canonical request of version 4.
func canonicalRequest(r *http.Request, q query, signedHeaders []string, payload string) string {
	path := r.URL.Path
	if path == "" {
		path = "/"
	}
	var b strings.Builder
	b.WriteString(r.Method + "\n" + encode(path, true) + "\n" + q.canonical() + "\n")
	for _, name := range signedHeaders {
		b.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(signedHeaders, ";") + "\n" + payload)
	return b.String()
}

// headerValue is what a client sent as a header, as it is signed. net/http
// takes some headers out of r.Header.
func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return fold(r.Host)
	case "content-length":
		return strconv.FormatInt(max(r.ContentLength, 0), 10)
	case "transfer-encoding":
		return strings.Join(r.TransferEncoding, ",")
	}
	values := r.Header[http.CanonicalHeaderKey(name)]
	folded := make([]string, len(values))
	for i, v := range values {
		folded[i] = fold(v)
	}
	return strings.Join(folded, ",")
}

// fold trims a value, and makes every run of blanks in it one space.
func fold(s string) string {
	if !strings.ContainsRune(s, '\t') && !strings.Contains(s, "  ") {
		return strings.Trim(s, " ")
	}
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool { return c == ' ' || c == '\t' }), " ")
}

// checkSigned refuses a request whose signature leaves out the host or an x-amz
// header, which an intermediary could then change. The hash of the payload is
// signed by itself.
func checkSigned(r *http.Request, signedHeaders []string) error {
	var missing []string
	if !slices.Contains(signedHeaders, "host") {
		missing = append(missing, "host")
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && name != "x-amz-content-sha256" && !slices.Contains(signedHeaders, name) {
			missing = append(missing, name)
		}
	}
	if missing == nil {
		return nil
	}
	slices.Sort(missing)
	return s3err.Errorf(s3err.AccessDenied, "There were headers present in the request which were not signed").
		With("HeadersNotSigned", strings.Join(missing, ", "))
}
