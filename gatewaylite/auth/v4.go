package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

const (
	algorithmV4 = "AWS4-HMAC-SHA256"
	stampFormat = "20060102T150405Z"
	dayFormat   = "20060102"
	service     = "s3"
	terminal    = "aws4_request"
	maxExpires  = 7 * 24 * 60 * 60 // seconds
)

// claim is what a request says of its signature, in a header or in its query.
type claim struct {
	credential
	signedHeaders []string
	signature     string
	at            time.Time
	payload       string // the last line of the canonical request
}

// verifyV4 verifies a signature of version 4.
func (v *Verifier) verifyV4(r *http.Request, q query, m Mechanism) (*seal, error) {
	if err := refuseToken(r, q); err != nil {
		return nil, err
	}
	read := v.headerClaim
	if m == QueryV4 {
		read = v.queryClaim
	}
	c, err := read(r, q)
	if err != nil {
		return nil, err
	}
	if err := checkSigned(r, c.signedHeaders); err != nil {
		return nil, err
	}
	secret, err := v.secret(r.Context(), c.accessKey)
	if err != nil {
		return nil, err
	}
	request := canonicalRequest(r, q, c.signedHeaders, c.payload)
	ch := &chain{key: v.keys.get(c.credential, secret), stamp: c.at.Format(stampFormat), scope: c.scope()}
	toSign := ch.stringToSign(algorithmV4, hashHex([]byte(request)))
	if !equal(ch.sign(toSign), c.signature) {
		return nil, mismatch(c.accessKey, c.signature, toSign).
			With("CanonicalRequest", request).With("CanonicalRequestBytes", hexDump(request))
	}
	ch.previous = c.signature
	return &seal{accessKey: c.accessKey, at: c.at, payload: bodyPayload(r, m, c.payload), chain: ch}, nil
}

// bodyPayload is what the body is held to. What is signed comes first; a presigned
// URL usually says nothing of the body, and then the header, though not signed,
// does.
func bodyPayload(r *http.Request, m Mechanism, signed string) string {
	if header := r.Header.Get(payloadHeader); m == QueryV4 && signed == unsignedPayload && header != "" {
		return header
	}
	return signed
}

// headerClaim reads the claim of the Authorization header.
func (v *Verifier) headerClaim(r *http.Request, _ query) (claim, error) {
	c, err := parseAuthorization(r.Header.Get("Authorization"))
	if err != nil {
		return claim{}, err
	}
	if err := v.checkScope(c.credential, s3err.AuthorizationHeaderMalformed, "The authorization header is malformed"); err != nil {
		return claim{}, err
	}
	var sent string
	if c.at, sent, err = signedAt(r); err != nil {
		return claim{}, err
	}
	if day := c.at.Format(dayFormat); day != c.day {
		return claim{}, malformed("Invalid credential date %q. This date is not the same as X-Amz-Date: %q.", c.day, day)
	}
	if c.payload = r.Header.Get(payloadHeader); c.payload == "" {
		return claim{}, s3err.Errorf(s3err.InvalidRequest, "Missing required header for this request: x-amz-content-sha256")
	}
	return c, v.checkSkew(c.at, sent)
}

// parseAuthorization reads an Authorization header of version 4.
func parseAuthorization(header string) (claim, error) {
	fields := map[string]string{}
	for _, field := range strings.Split(strings.TrimPrefix(header, algorithmV4+" "), ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		if _, twice := fields[name]; !ok || twice || len(fields) == 3 {
			return claim{}, malformed("the authorization component %q is malformed.", field)
		}
		fields[name] = value
	}
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if fields[name] == "" {
			return claim{}, malformed("the authorization header requires three components: Credential, SignedHeaders, and Signature.")
		}
	}
	cred, ok := parseCredential(fields["Credential"])
	if !ok {
		return claim{}, malformed("the Credential is mal-formed; expecting %q.", credentialForm)
	}
	return claim{credential: cred, signature: fields["Signature"], signedHeaders: strings.Split(fields["SignedHeaders"], ";")}, nil
}

// queryClaim reads the claim of a presigned URL ("Authenticating Requests: Using
// Query Parameters").
func (v *Verifier) queryClaim(r *http.Request, q query) (claim, error) {
	for _, name := range []string{"Algorithm", "Credential", "Signature", "Date", "SignedHeaders", "Expires"} {
		if q.get("X-Amz-"+name) == "" {
			return claim{}, badQuery("Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, " +
				"X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
		}
	}
	if q.get("X-Amz-Algorithm") != algorithmV4 {
		return claim{}, badQuery(`X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"`)
	}
	cred, ok := parseCredential(q.get("X-Amz-Credential"))
	if !ok {
		return claim{}, badQuery("Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting %q.", credentialForm)
	}
	if err := v.checkScope(cred, s3err.AuthorizationQueryParametersError, "Error parsing the X-Amz-Credential parameter"); err != nil {
		return claim{}, err
	}
	c := claim{credential: cred, signature: q.get("X-Amz-Signature"),
		signedHeaders: strings.Split(q.get("X-Amz-SignedHeaders"), ";")}
	c.payload = queryPayload(r, q, c.signedHeaders)
	var err error
	c.at, err = v.checkValidity(q, cred)
	return c, err
}

// queryPayload is the last line of the canonical request of a presigned URL.
func queryPayload(r *http.Request, q query, signedHeaders []string) string {
	if p := q.get("X-Amz-Content-Sha256"); p != "" {
		return p
	}
	for _, name := range signedHeaders {
		if p := r.Header.Get(payloadHeader); name == "x-amz-content-sha256" && p != "" {
			return p
		}
	}
	return unsignedPayload
}

// checkValidity checks the time for which a presigned URL is valid, and returns
// its beginning.
func (v *Verifier) checkValidity(q query, cred credential) (time.Time, error) {
	at, err := time.Parse(stampFormat, q.get("X-Amz-Date"))
	if err != nil {
		return at, badQuery(`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`)
	}
	if day := at.Format(dayFormat); day != cred.day {
		return at, badQuery("Invalid credential date %q. This date is not the same as X-Amz-Date: %q.", cred.day, day)
	}
	seconds, err := strconv.ParseInt(q.get("X-Amz-Expires"), 10, 64)
	switch {
	case err != nil:
		return at, badQuery("X-Amz-Expires should be a number")
	case seconds < 1:
		return at, badQuery("X-Amz-Expires must be non-negative")
	case seconds > maxExpires:
		return at, badQuery("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than %d seconds", maxExpires)
	}
	now, end := v.now(), at.Add(time.Duration(seconds)*time.Second)
	switch {
	case now.After(end):
		return at, expired(end, now).With("X-Amz-Expires", q.get("X-Amz-Expires"))
	case now.Add(MaxSkew).Before(at):
		return at, s3err.Errorf(s3err.AccessDenied, "Request is not valid yet").With("ServerTime", now.UTC().Format(time.RFC3339))
	}
	return at, nil
}

func expired(end, now time.Time) *s3err.Error {
	return s3err.Errorf(s3err.AccessDenied, "Request has expired").
		With("Expires", end.UTC().Format(time.RFC3339)).With("ServerTime", now.UTC().Format(time.RFC3339))
}

// credential is an access key and the scope that a signature is good for.
type credential struct{ accessKey, day, region, service, terminal string }

const credentialForm = "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request"

// parseCredential reads a credential. An access key may have slashes in it.
func parseCredential(s string) (credential, bool) {
	f := strings.Split(s, "/")
	n := len(f) - 4
	if n < 1 || f[0] == "" {
		return credential{}, false
	}
	return credential{strings.Join(f[:n], "/"), f[n], f[n+1], f[n+2], f[n+3]}, true
}

func (c credential) scope() string {
	return c.day + "/" + c.region + "/" + c.service + "/" + c.terminal
}

// signingKey is the key that signs in the scope.
func (c credential) signingKey(secret string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{c.day, c.region, c.service, c.terminal} {
		key = mac(key, part)
	}
	return key
}

// checkScope checks the scope of a credential but for its day. where begins the
// message.
func (v *Verifier) checkScope(c credential, code s3err.Code, where string) error {
	_, err := time.Parse(dayFormat, c.day)
	switch {
	case err != nil:
		return s3err.Errorf(code, "%s; incorrect date format %q. This date in the credential must be in the format \"yyyyMMdd\".", where, c.day)
	case c.service != service:
		return s3err.Errorf(code, "%s; incorrect service %q. This endpoint belongs to %q.", where, c.service, service)
	case c.terminal != terminal:
		return s3err.Errorf(code, "%s; incorrect terminal %q. This endpoint uses %q.", where, c.terminal, terminal)
	case c.region == "" || c.region != v.region() && !v.AnyRegion:
		return s3err.Errorf(code, "%s; the region '%s' is wrong; expecting '%s'", where, c.region, v.region()).With("Region", v.region())
	}
	return nil
}

// chain is what signs with the key of one request: the request itself, then its
// chunks, each signature over the one before.
type chain struct {
	key          []byte
	stamp, scope string
	previous     string // the last signature
}

func (c *chain) stringToSign(algorithm, rest string) string {
	return algorithm + "\n" + c.stamp + "\n" + c.scope + "\n" + rest
}

func (c *chain) sign(s string) string { return hex.EncodeToString(mac(c.key, s)) }

// next verifies the next signature of the chain.
func (c *chain) next(accessKey, algorithm, rest, signature string) error {
	toSign := c.stringToSign(algorithm, c.previous+"\n"+rest)
	if !equal(c.sign(toSign), signature) {
		return mismatch(accessKey, signature, toSign)
	}
	c.previous = signature
	return nil
}

func mac(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}

func hashHex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// mismatch tells a client what it should have signed, so that it can compare.
func mismatch(accessKey, provided, toSign string) *s3err.Error {
	return s3err.New(s3err.SignatureDoesNotMatch).With("AWSAccessKeyId", accessKey).With("StringToSign", toSign).
		With("SignatureProvided", provided).With("StringToSignBytes", hexDump(toSign))
}

func hexDump(s string) string { return fmt.Sprintf("% x", s) }

func malformed(format string, args ...any) error {
	return s3err.Errorf(s3err.AuthorizationHeaderMalformed, "The authorization header is malformed; "+format, args...)
}

func badQuery(format string, args ...any) error {
	return s3err.Errorf(s3err.AuthorizationQueryParametersError, format, args...)
}
