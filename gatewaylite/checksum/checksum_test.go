package checksum

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// The checks of the catalogue of CRCs, and the hashes of FIPS 180, of "123456789".
var checks = map[Algorithm]string{
	CRC32: "cbf43926", CRC32C: "e3069283", CRC64NVME: "ae8b14860a799888",
	SHA1:   "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
	SHA256: "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
	MD5:    "25f9e794323b453885f5181f1b624d0b",
}

func sum(a Algorithm, b []byte) []byte {
	h := a.New()
	h.Write(b)
	return h.Sum(nil)
}

func TestAlgorithms(t *testing.T) {
	for a, want := range checks {
		got := sum(a, []byte("123456789"))
		if hex.EncodeToString(got) != want || len(got) != a.Size() {
			t.Errorf("%s is %x", a, got)
		}
		if back, ok := a.Decode(Encode(got)); !ok || !bytes.Equal(back, got) {
			t.Errorf("%s is not read back: %x", a, back)
		}
		if http.CanonicalHeaderKey(a.Header()) != a.Header() {
			t.Errorf("header %s", a.Header())
		}
		if _, ok := a.Decode(Encode(append(got, 0))); ok {
			t.Errorf("%s takes one byte too many", a)
		}
	}
	for _, a := range Algorithms() {
		if Parse(strings.ToLower(a.String())) != a || ParseHeader(strings.ToLower(a.Header())) != a {
			t.Errorf("%s is not found by its name", a)
		}
	}
	if Parse("MD5") != None || ParseHeader("x-amz-checksum-md5") != None || ParseHeader("x-amz") != None || None.New() != nil {
		t.Error("an algorithm that is none")
	}
	if CRC32C.Header() != "X-Amz-Checksum-Crc32c" || CRC32C.Element() != "ChecksumCRC32C" {
		t.Error(CRC32C.Header(), CRC32C.Element())
	}
}

// TestCombine: however bytes are cut into parts, the CRCs of the parts make the CRC
// of the bytes.
func TestCombine(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		whole := make([]byte, rnd.IntN(5000))
		for i := range whole {
			whole[i] = byte(rnd.Uint32())
		}
		for _, a := range []Algorithm{CRC32, CRC32C, CRC64NVME} {
			var parts []Part
			for rest := whole; len(rest) > 0 || rnd.IntN(2) == 0; {
				n := rnd.IntN(len(rest) + 1)
				parts = append(parts, Part{sum(a, rest[:n]), int64(n)})
				rest = rest[n:]
			}
			if n := len(parts); n > 0 && sizeOf(parts) < len(whole) {
				t.Fatal("parts miss bytes")
			}
			if got, want := a.Combine(parts), sum(a, whole); !bytes.Equal(got, want) {
				t.Fatalf("%s of %d parts: %x, want %x", a, len(parts), got, want)
			}
		}
	}
}

func sizeOf(parts []Part) (n int) {
	for _, p := range parts {
		n += int(p.Size)
	}
	return n
}

func TestTypes(t *testing.T) {
	for _, c := range []struct {
		a    Algorithm
		s    string
		want Type
		ok   bool
	}{
		{CRC32, "", Composite, true}, {CRC64NVME, "", FullObject, true}, {SHA256, "", Composite, true},
		{CRC32, "FULL_OBJECT", FullObject, true}, {CRC32C, "full_object", FullObject, true},
		{CRC64NVME, "COMPOSITE", 0, false}, {SHA1, "FULL_OBJECT", 0, false}, {SHA256, "COMPOSITE", Composite, true},
		{CRC32, "WHOLE", 0, false},
	} {
		got, err := c.a.ParseType(c.s)
		if c.ok != (err == nil) || c.ok && got != c.want || !c.ok && !errors.Is(err, s3err.InvalidRequest) {
			t.Errorf("%s %q: %v, %v", c.a, c.s, got, err)
		}
	}
	parts := [][]byte{sum(CRC32, []byte("a")), sum(CRC32, []byte("b"))}
	if got := CRC32.Compose(parts); !bytes.Equal(got, sum(CRC32, append(bytes.Clone(parts[0]), parts[1]...))) || EncodeComposite(got, 2) != Encode(got)+"-2" {
		t.Errorf("composite %x", got)
	}
}

// request is a PUT of "hello" with headers, given as name, value.
func request(body io.Reader, headers ...string) *http.Request {
	r := &http.Request{Header: http.Header{}, Body: io.NopCloser(body)}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestBody(t *testing.T) {
	const md5, crc, sdk = "XUFAKrxLKna5cZ2REBfFkg==", "NhCmhg==", "X-Amz-Sdk-Checksum-Algorithm"
	for _, c := range []struct {
		name    string
		headers []string
		chosen  Algorithm
		code    s3err.Code
		message string
	}{
		{"nothing", nil, None, "", ""},
		{"MD5", []string{"Content-Md5", md5}, None, "", ""},
		{"CRC32", []string{"X-Amz-Checksum-Crc32", crc, sdk, "crc32"}, CRC32, "", ""},
		{"MD5 for the SDK", []string{"Content-Md5", md5, sdk, "SHA1"}, None, "", ""},
		{"algorithm and type of an upload", []string{"X-Amz-Checksum-Algorithm", "CRC32", "X-Amz-Checksum-Type", "COMPOSITE"}, None, "", ""},
		{"spare bits in MD5", []string{"Content-Md5", "XUFAKrxLKna5cZ2REBfFkh=="}, None, s3err.InvalidDigest, ""},
		{"wrong MD5", []string{"Content-Md5", "YUFAKrxLKna5cZ2REBfFkg=="}, None, s3err.BadDigest, "The Content-MD5 you specified"},
		{"no MD5", []string{"Content-Md5", ""}, None, s3err.InvalidDigest, ""},
		{"wrong CRC32", []string{"X-Amz-Checksum-Crc32", "AAAAAA=="}, CRC32, s3err.BadDigest, "The CRC32 you specified did not match the calculated checksum."},
		{"no CRC32", []string{"X-Amz-Checksum-Crc32", md5}, None, s3err.InvalidRequest, "Value for x-amz-checksum-crc32 header is invalid."},
		{"two", []string{"X-Amz-Checksum-Crc32", crc, "X-Amz-Checksum-Crc32c", crc}, None, s3err.InvalidRequest, "Expecting a single x-amz-checksum- header."},
		{"twice", []string{"X-Amz-Checksum-Crc32", crc, "X-Amz-Checksum-Crc32", crc}, None, s3err.InvalidRequest, "Expecting a single x-amz-checksum- header."},
		{"unknown", []string{"X-Amz-Checksum-Crc31", crc}, None, s3err.NotImplemented, ""},
		{"SDK without checksum", []string{sdk, "CRC32"}, None, s3err.InvalidRequest, "no corresponding"},
		{"SDK with another", []string{"X-Amz-Checksum-Crc32", crc, sdk, "SHA1"}, None, s3err.InvalidRequest, "Value for x-amz-sdk-checksum-algorithm header is invalid."},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, chosen, err := Body(request(strings.NewReader("hello"), c.headers...), SHA256)
			var got []byte
			if err == nil {
				got, err = io.ReadAll(body)
			}
			if c.code != "" {
				if !errors.Is(err, c.code) || !strings.Contains(err.Error(), c.message) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || string(got) != "hello" || chosen != c.chosen || !bytes.Equal(body.Sum(SHA256), sum(SHA256, got)) {
				t.Errorf("got %q, %v, %v", got, chosen, err)
			}
			if want := c.chosen; want != None && !bytes.Equal(body.Sum(want), sum(want, got)) {
				t.Errorf("sum %x", body.Sum(want))
			}
		})
	}
}

// TestReader: the EOF of a body that broke its promise is never seen, whichever
// way it comes, and Body joins a Reader that is there.
func TestReader(t *testing.T) {
	for _, src := range []io.Reader{strings.NewReader("hello"), iotest.DataErrReader(strings.NewReader("hello")), iotest.OneByteReader(strings.NewReader("hello"))} {
		r := NewReader(src)
		bad := errors.New("bad")
		r.Expect(SHA1, sum(SHA1, []byte("jello")), func([]byte) error { return bad })
		q := request(nil)
		q.Body = r
		joined, _, err := Body(q, MD5)
		if err != nil || joined != r {
			t.Fatalf("Body made another reader: %v", err)
		}
		if _, err := io.ReadAll(r); err != bad {
			t.Errorf("got %v", err)
		}
		if _, err := r.Read(make([]byte, 1)); err != bad {
			t.Errorf("then %v", err)
		}
	}
}

func TestTrailers(t *testing.T) {
	q := request(strings.NewReader("hello"))
	q.Trailer = http.Header{"X-Amz-Checksum-Crc32": nil}
	body, chosen, err := Body(q)
	if err != nil || chosen != CRC32 {
		t.Fatal(chosen, err)
	}
	q.Trailer.Set("X-Amz-Checksum-Crc32", "NhCmhg==") // as it comes
	if _, err := io.ReadAll(body); err != nil {
		t.Error(err)
	}
	for value, want := range map[string]Algorithm{"x-amz-checksum-sha256": SHA256, " X-Amz-Checksum-CRC64NVME": CRC64NVME, "x-amz-meta-a": None} {
		got, err := Trailer(http.Header{"X-Amz-Trailer": {value}})
		if got != want || (err == nil) != (want != None) {
			t.Errorf("%s: %v, %v", value, got, err)
		}
	}
	if got, err := Trailer(http.Header{}); got != None || err != nil {
		t.Error(got, err)
	}
}
