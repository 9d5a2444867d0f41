package auth

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

var exampleTime = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)

// refusals are changes of the reference's examples, with what S3 answers.
var refusals = []struct {
	name     string
	example  string
	old, new string // in the example
	now      time.Duration
	code     s3err.Code
	message  string // a part of it
	element  string // name=value
}{
	{"unknown key", "GET object", "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLF", 0,
		s3err.InvalidAccessKeyID, "does not exist in our records", "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLF"},
	{"key without secret", "GET object", "AKIAIOSFODNN7EXAMPLE", "empty", 0, s3err.InvalidAccessKeyID, "", "AWSAccessKeyId=empty"},
	{"lookup fails", "GET object", "AKIAIOSFODNN7EXAMPLE", "broken", 0, s3err.InternalError, "internal error", ""},
	{"signature", "GET object", "Signature=f0e8", "Signature=f0e9", 0,
		s3err.SignatureDoesNotMatch, "Check your key and signing method", "StringToSign=AWS4-HMAC-SHA256\n20130524T000000Z\n" +
			"20130524/us-east-1/s3/aws4_request\n7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972"},
	{"canonical request", "GET lifecycle", "/?lifecycle", "/?lifecyclf", 0,
		s3err.SignatureDoesNotMatch, "", "CanonicalRequest=GET\n/\nlifecyclf=\nhost:examplebucket.s3.amazonaws.com\n" +
			"x-amz-content-sha256:" + emptyHash + "\nx-amz-date:20130524T000000Z\n\nhost;x-amz-content-sha256;x-amz-date\n" + emptyHash},
	{"late", "GET object", "", "", 15*time.Minute + time.Second, s3err.RequestTimeTooSkewed, "too large", "RequestTime=20130524T000000Z"},
	{"early", "GET object", "", "", -15*time.Minute - time.Second, s3err.RequestTimeTooSkewed, "too large", "MaxAllowedSkewMilliseconds=900000"},
	{"region", "GET object", "us-east-1", "us-west-1", 0,
		s3err.AuthorizationHeaderMalformed, "the region 'us-west-1' is wrong; expecting 'us-east-1'", "Region=us-east-1"},
	{"service", "GET object", "/s3/", "/ec2/", 0, s3err.AuthorizationHeaderMalformed, `incorrect service "ec2"`, ""},
	{"terminal", "GET object", "aws4_request", "aws5_request", 0, s3err.AuthorizationHeaderMalformed, `incorrect terminal "aws5_request"`, ""},
	{"day format", "GET object", "/20130524/", "/2013524/", 0, s3err.AuthorizationHeaderMalformed, `in the format "yyyyMMdd"`, ""},
	{"day", "GET object", "/20130524/", "/20130523/", 0, s3err.AuthorizationHeaderMalformed, `not the same as X-Amz-Date: "20130524"`, ""},
	{"credential", "GET object", "/20130524/us-east-1", "/20130524", 0, s3err.AuthorizationHeaderMalformed, "the Credential is mal-formed", ""},
	{"component", "GET object", "SignedHeaders=host", "SignedHeaders;host", 0, s3err.AuthorizationHeaderMalformed, "is malformed", ""},
	{"no signature", "GET object", ",Signature=f", ",Sign=f", 0, s3err.AuthorizationHeaderMalformed, "requires three components", ""},
	{"other type", "GET object", "AWS4-HMAC-SHA256 Cred", "Bearer Cred", 0, s3err.InvalidArgument, "Unsupported Authorization Type", "ArgumentName=Authorization"},
	{"no date", "GET object", "x-amz-date:", "y-amz-date:", 0, s3err.AccessDenied, "requires a valid Date or x-amz-date header", ""},
	{"no payload", "GET object", "x-amz-content-sha256:", "y-amz-content-sha256:", 0,
		s3err.InvalidRequest, "Missing required header for this request: x-amz-content-sha256", ""},
	{"unsigned header", "GET object", "Range:", "x-amz-acl: public-read\nRange:", 0,
		s3err.AccessDenied, "headers present in the request which were not signed", "HeadersNotSigned=x-amz-acl"},
	{"unsigned host", "GET object", "=host;", "=", 0, s3err.AccessDenied, "not signed", "HeadersNotSigned=host"},
	{"token", "GET object", "Range:", "x-amz-security-token: abc\nRange:", 0, s3err.InvalidToken, "malformed or otherwise invalid", "Token-0=abc"},
	{"two mechanisms", "GET object", "/test.txt", "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256", 0,
		s3err.InvalidArgument, "Only one auth mechanism allowed", "ArgumentName=Authorization"},
	{"two headers", "GET object", "Range:", "Authorization: AWS a:b\nRange:", 0, s3err.InvalidArgument, "Only one auth mechanism allowed", ""},
	{"bad escape", "GET object", "/test.txt", "/test.txt?a=%zz", 0, s3err.InvalidURI, "", ""},
	{"body", "PUT object", "Welcome to", "Welcome 2 ", 0,
		s3err.XAmzContentSHA256Mismatch, "does not match what was computed", "ClientComputedContentSHA256=44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
	{"no decoded length", "chunks", "x-amz-decoded-content-length:", "y-amz-decoded-content-length:", 0, s3err.SignatureDoesNotMatch, "", ""},
	{"chunk", "chunks", "aaaa\r\n400", "aaab\r\n400", 0, s3err.SignatureDoesNotMatch, "", "SignatureProvided=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"},
	{"huge chunk", "chunks and trailer", "10000;", "7fffffffffffffff;", 0, s3err.IncompleteBody, "", ""},
	{"too large a number", "chunks and trailer", "10000;", "ffffffffffffffff;", 0, s3err.IncompleteBody, "terminated unexpectedly", ""},
	{"negative chunk", "chunks and trailer", "10000;", "-10000;", 0, s3err.IncompleteBody, "terminated unexpectedly", ""},
	{"endless chunk header", "chunks and trailer", "10000;", strings.Repeat("0", maxLine) + "10000;", 0, s3err.IncompleteBody, "terminated unexpectedly", ""},
	{"early end", "chunks and trailer", "\r\n400;chunk", "\r\n0;chunk", 0, s3err.IncompleteBody, "number of bytes specified", ""},
	{"trailer", "chunks and trailer", "sOO8", "sOO9", 0, s3err.SignatureDoesNotMatch, "", ""},
	{"other trailer", "chunks and trailer", "\r\nx-amz-checksum-crc32c:", "\r\nx-amz-checksum-crc32:", 0, s3err.MalformedTrailerError, "", ""},
	{"endless trailer", "chunks and trailer", "x-amz-trailer-sig", strings.Repeat("\r\n", maxTail) + "x-amz-trailer-sig", 0, s3err.MalformedTrailerError, "", ""},
	{"unknown trailer", "chunks and trailer", "x-amz-trailer: x-amz-checksum-crc32c", "x-amz-trailer: x-amz-meta-a", 0, s3err.SignatureDoesNotMatch, "", ""},
	{"expired", "presigned GET", "", "", 24*time.Hour + time.Second, s3err.AccessDenied, "Request has expired", "Expires=2013-05-25T00:00:00Z"},
	{"not yet", "presigned GET", "", "", -time.Hour, s3err.AccessDenied, "Request is not valid yet", ""},
	{"a week and more", "presigned GET", "Expires=86400", "Expires=604801", 0, s3err.AuthorizationQueryParametersError, "must be less than a week", ""},
	{"no seconds", "presigned GET", "Expires=86400", "Expires=0", 0, s3err.AuthorizationQueryParametersError, "must be non-negative", ""},
	{"bad seconds", "presigned GET", "Expires=86400", "Expires=1d", 0, s3err.AuthorizationQueryParametersError, "should be a number", ""},
	{"other seconds", "presigned GET", "Expires=86400", "Expires=86401", 0, s3err.SignatureDoesNotMatch, "", ""},
	{"no expiry", "presigned GET", "X-Amz-Expires=86400&", "", 0, s3err.AuthorizationQueryParametersError, "requires the X-Amz-Algorithm", ""},
	{"other algorithm", "presigned GET", "AWS4-HMAC-SHA256&", "AWS5-HMAC-SHA256&", 0, s3err.AuthorizationQueryParametersError, "X-Amz-Algorithm only supports", ""},
	{"query region", "presigned GET", "us-east-1", "eu-west-1", 0, s3err.AuthorizationQueryParametersError, "the region 'eu-west-1' is wrong", "Region=us-east-1"},
	{"query date", "presigned GET", "T000000Z", "T000000", 0, s3err.AuthorizationQueryParametersError, "ISO8601 Long Format", ""},
	{"query header", "presigned GET", " HTTP/1.1", " HTTP/1.1\nx-amz-acl: private", 0, s3err.AccessDenied, "not signed", "HeadersNotSigned=x-amz-acl"},
	{"V2 signature", "V2 GET", "bWq2", "bWq3", 0, s3err.SignatureDoesNotMatch, "",
		"StringToSign=GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/johnsmith/photos/puppy.jpg"},
	{"V2 header", "V2 GET", ":bWq2", "bWq2", 0, s3err.InvalidArgument, "Expected AwsAccessKeyId:signature", "ArgumentName=Authorization"},
	{"V2 no date", "V2 GET", "Date:", "Dote:", 0, s3err.AccessDenied, "requires a valid Date", ""},
	{"V2 late", "V2 GET", "", "", time.Hour, s3err.RequestTimeTooSkewed, "", ""},
	{"V2 key", "V2 GET", "AKIA", "BKIA", 0, s3err.InvalidAccessKeyID, "", ""},
	{"V2 expired", "V2 presigned", "", "", 2 * time.Second, s3err.AccessDenied, "Request has expired", "Expires=2007-03-29T03:40:20Z"},
	{"V2 parameters", "V2 presigned", "&Expires=1175139620", "", 0, s3err.AccessDenied, "requires the Signature, Expires and AWSAccessKeyId parameters", ""},
	{"V2 bad date", "V2 presigned", "=1175139620", "=soon", 0, s3err.AccessDenied, "should be seconds since epoch", ""},
	{"V2 chunks", "V2 GET", "Date:", "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\nDate:", 0, s3err.SignatureDoesNotMatch, "", ""},
}

func TestRefusals(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			for _, e := range examples {
				if e.name != c.example {
					continue
				}
				raw := string(exampleWire(e.lines, e.host, e.body))
				if !strings.Contains(raw, c.old) {
					t.Fatalf("%q is not in the example", c.old)
				}
				head, body, _ := strings.Cut(raw, "\r\n\r\n")
				if strings.Contains(head, c.old) {
					head = strings.Replace(head, c.old, strings.ReplaceAll(c.new, "\n", "\r\n"), 1)
				} else {
					body = strings.Replace(body, c.old, c.new, 1)
					head = strings.Replace(head, "Content-Length: "+itoa(len(e.body)), "Content-Length: "+itoa(len(body)), 1)
				}
				now, err := time.Parse(stampFormat, e.date)
				if err != nil {
					t.Fatal(err)
				}
				if e.mechanism == QueryV4 && c.now != 0 {
					now = exampleTime
				}
				bucket := ""
				if e.mechanism == HeaderV2 || e.mechanism == QueryV2 {
					bucket = "johnsmith"
				}
				_, _, _, err = verify(at(now.Add(c.now)), []byte(head+"\r\n\r\n"+body), bucket)
				check(t, err, c.code, c.message, c.element)
			}
		})
	}
}

// check compares an error with what S3 answers.
func check(t *testing.T, err error, code s3err.Code, message, element string) {
	t.Helper()
	var e *s3err.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if e.Code != code || !strings.Contains(e.Text(), message) {
		t.Errorf("got %v, want %s: … %s", e, code, message)
	}
	name, value, ok := strings.Cut(element, "=")
	if ok && e.Element(name) != value {
		t.Errorf("%s is\n%q, want\n%q", name, e.Element(name), value)
	}
}

// TestUnsignedBodies: what the seal says of the body holds without a signature too.
func TestUnsignedBodies(t *testing.T) {
	v := &Verifier{Keys: oneKey{}}
	for _, c := range []struct {
		name, head, body string
		code             s3err.Code
		message          string
	}{
		{"nothing said", "", "hello", "", ""},
		{"unsigned", "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n", "hello", "", ""},
		{"right hash", "x-amz-content-sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\r\n", "hello", "", ""},
		{"wrong hash", "x-amz-content-sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\r\n", "jello", s3err.XAmzContentSHA256Mismatch, ""},
		{"hash of no body", "x-amz-content-sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\r\n", "", s3err.XAmzContentSHA256Mismatch, ""},
		{"no hash", "x-amz-content-sha256: hello\r\n", "hello", s3err.InvalidArgument, "or a valid sha256 value"},
		{"chunks without a key", "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n", "hello", s3err.InvalidArgument, "or a valid sha256 value"},
		{"trailer", trailerHead, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "", ""},
		{"trailer with LF", trailerHead, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n\r\n", "", ""},
		{"two chunks", trailerHead, "2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "", ""},
		{"other body", trailerHead, "5\r\njello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", s3err.BadDigest, "The CRC32 you specified did not match"},
		{"no checksum", trailerHead, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCm\r\n\r\n", s3err.InvalidRequest, "Value for x-amz-checksum-crc32 header is invalid."},
		{"no trailer", trailerHead, "5\r\nhello\r\n0\r\n\r\n", s3err.MalformedTrailerError, ""},
		{"trailer twice", trailerHead, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", s3err.MalformedTrailerError, ""},
		{"short", trailerHead, "4\r\nhell\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", s3err.IncompleteBody, ""},
		{"long", trailerHead, "6\r\nhelloo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", s3err.IncompleteBody, ""},
		{"signed", trailerHead, "5;chunk-signature=ab\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", s3err.IncompleteBody, ""},
		{"no length", strings.Replace(trailerHead, "x-amz-dec", "y-amz-dec", 1), "", s3err.MissingContentLength, ""},
		{"bad length", strings.Replace(trailerHead, ": 5", ": -5", 1), "", s3err.InvalidArgument, ""},
		{"other trailer", strings.Replace(trailerHead, "-crc32", "-crc31", 1), "", s3err.InvalidRequest, "x-amz-trailer header is not supported"},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := "PUT /bucket/key HTTP/1.1\r\nHost: a\r\nContent-Length: " + itoa(len(c.body)) + "\r\n" + c.head + "\r\n" + c.body
			r, id, body, err := verify(v, []byte(raw), "")
			if c.code != "" {
				check(t, err, c.code, c.message, "")
				return
			}
			if err != nil || *id != (Identity{}) || string(body) != "hello" || r.ContentLength != 5 {
				t.Errorf("got %+v %q, %v", id, body, err)
			}
			if want := "gzip"; strings.HasPrefix(c.head, trailerHead) && r.Header.Get("Content-Encoding") != want {
				t.Errorf("encoding %q, want %q", r.Header.Get("Content-Encoding"), want)
			}
		})
	}
}

const trailerHead = "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nContent-Encoding: gzip,aws-chunked\r\n" +
	"x-amz-decoded-content-length: 5\r\nx-amz-trailer: x-amz-checksum-crc32\r\n"

// TestAnyRegion: a verifier that takes any region still checks that it was signed.
func TestAnyRegion(t *testing.T) {
	e := examples[0]
	v := at(exampleTime)
	v.Region, v.AnyRegion = "eu-west-1", true
	if _, _, _, err := verify(v, exampleWire(e.lines, e.host, e.body), ""); err != nil {
		t.Error(err)
	}
	raw := strings.Replace(string(exampleWire(e.lines, e.host, e.body)), "us-east-1", "us-east-2", 1)
	if _, _, _, err := verify(v, []byte(raw), ""); code(err) != s3err.SignatureDoesNotMatch {
		t.Errorf("got %v", err)
	}
	v.AnyRegion = false
	_, _, _, err := verify(v, exampleWire(e.lines, e.host, e.body), "")
	check(t, err, s3err.AuthorizationHeaderMalformed, "expecting 'eu-west-1'", "Region=eu-west-1")
}

func TestMechanismNames(t *testing.T) {
	for m := Anonymous; m <= PostV2; m++ {
		if (m.AuthType() == "") != (m == Anonymous) || (m.SignatureVersion() == "") != (m == Anonymous) {
			t.Errorf("%d: %q %q", m, m.AuthType(), m.SignatureVersion())
		}
	}
}

// TestExact: the last byte comes with EOF, which src has been read to, and never
// if src is shorter or longer than it said.
func TestExact(t *testing.T) {
	for left, want := range map[int64]s3err.Code{5: "", 4: s3err.IncompleteBody, 6: s3err.IncompleteBody, -1: ""} {
		for _, wrap := range []func(io.Reader) io.Reader{
			func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader} {
			e := &exact{src: io.NopCloser(wrap(strings.NewReader("hello"))), left: left}
			var err error
			read := 0
			for err == nil {
				var n int
				n, err = e.Read(make([]byte, 8))
				read += n
				if left == 5 && read == 5 && err != io.EOF {
					t.Errorf("the last byte comes with %v", err)
				}
			}
			if code(err) != want || want == "" && err != io.EOF {
				t.Errorf("5 of %d bytes: %v", left, err)
			}
		}
	}
	for err, want := range map[error]s3err.Code{os.ErrDeadlineExceeded: s3err.RequestTimeout,
		&http.MaxBytesError{Limit: 1}: s3err.EntityTooLarge, io.ErrUnexpectedEOF: s3err.IncompleteBody} {
		if got := transportError(err); code(got) != want || !errors.Is(got, err) {
			t.Errorf("%v is %v", err, got)
		}
	}
}
