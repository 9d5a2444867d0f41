// Package auth finds out who sent a request of S3, and holds its body to what it
// promised: signature version 4 in a header, a query and a form, with signed
// and unsigned chunks and trailers ("Authenticating Requests (AWS Signature
// Version 4)" in the S3 API reference), and signature version 2 ("Signing and
// authenticating REST requests" in the S3 user guide).
//
// It decides who, never what he may do: ACLs and policies are the gateway's.
// It imports the standard library, s3err and checksum only.
package auth

import (
	"context"
	"crypto/hmac"
	"net/http"
	"strings"
	"time"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// Keys looks up secret keys.
type Keys interface {
	// Secret returns the secret key of an access key. If there is none, or its
	// user may not come in, it returns an *s3err.Error: InvalidAccessKeyID,
	// AccessDenied.
	Secret(ctx context.Context, accessKey string) (string, error)
}

// DefaultRegion is the region of a Verifier that names none.
const DefaultRegion = "us-east-1"

// Verifier verifies requests. Its fields are not changed, nor is it copied, once it is in
// use.
type Verifier struct {
	Keys   Keys
	Region string // that version 4 has to be signed for; default DefaultRegion
	// AnyRegion takes what was signed for any region. Otherwise a client that
	// has the wrong one is told, as by S3, which is right.
	AnyRegion bool
	Now       func() time.Time // default time.Now

	keys keyCache
}

// Mechanism is how a request was authenticated.
type Mechanism uint8

// The mechanisms.
const (
	Anonymous Mechanism = iota
	HeaderV4
	QueryV4
	HeaderV2
	QueryV2
	PostV4
	PostV2
)

// AuthType is the value of the policy condition s3:authType; empty for Anonymous.
func (m Mechanism) AuthType() string {
	return [...]string{HeaderV4: "REST-HEADER", HeaderV2: "REST-HEADER", QueryV4: "REST-QUERY-STRING",
		QueryV2: "REST-QUERY-STRING", PostV4: "POST", PostV2: "POST"}[m]
}

// SignatureVersion is the value of the policy condition s3:signatureversion;
// empty for Anonymous.
func (m Mechanism) SignatureVersion() string {
	return [...]string{HeaderV4: algorithmV4, QueryV4: algorithmV4, PostV4: algorithmV4,
		HeaderV2: "AWS", QueryV2: "AWS", PostV2: "AWS"}[m]
}

// Identity is who sent a request.
type Identity struct {
	AccessKey string // empty: anonymous
	Mechanism Mechanism
	// Signed is when the request was signed; zero if it does not say.
	Signed time.Time
}

// MaxSkew is how far the clock of a client may be off.
const MaxSkew = 15 * time.Minute

// Verify finds out who sent r. hostBucket is the bucket that the gateway took
// from the name of the host; empty for a path-style request.
//
// r.Body then gives the decoded body, r.ContentLength is its length, and aws-chunked
// is no longer among the content encodings. Reading it verifies what the
// request promised: its length, the hash of the payload, the signatures of chunks and
// trailer, the checksum in the trailer. A body with a known length never gives its
// last byte before all that held: the Read fails instead with an *s3err.Error, and
// so do all after it. Every error of Verify is an *s3err.Error too.
func (v *Verifier) Verify(r *http.Request, hostBucket string) (*Identity, error) {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	m, err := mechanism(r, q)
	if err != nil {
		return nil, err
	}
	var s *seal
	switch m {
	case Anonymous:
		s = &seal{payload: r.Header.Get(payloadHeader)}
	case HeaderV4, QueryV4:
		s, err = v.verifyV4(r, q, m)
	default:
		s, err = v.verifyV2(r, q, m, hostBucket)
	}
	if err != nil {
		return nil, s3err.From(err)
	}
	if err := openBody(r, s); err != nil {
		return nil, s3err.From(err)
	}
	return &Identity{AccessKey: s.accessKey, Mechanism: m, Signed: s.at}, nil
}

// seal is what a valid signature says.
type seal struct {
	accessKey string
	at        time.Time
	payload   string // an x-amz-content-sha256; empty: nothing is said of the body
	chain     *chain // of version 4: what signs the chunks
}

// mechanism tells how r wants to be authenticated. More than one way is refused.
func mechanism(r *http.Request, q query) (Mechanism, error) {
	header := r.Header.Get("Authorization")
	v4, v2 := q.has("X-Amz-Algorithm") || q.has("X-Amz-Signature"), q.has("Signature") || q.has("AWSAccessKeyId")
	switch {
	case len(r.Header["Authorization"]) > 1, header != "" && (v4 || v2), v4 && v2:
		return 0, s3err.Errorf(s3err.InvalidArgument, "Only one auth mechanism allowed; only the X-Amz-Algorithm "+
			"query parameter, Signature query string parameter or the Authorization header should be specified").
			With("ArgumentName", "Authorization").With("ArgumentValue", header)
	case v4:
		return QueryV4, nil
	case v2:
		return QueryV2, nil
	case header == "":
		return Anonymous, nil
	case strings.HasPrefix(header, algorithmV4+" "):
		return HeaderV4, nil
	case strings.HasPrefix(header, "AWS "):
		return HeaderV2, nil
	}
	return 0, s3err.Errorf(s3err.InvalidArgument, "Unsupported Authorization Type").
		With("ArgumentName", "Authorization").With("ArgumentValue", header)
}

// secret looks up the secret key of an access key.
func (v *Verifier) secret(ctx context.Context, accessKey string) (string, error) {
	secret, err := v.Keys.Secret(ctx, accessKey)
	if err == nil && secret == "" {
		err = s3err.InvalidAccessKeyID // an empty key would verify what anybody signs
	}
	if err == nil {
		return secret, nil
	}
	e := *s3err.From(err)
	if e.Code == s3err.InvalidAccessKeyID && e.Element("AWSAccessKeyId") == "" {
		e.Extra = append(e.Extra[:len(e.Extra):len(e.Extra)], s3err.Element{Name: "AWSAccessKeyId", Value: accessKey})
	}
	return "", &e
}

// refuseToken refuses the token of temporary credentials, which nobody here gives.
func refuseToken(r *http.Request, q query) error {
	token := r.Header.Get("X-Amz-Security-Token")
	if token == "" {
		token = q.get("X-Amz-Security-Token")
	}
	if token == "" {
		return nil
	}
	return s3err.New(s3err.InvalidToken).With("Token-0", token)
}

func (v *Verifier) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

func (v *Verifier) region() string {
	if v.Region != "" {
		return v.Region
	}
	return DefaultRegion
}

// checkSkew checks when a request was signed; sent is how it said it.
func (v *Verifier) checkSkew(at time.Time, sent string) error {
	now := v.now()
	if d := now.Sub(at); d <= MaxSkew && d >= -MaxSkew {
		return nil
	}
	return s3err.New(s3err.RequestTimeTooSkewed).With("RequestTime", sent).
		With("ServerTime", now.UTC().Format(time.RFC3339)).With("MaxAllowedSkewMilliseconds", "900000")
}

// signedAt is when a request with an Authorization header says it was signed, and
// how it says it. Both forms are taken in both headers; x-amz-date comes first.
func signedAt(r *http.Request) (time.Time, string, error) {
	sent := r.Header.Get("X-Amz-Date")
	if sent == "" {
		sent = r.Header.Get("Date")
	}
	if at, err := time.Parse(stampFormat, sent); err == nil {
		return at, sent, nil
	}
	if at, err := http.ParseTime(sent); err == nil {
		return at.UTC(), sent, nil
	}
	if at, err := time.Parse(time.RFC1123Z, sent); err == nil {
		return at.UTC(), sent, nil
	}
	return time.Time{}, "", s3err.Errorf(s3err.AccessDenied, "AWS authentication requires a valid Date or x-amz-date header")
}

// equal compares signatures in constant time.
func equal(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
