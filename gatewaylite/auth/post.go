package auth

import (
	"context"
	"encoding/base64"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// Length is the sizes that a policy allows an uploaded file to have.
type Length struct{ Min, Max int64 }

// anyLength is that of a form without a policy, or whose policy says nothing.
var anyLength = Length{0, math.MaxInt64}

// Check checks the size of a file.
func (l Length) Check(size int64) error {
	switch proposed := strconv.FormatInt(size, 10); {
	case size < l.Min:
		return s3err.New(s3err.EntityTooSmall).With("ProposedSize", proposed).With("MinSizeAllowed", strconv.FormatInt(l.Min, 10))
	case size > l.Max:
		return s3err.New(s3err.EntityTooLarge).With("ProposedSize", proposed).With("MaxSizeAllowed", strconv.FormatInt(l.Max, 10))
	}
	return nil
}

// Reader passes on a file of a size that is not known before its end, and fails
// as soon as it is too long, or in place of EOF if it is too short.
func (l Length) Reader(src io.Reader) io.Reader { return &lengthReader{src: src, length: l} }

type lengthReader struct {
	src    io.Reader
	length Length
	read   int64
}

func (r *lengthReader) Read(p []byte) (int, error) {
	n, err := r.src.Read(p)
	r.read += int64(n)
	if err == io.EOF || r.read > r.length.Max {
		if bad := r.length.Check(r.read); bad != nil {
			return 0, bad
		}
	}
	return n, err
}

// VerifyPost finds out who sent a form to a bucket ("Browser-Based Uploads Using
// POST" in the API reference), and holds its fields to its policy. fields are
// those before the file, whose names may be in any case, with ${filename}
// already replaced. Without a signature it is from nobody. What ACL and policy of the
// bucket allow is up to the gateway, as in Verify.
func (v *Verifier) VerifyPost(ctx context.Context, bucket string, fields map[string]string) (*Identity, Length, error) {
	f := make(form, len(fields)+1)
	for name, value := range fields {
		f[strings.ToLower(name)] = value
	}
	f["bucket"] = bucket
	id, err := v.postIdentity(ctx, f)
	if err != nil {
		return nil, Length{}, s3err.From(err)
	}
	if id.Mechanism == Anonymous {
		return id, anyLength, nil
	}
	p, err := parsePolicy(f["policy"])
	if err != nil {
		return nil, Length{}, err
	}
	length, err := p.check(f, v.now())
	return id, length, err
}

// form is the fields of a form, their names in lower case.
type form map[string]string

// postIdentity verifies the signature of the policy, which alone is signed.
func (v *Verifier) postIdentity(ctx context.Context, f form) (*Identity, error) {
	v4 := f["x-amz-signature"] != "" || f["x-amz-algorithm"] != "" || f["x-amz-credential"] != ""
	v2 := f["signature"] != "" || f["awsaccesskeyid"] != ""
	switch {
	case f["x-amz-security-token"] != "":
		return nil, s3err.New(s3err.InvalidToken).With("Token-0", f["x-amz-security-token"])
	case v4 && v2:
		return nil, s3err.Errorf(s3err.InvalidArgument, "Only one auth mechanism allowed; only the X-Amz-Algorithm "+
			"form field or the Signature form field should be specified")
	case !v4 && !v2 && f["policy"] == "":
		return &Identity{}, nil
	case v4:
		return v.postV4(ctx, f)
	}
	return v.postV2(ctx, f)
}

// require checks that a form has all these fields.
func (f form) require(names ...string) error {
	for _, name := range names {
		if f[strings.ToLower(name)] == "" {
			return s3err.Errorf(s3err.InvalidArgument,
				"Bucket POST must contain a field named '%s'.  If it is specified, please check the order of the fields.", name).
				With("ArgumentName", name).With("ArgumentValue", "")
		}
	}
	return nil
}

func (v *Verifier) postV4(ctx context.Context, f form) (*Identity, error) {
	if err := f.require("policy", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"); err != nil {
		return nil, err
	}
	if a := f["x-amz-algorithm"]; a != algorithmV4 {
		return nil, badField("X-Amz-Algorithm", a, `X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"`)
	}
	cred, ok := parseCredential(f["x-amz-credential"])
	if !ok {
		return nil, badField("X-Amz-Credential", f["x-amz-credential"],
			"Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting \""+credentialForm+"\".")
	}
	if err := v.checkScope(cred, s3err.InvalidArgument, "Error parsing the X-Amz-Credential parameter"); err != nil {
		return nil, err
	}
	at, err := time.Parse(stampFormat, f["x-amz-date"])
	if err != nil || at.Format(dayFormat) != cred.day {
		return nil, badField("X-Amz-Date", f["x-amz-date"],
			`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'", on the date of the credential`)
	}
	secret, err := v.secret(ctx, cred.accessKey)
	if err != nil {
		return nil, err
	}
	c := chain{key: v.keys.get(cred, secret)}
	if !equal(c.sign(f["policy"]), f["x-amz-signature"]) {
		return nil, mismatch(cred.accessKey, f["x-amz-signature"], f["policy"])
	}
	return &Identity{AccessKey: cred.accessKey, Mechanism: PostV4, Signed: at}, nil
}

func (v *Verifier) postV2(ctx context.Context, f form) (*Identity, error) {
	if err := f.require("policy", "AWSAccessKeyId", "signature"); err != nil {
		return nil, err
	}
	secret, err := v.secret(ctx, f["awsaccesskeyid"])
	if err != nil {
		return nil, err
	}
	if !equal(signV2(secret, f["policy"]), f["signature"]) {
		return nil, mismatch(f["awsaccesskeyid"], f["signature"], f["policy"])
	}
	return &Identity{AccessKey: f["awsaccesskeyid"], Mechanism: PostV2}, nil
}

func badField(name, value, message string) error {
	return s3err.Errorf(s3err.InvalidArgument, "%s", message).With("ArgumentName", name).With("ArgumentValue", value)
}

func decodePolicy(text string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, badPolicy("Invalid base64 encoding.")
	}
	return b, nil
}
