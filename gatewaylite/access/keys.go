package access

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// conditionKeys has the condition keys that policies may name, in lower case, with
// where a request has their values ("AWS global condition context keys", IAM
// user guide; "Actions, resources, and condition keys for Amazon S3"). No values:
// the key is missing. A policy that names another key is refused, so that nobody trusts a
// condition that is never looked at.
var conditionKeys = map[string]func(*Request) []string{
	"aws:currenttime":     func(r *Request) []string { return one(r.Time.UTC().Format(time.RFC3339)) },
	"aws:epochtime":       func(r *Request) []string { return number(r.Time.Unix()) },
	"aws:principalarn":    func(r *Request) []string { return known(r, userPrefix+r.Principal.Name) },
	"aws:principaltype":   principalType,
	"aws:referer":         header("Referer"),
	"aws:securetransport": func(r *Request) []string { return one(strconv.FormatBool(r.Secure)) },
	"aws:sourceip":        sourceIP,
	"aws:useragent":       header("User-Agent"),
	"aws:userid":          func(r *Request) []string { return known(r, r.Principal.CanonicalID) },
	"aws:username":        func(r *Request) []string { return known(r, r.Principal.Name) },

	"s3:authtype":             func(r *Request) []string { return some(r.AuthType) },
	"s3:delimiter":            query("delimiter"),
	"s3:if-match":             header("If-Match"),
	"s3:if-none-match":        header("If-None-Match"),
	"s3:max-keys":             query("max-keys"),
	"s3:prefix":               query("prefix"),
	"s3:requestobjecttagkeys": requestTagKeys,
	"s3:signatureage":         signatureAge,
	"s3:signatureversion":     func(r *Request) []string { return some(r.SignatureVersion) },
	"s3:versionid":            func(r *Request) []string { return some(r.VersionID) },

	"s3:x-amz-acl":                    header("X-Amz-Acl"),
	"s3:x-amz-content-sha256":         header("X-Amz-Content-Sha256"),
	"s3:x-amz-copy-source":            copySource,
	"s3:x-amz-grant-full-control":     header("X-Amz-Grant-Full-Control"),
	"s3:x-amz-grant-read":             header("X-Amz-Grant-Read"),
	"s3:x-amz-grant-read-acp":         header("X-Amz-Grant-Read-Acp"),
	"s3:x-amz-grant-write":            header("X-Amz-Grant-Write"),
	"s3:x-amz-grant-write-acp":        header("X-Amz-Grant-Write-Acp"),
	"s3:x-amz-metadata-directive":     header("X-Amz-Metadata-Directive"),
	"s3:x-amz-server-side-encryption": header("X-Amz-Server-Side-Encryption"),
	"s3:x-amz-storage-class":          header("X-Amz-Storage-Class"),
}

// tagKeys are the families of condition keys that go on with the key of a tag.
var tagKeys = map[string]func(*Request) Tags{
	"s3:existingobjecttag/": func(r *Request) Tags { return r.ExistingTags },
	"s3:requestobjecttag/":  func(r *Request) Tags { return r.RequestTags },
}

// conditionKey finds how the values of a key are got; nil if there is no
// such key. Names of keys are not case-sensitive, those of tags are.
func conditionKey(name string) func(*Request) []string {
	lower := strings.ToLower(name)
	if get, ok := conditionKeys[lower]; ok {
		return get
	}
	i := strings.IndexByte(name, '/')
	if i < 0 || i == len(name)-1 {
		return nil
	}
	tags, ok := tagKeys[strings.ToLower(name[:i+1])]
	if !ok {
		return nil
	}
	return func(r *Request) []string { return tags(r).get(name[i+1:]) }
}

func one(s string) []string { return []string{s} }

func number(n int64) []string { return one(strconv.FormatInt(n, 10)) }

// some is the value, unless it is empty.
func some(s string) []string {
	if s == "" {
		return nil
	}
	return one(s)
}

// known is the value, unless nobody signed the request.
func known(r *Request, s string) []string {
	if r.Principal.Anonymous {
		return nil
	}
	return one(s)
}

func header(name string) func(*Request) []string {
	return func(r *Request) []string { return first(r.Header[name]) }
}

func query(name string) func(*Request) []string {
	return func(r *Request) []string { return first(r.Query[name]) }
}

// first is what the operation itself looks at where something was sent twice.
func first(values []string) []string {
	if len(values) == 0 {
		return nil
	}
	return values[:1]
}

func principalType(r *Request) []string {
	if r.Principal.Anonymous {
		return one("Anonymous")
	}
	return one("User")
}

// sourceIP takes IPv4 within IPv6 for what it is, so that no range is dodged.
func sourceIP(r *Request) []string {
	if r.SourceIP == (netip.Addr{}) {
		return nil
	}
	return one(r.SourceIP.Unmap().WithZone("").String())
}

// signatureAge is in milliseconds.
func signatureAge(r *Request) []string {
	if r.SignatureVersion == "" {
		return nil
	}
	return number(r.SignatureAge.Milliseconds())
}

// copySource is BUCKET/KEY, the same for every way in which a request may write it:
// a condition must not be dodged by a leading slash or an escape.
func copySource(r *Request) []string {
	v := r.Header.Get("X-Amz-Copy-Source")
	v, _, _ = strings.Cut(v, "?versionId=")
	if plain, err := url.PathUnescape(v); err == nil {
		v = plain
	}
	return some(strings.TrimPrefix(v, "/"))
}

func requestTagKeys(r *Request) []string {
	keys := make([]string, 0, len(r.RequestTags))
	for _, t := range r.RequestTags {
		keys = append(keys, t.Key)
	}
	return keys
}
