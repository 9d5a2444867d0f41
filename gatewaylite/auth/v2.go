package auth

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// signedParams are the parameters of a query that version 2 signs: the
// sub-resources and what overrides headers of the answer.
var signedParams = map[string]bool{
	"accelerate": true, "acl": true, "analytics": true, "cors": true, "delete": true, "encryption": true,
	"inventory": true, "legal-hold": true, "lifecycle": true, "location": true, "logging": true, "metrics": true,
	"notification": true, "object-lock": true, "partNumber": true, "policy": true, "policyStatus": true,
	"publicAccessBlock": true, "replication": true, "requestPayment": true, "response-cache-control": true,
	"response-content-disposition": true, "response-content-encoding": true, "response-content-language": true,
	"response-content-type": true, "response-expires": true, "restore": true, "retention": true, "select": true,
	"select-type": true, "tagging": true, "torrent": true, "uploadId": true, "uploads": true, "versionId": true,
	"versioning": true, "versions": true, "website": true,
}

// verifyV2 verifies a signature of version 2.
func (v *Verifier) verifyV2(r *http.Request, q query, m Mechanism, hostBucket string) (*seal, error) {
	if err := refuseToken(r, q); err != nil {
		return nil, err
	}
	read := v.headerClaimV2
	if m == QueryV2 {
		read = v.queryClaimV2
	}
	c, err := read(r, q)
	if err != nil {
		return nil, err
	}
	secret, err := v.secret(r.Context(), c.accessKey)
	if err != nil {
		return nil, err
	}
	var toSign string
	for _, path := range pathsV2(r, hostBucket) {
		toSign = stringToSignV2(r, q, c.date, hostBucket, path)
		if equal(signV2(secret, toSign), c.signature) {
			return &seal{accessKey: c.accessKey, at: c.at, payload: r.Header.Get(payloadHeader)}, nil
		}
	}
	return nil, mismatch(c.accessKey, c.signature, toSign)
}

// pathsV2 is what a client may have signed as the path, all of which mean the same:
// the path as it is sent; as version 4 signs it, with a library to choose how it
// is sent (minio-go); of a bucket with a slash that is not sent (boto).
func pathsV2(r *http.Request, hostBucket string) []string {
	sent := r.URL.EscapedPath()
	paths := []string{encode(r.URL.Path, true), sent}
	if hostBucket == "" && strings.LastIndexByte(sent, '/') == 0 && sent != "/" {
		paths = append(paths, sent+"/")
	}
	return paths
}

// claimV2 is what a request says of its signature of version 2.
type claimV2 struct {
	accessKey, signature string
	date                 string // as it is signed
	at                   time.Time
}

func (v *Verifier) headerClaimV2(r *http.Request, _ query) (claimV2, error) {
	header := r.Header.Get("Authorization")
	text := strings.TrimPrefix(header, "AWS ")
	i := strings.LastIndexByte(text, ':')
	if i < 1 || i == len(text)-1 {
		return claimV2{}, s3err.Errorf(s3err.InvalidArgument, "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature").
			With("ArgumentName", "Authorization").With("ArgumentValue", header)
	}
	at, sent, err := signedAt(r)
	if err != nil {
		return claimV2{}, err
	}
	c := claimV2{accessKey: text[:i], signature: text[i+1:], at: at}
	if r.Header.Get("X-Amz-Date") == "" { // otherwise it is signed among the x-amz headers
		c.date = r.Header.Get("Date")
	}
	return c, v.checkSkew(at, sent)
}

func (v *Verifier) queryClaimV2(_ *http.Request, q query) (claimV2, error) {
	c := claimV2{accessKey: q.get("AWSAccessKeyId"), signature: q.get("Signature"), date: q.get("Expires")}
	if c.accessKey == "" || c.signature == "" || c.date == "" {
		return claimV2{}, s3err.Errorf(s3err.AccessDenied,
			"Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")
	}
	seconds, err := strconv.ParseInt(c.date, 10, 64)
	if err != nil {
		return claimV2{}, s3err.Errorf(s3err.AccessDenied, "Invalid date (should be seconds since epoch): %s", c.date)
	}
	if now, end := v.now(), time.Unix(seconds, 0); now.After(end) {
		return claimV2{}, expired(end, now)
	}
	return c, nil
}

func signV2(secret, toSign string) string {
	h := hmac.New(sha1.New, []byte(secret))
	h.Write([]byte(toSign))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func stringToSignV2(r *http.Request, q query, date, hostBucket, path string) string {
	if hostBucket != "" {
		path = "/" + hostBucket + path
	}
	return r.Method + "\n" + r.Header.Get("Content-Md5") + "\n" + r.Header.Get("Content-Type") + "\n" + date + "\n" +
		amzHeaders(r.Header) + path + subresources(q)
}

// amzHeaders is CanonicalizedAmzHeaders.
func amzHeaders(h http.Header) string {
	var lines []string
	for name, values := range h {
		name = strings.ToLower(name)
		if !strings.HasPrefix(name, "x-amz-") {
			continue
		}
		trimmed := make([]string, len(values))
		for i, v := range values {
			trimmed[i] = strings.TrimSpace(v)
		}
		lines = append(lines, name+":"+strings.Join(trimmed, ",")+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// subresources is the end of CanonicalizedResource: the signed parameters, decoded.
func subresources(q query) string {
	var fields []string
	for _, p := range q {
		switch {
		case !signedParams[p.name]:
		case p.value == "":
			fields = append(fields, p.name)
		default:
			fields = append(fields, p.name+"="+p.value)
		}
	}
	if fields == nil {
		return ""
	}
	slices.Sort(fields)
	return "?" + strings.Join(fields, "&")
}
