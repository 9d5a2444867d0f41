package auth

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"hash"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"crypto/sha256"

	"github.com/cairnfs/cairn/gatewaylite/checksum"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// The credentials of all examples of the reference.
const (
	exampleKey    = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

type oneKey struct{}

func (oneKey) Secret(_ context.Context, accessKey string) (string, error) {
	switch accessKey {
	case exampleKey:
		return exampleSecret, nil
	case "empty":
		return "", nil
	case "broken":
		return "", errors.New("disk on fire")
	}
	return "", s3err.InvalidAccessKeyID
}

// at is a verifier that believes it is that time.
func at(t time.Time) *Verifier {
	return &Verifier{Keys: oneKey{}, Now: func() time.Time { return t }}
}

// wire is the bytes that a client sends for r.
func wire(t testing.TB, r *http.Request) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// receive is what a server makes of the bytes.
func receive(b []byte) (*http.Request, error) {
	return http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
}

// verify receives, verifies and, as the gateway does, reads a request.
func verify(v *Verifier, b []byte, hostBucket string) (r *http.Request, id *Identity, body []byte, err error) {
	if r, err = receive(b); err != nil {
		return nil, nil, nil, err
	}
	if id, err = v.Verify(r, hostBucket); err != nil {
		return r, nil, nil, err
	}
	if _, _, err = checksum.Body(r); err != nil {
		return r, nil, nil, err
	}
	body, err = io.ReadAll(r.Body)
	return r, id, body, err
}

func code(err error) s3err.Code {
	var e *s3err.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// hasher is what minio-go's signer wants of a hash.
type hasher struct{ hash.Hash }

func (hasher) Close() {}

func newHasher() hasher { return hasher{sha256.New()} }

const auth4 = "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"

// The requests that the reference signs, with the signatures that it gives.
var examples = []struct {
	name, host, date string
	lines            string // the request but for Host
	body             string
	mechanism        Mechanism
}{
	{"GET object", "examplebucket.s3.amazonaws.com", "20130524T000000Z", `GET /test.txt HTTP/1.1
Range: bytes=0-9
x-amz-content-sha256: ` + emptyHash + `
x-amz-date: 20130524T000000Z
` + auth4 + `SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41`, "", HeaderV4},
	{"PUT object", "examplebucket.s3.amazonaws.com", "20130524T000000Z", `PUT /test$file.text HTTP/1.1
Date: Fri, 24 May 2013 00:00:00 GMT
x-amz-date: 20130524T000000Z
x-amz-storage-class: REDUCED_REDUNDANCY
x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072
` + auth4 + ` SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd`, "Welcome to Amazon S3.", HeaderV4},
	{"GET lifecycle", "examplebucket.s3.amazonaws.com", "20130524T000000Z", `GET /?lifecycle HTTP/1.1
x-amz-date: 20130524T000000Z
x-amz-content-sha256: ` + emptyHash + `
` + auth4 + `SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543`, "", HeaderV4},
	{"list", "examplebucket.s3.amazonaws.com", "20130524T000000Z", `GET /?max-keys=2&prefix=J HTTP/1.1
x-amz-date: 20130524T000000Z
x-amz-content-sha256: ` + emptyHash + `
` + auth4 + `SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7`, "", HeaderV4},
	{"presigned GET", "examplebucket.s3.amazonaws.com", "20130524T235959Z", `GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1`, "", QueryV4},
	{"chunks", "s3.amazonaws.com", "20130524T000000Z", `PUT /examplebucket/chunkObject.txt HTTP/1.1
x-amz-date: 20130524T000000Z
x-amz-storage-class: REDUCED_REDUNDANCY
x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD
Content-Encoding: aws-chunked
x-amz-decoded-content-length: 66560
` + auth4 + `SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9`,
		chunkedExample("ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
			"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
			"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9") + "\r\n", HeaderV4},
	{"chunks and trailer", "s3.amazonaws.com", "20130524T000000Z", `PUT /examplebucket/chunkObject.txt HTTP/1.1
x-amz-date: 20130524T000000Z
x-amz-storage-class: REDUCED_REDUNDANCY
x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER
Content-Encoding: aws-chunked
x-amz-decoded-content-length: 66560
x-amz-trailer: x-amz-checksum-crc32c
` + auth4 + `SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer,Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e`,
		chunkedExample("b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
			"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
			"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992") +
			"x-amz-checksum-crc32c:sOO8/Q==\r\n" +
			"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n", HeaderV4},
	{"V2 GET", "johnsmith.s3.amazonaws.com", "20070327T193642Z", `GET /photos/puppy.jpg HTTP/1.1
Date: Tue, 27 Mar 2007 19:36:42 +0000
Authorization: AWS AKIAIOSFODNN7EXAMPLE:bWq2s1WEIj+Ydj0vQ697zp+IXMU=`, "", HeaderV2},
	{"V2 list", "johnsmith.s3.amazonaws.com", "20070327T194241Z", `GET /?prefix=photos&max-keys=50&marker=puppy HTTP/1.1
Date: Tue, 27 Mar 2007 19:42:41 +0000
Authorization: AWS AKIAIOSFODNN7EXAMPLE:htDYFYduRNen8P9ZfE/s9SuKy0U=`, "", HeaderV2},
	{"V2 ACL", "johnsmith.s3.amazonaws.com", "20070327T194446Z", `GET /?acl HTTP/1.1
Date: Tue, 27 Mar 2007 19:44:46 +0000
Authorization: AWS AKIAIOSFODNN7EXAMPLE:c2WLPFtWHVgbEmeEG93a4cG37dM=`, "", HeaderV2},
	{"V2 presigned", "johnsmith.s3.amazonaws.com", "20070329T034019Z", `GET /photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620 HTTP/1.1`, "", QueryV2},
}

func chunkedExample(s1, s2, s3 string) string {
	return "10000;chunk-signature=" + s1 + "\r\n" + strings.Repeat("a", 65536) + "\r\n" +
		"400;chunk-signature=" + s2 + "\r\n" + strings.Repeat("a", 1024) + "\r\n0;chunk-signature=" + s3 + "\r\n"
}

// exampleWire is the bytes of an example.
func exampleWire(lines, host, body string) []byte {
	text := lines + "\nHost: " + host
	if body != "" {
		text += "\nContent-Length: " + itoa(len(body))
	}
	return []byte(strings.ReplaceAll(text, "\n", "\r\n") + "\r\n\r\n" + body)
}

func TestExamplesOfTheReference(t *testing.T) {
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			now, err := time.Parse(stampFormat, e.date)
			if err != nil {
				t.Fatal(err)
			}
			bucket, rest, _ := strings.Cut(e.host, ".")
			if !strings.HasPrefix(rest, "s3.") {
				bucket = ""
			}
			r, id, body, err := verify(at(now), exampleWire(e.lines, e.host, e.body), bucket)
			if err != nil {
				t.Fatal(err)
			}
			if id.AccessKey != exampleKey || id.Mechanism != e.mechanism {
				t.Errorf("got %+v", id)
			}
			want := e.body
			if r.Header.Get("X-Amz-Decoded-Content-Length") != "" {
				want = strings.Repeat("a", 66560)
			}
			if string(body) != want || r.ContentLength != int64(len(want)) || r.Header.Get("Content-Encoding") != "" {
				t.Errorf("body of %d bytes, length %d, encoding %q", len(body), r.ContentLength, r.Header.Get("Content-Encoding"))
			}
		})
	}
}
