package auth

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"crypto/sha256"

	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/cairnfs/cairn/gatewaylite/checksum"
)

func itoa(n int) string { return strconv.Itoa(n) }

// signing is a way in which a real client signs.
type signing struct {
	name      string
	mechanism Mechanism
	// bodySigned: a change of the body is found out.
	bodySigned bool
	sign       func(r *http.Request, body []byte) *http.Request
}

func crcTrailer(body []byte) http.Header {
	sum := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
	return http.Header{"X-Amz-Checksum-Crc32c": {base64.StdEncoding.EncodeToString([]byte{
		byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})}}
}

var signings = []signing{
	{"v4 hashed", HeaderV4, true, func(r *http.Request, body []byte) *http.Request {
		sum := sha256.Sum256(body)
		r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
		return signer.SignV4(*r, exampleKey, exampleSecret, "", "us-east-1")
	}},
	{"v4 unsigned payload", HeaderV4, false, func(r *http.Request, _ []byte) *http.Request {
		r.Header.Set("X-Amz-Content-Sha256", unsignedPayload)
		return signer.SignV4(*r, exampleKey, exampleSecret, "", "us-east-1")
	}},
	{"v4 chunks", HeaderV4, true, func(r *http.Request, body []byte) *http.Request {
		return signer.StreamingSignV4(r, exampleKey, exampleSecret, "", "us-east-1", int64(len(body)), time.Now().UTC(), newHasher())
	}},
	{"v4 chunks and trailer", HeaderV4, true, func(r *http.Request, body []byte) *http.Request {
		r.Trailer = crcTrailer(body)
		return signer.StreamingSignV4(r, exampleKey, exampleSecret, "", "us-east-1", int64(len(body)), time.Now().UTC(), newHasher())
	}},
	{"v4 unsigned chunks and trailer", HeaderV4, true, func(r *http.Request, body []byte) *http.Request {
		r.Header.Set("X-Amz-Content-Sha256", unsignedChunksTrailer)
		r = signer.SignV4Trailer(*r, exampleKey, exampleSecret, "", "us-east-1", crcTrailer(body))
		r.Trailer = nil
		return r
	}},
	{"v4 presigned", QueryV4, false, func(r *http.Request, _ []byte) *http.Request {
		return signer.PreSignV4(*r, exampleKey, exampleSecret, "", "us-east-1", 60)
	}},
	{"v2", HeaderV2, true, func(r *http.Request, body []byte) *http.Request {
		sum := md5.Sum(body)
		r.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
		return signer.SignV2(*r, exampleKey, exampleSecret, false)
	}},
	{"v2 presigned", QueryV2, false, func(r *http.Request, _ []byte) *http.Request {
		r = signer.PreSignV2(*r, exampleKey, exampleSecret, 60, false)
		r.Header.Del("Expires") // the signer's scratch
		return r
	}},
}

// signed makes a PUT of body and signs it.
func signed(t testing.TB, s signing, rawURL string, body []byte) []byte {
	t.Helper()
	r, err := http.NewRequest("PUT", rawURL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if s.mechanism != QueryV4 && s.mechanism != QueryV2 {
		r.Header.Set("X-Amz-Meta-Word", "two  words")
		r.Header.Set("Content-Type", "text/plain")
	}
	return wire(t, s.sign(r, body))
}

// TestRealClients: what minio-go signs is taken, whatever is in its path.
func TestRealClients(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 12345)
	paths := []string{"/bucket/key", "/bucket/a//b/./../c/", "/bucket/%20%2B%25%2F+~$&='()*!,:;@é%C3%A9",
		"/bucket/k?acl", "/bucket/k?uploadId=a%2Bb%3D%3D&partNumber=7", "/bucket/?prefix=a%20b%2Fc;d&delimiter=%2F&list-type=2"}
	for _, s := range signings {
		t.Run(s.name, func(t *testing.T) {
			for _, path := range paths {
				for _, body := range [][]byte{nil, body} {
					raw := signed(t, s, "http://127.0.0.1:8484"+path, body)
					v := &Verifier{Keys: oneKey{}}
					_, id, got, err := verify(v, raw, "")
					if err != nil {
						t.Errorf("%s: %v", path, err)
					} else if id.Mechanism != s.mechanism || id.AccessKey != exampleKey || !bytes.Equal(got, body) {
						t.Errorf("%s: %+v, body of %d bytes", path, id, len(got))
					}
				}
			}
		})
	}
}

// TestPathsOfV2: a path may be signed as it is sent, encoded in full, and that of a
// bucket with a slash.
func TestPathsOfV2(t *testing.T) {
	for _, c := range []struct {
		sent, signed, hostBucket string
		ok                       bool
	}{
		{"/b/a+b$", "/b/a+b$", "", true},
		{"/b/a+b$", "/b/a%2Bb%24", "", true},
		{"/b/a%2bb", "/b/a%2bb", "", true},
		{"/b/a+b", "/b/a b", "", false},
		{"/b", "/b/", "", true},
		{"/b/k", "/b/k/", "", false},
		{"/k", "/b/k", "b", true},
		{"/k", "/b/k/", "b", false},
		{"/", "/b/", "b", true},
		{"/", "/", "b", false},
	} {
		date := time.Now().UTC().Format(http.TimeFormat)
		signature := signV2(exampleSecret, "GET\n\n\n"+date+"\n"+c.signed)
		raw := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: h\r\nDate: %s\r\nAuthorization: AWS %s:%s\r\n\r\n", c.sent, date, exampleKey, signature)
		_, _, _, err := verify(&Verifier{Keys: oneKey{}}, []byte(raw), c.hostBucket)
		if (err == nil) != c.ok {
			t.Errorf("%s sent, %s signed: %v", c.sent, c.signed, err)
		}
	}
}

// meaning is all that a gateway goes by in a request, of what is signed.
func meaning(s signing, r *http.Request, body []byte) string {
	q, _ := parseQuery(r.URL.RawQuery)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %s\n", r.Method, r.URL.Path, q.canonical())
	if s.mechanism == HeaderV4 || s.mechanism == QueryV4 {
		fmt.Fprintf(&b, "%s\n", r.Host)
	}
	names := []string{"Content-Type", "Content-Encoding", "Content-Md5"}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, headerValue(r, strings.ToLower(name)))
	}
	if s.bodySigned {
		fmt.Fprintf(&b, "%x", sha256.Sum256(body))
	}
	return b.String()
}

// TestAnyChange: whatever byte of a signed request changes on its way, it is
// refused, is nobody's any more, or still means the same.
func TestAnyChange(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	body := []byte(strings.Repeat("some body ", 20))
	for _, s := range signings {
		t.Run(s.name, func(t *testing.T) {
			raw := signed(t, s, "http://127.0.0.1:8484/bucket/some%20key?acl", body)
			v := &Verifier{Keys: oneKey{}}
			r, _, got, err := verify(v, raw, "")
			if err != nil {
				t.Fatal(err)
			}
			want, refused := meaning(s, r, got), 0
			for i := range raw {
				for _, flip := range []byte{1, 0x20, byte(1 + rnd.IntN(255))} {
					changed := bytes.Clone(raw)
					changed[i] ^= flip
					r, id, got, err := verify(v, changed, "")
					if err != nil || id.Mechanism == Anonymous {
						refused++
					} else if m := meaning(s, r, got); m != want {
						t.Fatalf("byte %d ^ %#x passes in\n%q\nand means\n%s\nnot\n%s", i, flip, changed, m, want)
					}
				}
			}
			if refused < len(raw)/2 {
				t.Errorf("only %d changes of %d bytes refused", refused, len(raw))
			}
		})
	}
}

// TestCut: a body that ends early is refused wherever it ends, and one with more
// bytes is too.
func TestCut(t *testing.T) {
	body := []byte(strings.Repeat("some body ", 20))
	for _, s := range signings {
		raw := signed(t, s, "http://127.0.0.1:8484/bucket/key", body)
		start := bytes.Index(raw, []byte("\r\n\r\n")) + 4
		for n := start; n < len(raw); n++ {
			if _, _, _, err := verify(&Verifier{Keys: oneKey{}}, raw[:n], ""); err == nil {
				t.Fatalf("%s: cut at byte %d of %d, and taken", s.name, n-start, len(raw)-start)
			}
		}
		if !s.bodySigned {
			continue
		}
		old := fmt.Sprintf("Content-Length: %d", len(raw)-start)
		longer := append(bytes.Replace(raw, []byte(old), fmt.Appendf(nil, "Content-Length: %d", len(raw)-start+3), 1), "abc"...)
		if _, _, _, err := verify(&Verifier{Keys: oneKey{}}, longer, ""); err == nil {
			t.Errorf("%s: three more bytes, and taken", s.name)
		}
	}
}

// TestLastByteIsHeldBack: a reader that knows the length and stops there never has
// the whole of a bad body.
func TestLastByteIsHeldBack(t *testing.T) {
	body := []byte(strings.Repeat("some body ", 2000))
	for _, s := range signings {
		if !s.bodySigned {
			continue
		}
		for _, wrap := range []func(io.Reader) io.Reader{
			func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader} {
			raw := signed(t, s, "http://127.0.0.1:8484/bucket/key", body)
			i := bytes.LastIndex(raw, []byte("some body"))
			raw[i]++
			r, err := receive(raw)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := (&Verifier{Keys: oneKey{}}).Verify(r, ""); err != nil {
				t.Fatal(err)
			}
			if _, _, err := checksum.Body(r); err != nil {
				t.Fatal(err)
			}
			n, err := io.ReadFull(wrap(r.Body), make([]byte, len(body)))
			if err == nil || code(err) == "" {
				t.Errorf("%s: read %d of %d bytes of a bad body: %v", s.name, n, len(body), err)
			}
			if _, again := r.Body.Read(make([]byte, 1)); again != err {
				t.Errorf("%s: after %v comes %v", s.name, err, again)
			}
		}
	}
}
