package access

import (
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Principal is who asks.
type Principal struct {
	Name        string // of the user
	CanonicalID string
	Anonymous   bool // the request was not signed: the rest is empty
	Admin       bool // may do everything that no policy denies
}

// Nobody is the principal of a request that was not signed.
var Nobody = Principal{Anonymous: true}

// Request is what is known of a request when access is decided. All of it but Op,
// Principal, Bucket, Key and VersionID is asked only by the conditions of policies.
type Request struct {
	Op        Op
	Principal Principal
	Bucket    string
	Key       string // empty for operations on buckets
	VersionID string // as named by the request; empty: none

	SourceIP netip.Addr // of the client; the zero one: not known
	Secure   bool       // came over TLS
	Time     time.Time  // now
	Header   http.Header
	Query    url.Values

	AuthType         string        // REST-HEADER, REST-QUERY-STRING or POST; empty if anonymous
	SignatureVersion string        // AWS or AWS4-HMAC-SHA256; empty if anonymous
	SignatureAge     time.Duration // since it was signed
	RequestTags      Tags          // that the request wants to set
	ExistingTags     Tags          // that the object has
}

// arn is the resource that the request is about, in the policy language.
func (r *Request) arn() string {
	if r.Key == "" {
		return resourcePrefix + r.Bucket
	}
	return resourcePrefix + r.Bucket + "/" + r.Key
}
