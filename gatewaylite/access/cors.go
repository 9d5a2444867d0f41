package access

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// corsVary are the request headers that an answer depends on.
const corsVary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"

// Headers are those to add to the answer of a request with an Origin, which was
// not a preflight; nil if no rule fits: the request is served all the same, and the
// browser keeps the answer from the script ("Cross-origin resource sharing", S3 user guide).
func (c *CORS) Headers(origin, method string) http.Header {
	rule, allowed := c.find(origin, method, nil)
	if rule == nil {
		return nil
	}
	return rule.headers(origin, allowed)
}

// Preflight answers OPTIONS from its headers Origin, Access-Control-Request-Method and
// Access-Control-Request-Headers. resourceType is BUCKET or OBJECT ("OPTIONS object",
// S3 API reference).
func (c *CORS) Preflight(origin, method, headers, resourceType string) (http.Header, error) {
	if origin == "" {
		return nil, s3err.Errorf(s3err.BadRequest, "Insufficient information. Origin request header needed.")
	}
	if !slices.Contains(corsMethods, method) {
		if method == "" {
			method = "null"
		}
		return nil, s3err.Errorf(s3err.BadRequest, "Invalid Access-Control-Request-Method: %s", method)
	}
	forbidden := s3err.New(s3err.AccessForbidden).With("Method", method).With("ResourceType", resourceType)
	if c == nil {
		forbidden.Message = "CORSResponse: CORS is not enabled for this bucket."
		return nil, forbidden
	}
	asked := headerList(headers)
	rule, allowed := c.find(origin, method, asked)
	if rule == nil {
		return nil, forbidden
	}
	h := rule.headers(origin, allowed)
	if len(asked) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(asked, ", "))
	}
	return h, nil
}

// headerList takes a list of header names apart, in lower case.
func headerList(s string) []string {
	var names []string
	for name := range strings.SplitSeq(s, ",") {
		if name = lower(strings.TrimSpace(name)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// find gives the first rule that fits, and the origin in it that does.
func (c *CORS) find(origin, method string, headers []string) (*CORSRule, string) {
	if c == nil || origin == "" {
		return nil, ""
	}
	for i := range c.Rules {
		r := &c.Rules[i]
		allowed := slices.IndexFunc(r.AllowedOrigins, func(o string) bool { return star(o, origin) })
		if allowed >= 0 && slices.Contains(r.AllowedMethods, method) && r.takes(headers) {
			return r, r.AllowedOrigins[allowed]
		}
	}
	return nil, ""
}

// takes says whether the rule allows all the headers.
func (r *CORSRule) takes(headers []string) bool {
	for _, h := range headers {
		if !slices.ContainsFunc(r.AllowedHeaders, func(a string) bool { return star(lower(a), h) }) {
			return false
		}
	}
	return true
}

// star matches a pattern with at most one *, which stands for any text.
func star(pattern, text string) bool {
	head, tail, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	return len(text) >= len(head)+len(tail) && strings.HasPrefix(text, head) && strings.HasSuffix(text, tail)
}

// headers are those of the rule. An origin that is allowed by name may send
// credentials, "*" may not (Fetch standard, "CORS protocol and credentials").
func (r *CORSRule) headers(origin, allowed string) http.Header {
	h := make(http.Header)
	if allowed == "*" {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	h.Set("Access-Control-Allow-Methods", strings.Join(r.AllowedMethods, ", "))
	if len(r.ExposeHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(r.ExposeHeaders, ", "))
	}
	if r.MaxAgeSeconds != nil {
		h.Set("Access-Control-Max-Age", strconv.Itoa(*r.MaxAgeSeconds))
	}
	h.Set("Vary", corsVary)
	return h
}
