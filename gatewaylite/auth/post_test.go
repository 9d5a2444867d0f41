package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// The form of "Example: Browser-Based Upload using HTTP POST (Using AWS Signature
// Version 4)".
const examplePolicy = "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9"

func exampleForm() map[string]string {
	return map[string]string{
		"key": "user/user1/photo.jpg", "acl": "public-read",
		"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html",
		"Content-Type":            "image/jpeg", "x-amz-meta-uuid": "14365123651274",
		"x-amz-server-side-encryption": "AES256", "x-amz-meta-tag": "",
		"X-Amz-Credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request",
		"X-Amz-Algorithm":  "AWS4-HMAC-SHA256", "X-Amz-Date": "20151229T000000Z", "Policy": examplePolicy,
		"X-Amz-Signature": "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e",
	}
}

var postTime = time.Date(2015, 12, 30, 0, 0, 0, 0, time.UTC)

func TestPostExample(t *testing.T) {
	v, ctx := at(postTime), context.Background()
	id, length, err := v.VerifyPost(ctx, "sigv4examplebucket", exampleForm())
	if err != nil || id.AccessKey != exampleKey || id.Mechanism != PostV4 || length != anyLength {
		t.Fatalf("got %+v, %+v, %v", id, length, err)
	}
	// Any change of a field that the policy does not allow to be free is refused.
	for name, value := range exampleForm() {
		for i := range value {
			changed := exampleForm()
			changed[name] = value[:i] + string(value[i]^1) + value[i+1:]
			_, _, err := v.VerifyPost(ctx, "sigv4examplebucket", changed)
			free := name == "key" && i >= len("user/user1/") || name == "Content-Type" && i >= len("image/")
			if (err == nil) != free {
				t.Fatalf("%s with byte %d changed: %v", name, i, err)
			}
		}
	}
}

// post signs a policy and sends it with the fields.
func post(v2 bool, policy string, fields map[string]string) (*Identity, Length, error) {
	f := maps.Clone(fields)
	f["policy"] = base64.StdEncoding.EncodeToString([]byte(policy))
	if v2 {
		f["AWSAccessKeyId"], f["signature"] = exampleKey, signer.PostPresignSignatureV2(f["policy"], exampleSecret)
	} else {
		f["x-amz-algorithm"], f["x-amz-date"] = algorithmV4, "20151229T000000Z"
		f["x-amz-credential"] = exampleKey + "/20151229/us-east-1/s3/aws4_request"
		f["x-amz-signature"] = signer.PostPresignSignatureV4(f["policy"], postTime.Add(-24*time.Hour), exampleSecret, "us-east-1")
	}
	return at(postTime).VerifyPost(context.Background(), "b", f)
}

const v4Conditions = `{"x-amz-algorithm":"AWS4-HMAC-SHA256"},["starts-with","$x-amz-credential",""],["starts-with","$x-amz-date",""],`

func TestPolicies(t *testing.T) {
	const good = `["eq","$key","k"],{"bUcKeT":"b"}`
	fields := map[string]string{"kEy": "k"}
	for _, c := range []struct {
		name, conditions string
		fields           map[string]string
		code             s3err.Code
		message          string
	}{
		{"good", good, fields, "", ""},
		{"escaped", `["starts-with","$key","\\$f"],{"bucket":"b"}`, map[string]string{"key": `\$foo`}, "", ""},
		{"ignored field", good, map[string]string{"key": "k", "x-ignore-me": "1"}, "", ""},
		{"extra field", good, map[string]string{"key": "k", "acl": "private"}, s3err.AccessDenied, "Invalid according to Policy: Extra input fields: acl"},
		{"no condition on the bucket", `{"key":"k"}`, fields, s3err.AccessDenied, "Extra input fields: bucket"},
		{"other bucket", `{"key":"k"},{"bucket":"c"}`, fields, s3err.AccessDenied, `Policy Condition failed: {"bucket":"c"}`},
		{"other value", `["eq", "$key", "l"],{"bucket":"b"}`, fields, s3err.AccessDenied, `Policy Condition failed: ["eq", "$key", "l"]`},
		{"missing field", good + `,["starts-with","$x-amz-meta-a","b"]`, fields, s3err.AccessDenied, "Policy Condition failed"},
		{"content types", good + `,["starts-with","$Content-Type","image/"]`, map[string]string{"key": "k", "content-type": "image/a, image/b"}, "", ""},
		{"one other type", good + `,["starts-with","$Content-Type","image/"]`, map[string]string{"key": "k", "content-type": "image/a,text/b"}, s3err.AccessDenied, ""},
		{"empty condition", good + `,{}`, fields, s3err.InvalidPolicyDocument, "exactly one property"},
		{"two in one", `{"key":"k","bucket":"b"}`, fields, s3err.InvalidPolicyDocument, "exactly one property"},
		{"number", good + `,{"acl":1}`, fields, s3err.InvalidPolicyDocument, "must be a string"},
		{"null", good + `,{"acl":null}`, fields, s3err.InvalidPolicyDocument, "must be a string"},
		{"no dollar", `["eq","key","k"],{"bucket":"b"}`, fields, s3err.InvalidPolicyDocument, "must begin with '$'"},
		{"unknown", good + `,["ends-with","$key","k"]`, fields, s3err.InvalidPolicyDocument, "unknown operation"},
		{"short range", good + `,["content-length-range",0]`, fields, s3err.InvalidPolicyDocument, ""},
		{"negative range", good + `,["content-length-range",-1,0]`, fields, s3err.InvalidPolicyDocument, ""},
		{"turned range", good + `,["content-length-range",2,1]`, fields, s3err.InvalidPolicyDocument, ""},
		{"no JSON", good + `,`, fields, s3err.InvalidPolicyDocument, "Invalid JSON"},
	} {
		for _, v2 := range []bool{false, true} {
			policy := fmt.Sprintf(`{"expiration":"2015-12-30T12:00:00Z","conditions":[%s%s]}`, v4Conditions, c.conditions)
			if v2 {
				policy = strings.Replace(policy, v4Conditions, "", 1)
			}
			_, _, err := post(v2, policy, c.fields)
			if c.code == "" && err != nil || c.code != "" && (code(err) != c.code || !strings.Contains(err.Error(), c.message)) {
				t.Errorf("%s (V2: %v): %v", c.name, v2, err)
			}
		}
	}
}

func TestPolicyDocuments(t *testing.T) {
	for policy, message := range map[string]string{
		`{"expiration":"2015-12-30T00:00:01.5Z","conditions":[{"bucket":"b"}]}`:       "",
		`{"expiration":"2015-12-29T23:59:59Z","conditions":[{"bucket":"b"}]}`:         "AccessDenied: Invalid according to Policy: Policy expired.",
		`{"expiration":"in a while","conditions":[{"bucket":"b"}]}`:                   "Invalid 'expiration' value: 'in a while'",
		`{"expiration":1,"conditions":[{"bucket":"b"}]}`:                              "Invalid 'expiration'",
		`{"EXPIRATION":"2015-12-30T12:00:00Z","conditions":[{"bucket":"b"}]}`:         "missing expiration",
		`{"expiration":"2015-12-30T12:00:00Z","CONDITIONS":[{"bucket":"b"}]}`:         "missing conditions",
		`{"expiration":"2015-12-30T12:00:00Z"}`:                                       "missing conditions",
		`{"expiration":"2015-12-30T12:00:00Z","conditions":{"bucket":"b"}}`:           "missing conditions",
		`{"expiration":"2015-12-30T12:00:00Z","conditions":["bucket"]}`:               "Invalid Condition",
		`{"expiration":"2015-12-30T12:00:00Z","conditions":[["eq","$bucket",["b"]]]}`: "must be a string",
		`[]`:   "Invalid JSON",
		`null`: "missing expiration",
	} {
		_, _, err := post(true, policy, map[string]string{})
		if message == "" && err != nil || message != "" && (err == nil || !strings.Contains(err.Error(), message)) {
			t.Errorf("%s: %v", policy, err)
		}
	}
}

func TestPostIdentity(t *testing.T) {
	v, ctx := at(postTime), context.Background()
	id, _, err := v.VerifyPost(ctx, "b", map[string]string{"key": "k"})
	if err != nil || id.Mechanism != Anonymous {
		t.Errorf("a form without a policy: %+v, %v", id, err)
	}
	for name, c := range map[string]struct {
		drop, set, to string
		code          s3err.Code
	}{
		"no policy":     {"Policy", "", "", s3err.InvalidArgument},
		"no signature":  {"X-Amz-Signature", "", "", s3err.InvalidArgument},
		"no date":       {"X-Amz-Date", "", "", s3err.InvalidArgument},
		"other date":    {"", "X-Amz-Date", "20151228T000000Z", s3err.InvalidArgument},
		"two":           {"", "AWSAccessKeyId", exampleKey, s3err.InvalidArgument},
		"token":         {"", "x-amz-security-token", "t", s3err.InvalidToken},
		"algorithm":     {"", "X-Amz-Algorithm", "AWS5", s3err.InvalidArgument},
		"credential":    {"", "X-Amz-Credential", exampleKey, s3err.InvalidArgument},
		"region":        {"", "X-Amz-Credential", exampleKey + "/20151229/eu-west-1/s3/aws4_request", s3err.InvalidArgument},
		"key":           {"", "X-Amz-Credential", "other/20151229/us-east-1/s3/aws4_request", s3err.InvalidAccessKeyID},
		"bad signature": {"", "X-Amz-Signature", "8afd", s3err.SignatureDoesNotMatch},
	} {
		f := exampleForm()
		delete(f, c.drop)
		if c.set != "" {
			f[c.set] = c.to
		}
		if _, _, err := v.VerifyPost(ctx, "sigv4examplebucket", f); code(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := v.VerifyPost(ctx, "b", map[string]string{"key": "k", "policy": "e30="}); code(err) != s3err.InvalidArgument {
		t.Errorf("a policy that nobody signed: %v", err)
	}
}

func TestLength(t *testing.T) {
	_, length, err := post(true, `{"expiration":"2015-12-30T12:00:00Z","conditions":[{"bucket":"b"},`+
		`["content-length-range",1,5],["content-length-range","3","10"]]}`, map[string]string{})
	if err != nil || length != (Length{3, 5}) {
		t.Fatalf("got %+v, %v", length, err)
	}
	for size := range 8 {
		text := strings.Repeat("a", size)
		want := s3err.Code("")
		switch {
		case size < 3:
			want = s3err.EntityTooSmall
		case size > 5:
			want = s3err.EntityTooLarge
		}
		if got := code(length.Check(int64(size))); got != want {
			t.Errorf("size %d: %v, want %v", size, got, want)
		}
		for _, src := range []io.Reader{strings.NewReader(text), iotest.DataErrReader(strings.NewReader(text)), iotest.OneByteReader(strings.NewReader(text))} {
			_, err := io.ReadAll(length.Reader(src))
			if code(err) != want || want == "" && err != nil {
				t.Errorf("reading %d: %v, want %v", size, err, want)
			}
		}
	}
	broken := errors.New("broken")
	if _, err := io.ReadAll(length.Reader(iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
