package checksum

import (
	"net/http"
	"strings"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// Body reads the body of a request, and checks what its headers and its trailer
// promise of it: Content-MD5 and one x-amz-checksum header ("Checking object
// integrity"). It also computes the algorithms in also. It returns the Reader, which
// takes the place of r.Body, and the algorithm that the client chose; None if it
// left that to the server.
//
// Not for a request whose x-amz-checksum header is of something else than its
// body: CompleteMultipartUpload.
func Body(r *http.Request, also ...Algorithm) (*Reader, Algorithm, error) {
	sent, err := Sent(r)
	if err != nil {
		return nil, None, err
	}
	body := reader(r)
	if err := body.expectMD5(r.Header); err != nil {
		return nil, None, err
	}
	switch {
	case sent.Sum != nil:
		body.Expect(sent.Algorithm, sent.Sum, sent.Algorithm.mismatch)
	case sent.Algorithm != None:
		body.ExpectTrailer(sent.Algorithm, r.Trailer)
	}
	body.Compute(also...)
	return body, sent.Algorithm, nil
}

// reader is the Reader that is the body, or becomes it.
func reader(r *http.Request) *Reader {
	if body, ok := r.Body.(*Reader); ok {
		return body
	}
	body := NewReader(r.Body)
	r.Body = body
	return body
}

// ExpectTrailer promises that the body has the checksum that its trailer
// names by then; before the first Read.
func (r *Reader) ExpectTrailer(a Algorithm, trailer http.Header) {
	r.expect(promise{a, func() ([]byte, error) {
		sum, ok := a.Decode(trailer.Get(a.Header()))
		if !ok {
			return nil, invalidValue(a)
		}
		return sum, nil
	}, a.mismatch})
}

func (r *Reader) expectMD5(h http.Header) error {
	values, ok := h[MD5.Header()]
	if !ok {
		return nil
	}
	sum, ok := MD5.Decode(values[0])
	if !ok {
		return s3err.New(s3err.InvalidDigest).With("Content-MD5", values[0])
	}
	r.Expect(MD5, sum, func(got []byte) error {
		return s3err.New(s3err.BadDigest).With("ExpectedDigest", values[0]).With("CalculatedDigest", Encode(got))
	})
	return nil
}

func (a Algorithm) mismatch([]byte) error {
	return s3err.Errorf(s3err.BadDigest, "The %s you specified did not match the calculated checksum.", a)
}

func invalidValue(a Algorithm) error {
	return s3err.Errorf(s3err.InvalidRequest, "Value for %s header is invalid.", strings.ToLower(a.Header()))
}

// Value is a checksum that a request names.
type Value struct {
	Algorithm Algorithm // None: the request names none
	Sum       []byte    // nil: it comes in the trailer
}

// Sent is the x-amz-checksum that a request has or announces. At most one is
// allowed, and an x-amz-sdk-checksum-algorithm must agree with it.
func Sent(r *http.Request) (Value, error) {
	if err := checkKnown(r.Header); err != nil {
		return Value{}, err
	}
	var v Value
	for _, a := range Algorithms() {
		values, inHeader := r.Header[a.Header()]
		_, inTrailer := r.Trailer[a.Header()]
		if !inHeader && !inTrailer {
			continue
		}
		if v.Algorithm != None || inHeader && inTrailer || len(values) > 1 {
			return Value{}, s3err.Errorf(s3err.InvalidRequest,
				"Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		v.Algorithm = a
		if inHeader {
			var ok bool
			if v.Sum, ok = a.Decode(values[0]); !ok {
				return Value{}, invalidValue(a)
			}
		}
	}
	return v, checkSDK(r.Header, v.Algorithm)
}

// checkKnown refuses a checksum that nobody here can check: to ignore it would
// be to break its promise.
func checkKnown(h http.Header) error {
	for name := range h {
		if !strings.HasPrefix(name, headerPrefix) || ParseHeader(name) != None {
			continue
		}
		switch name[len(headerPrefix):] {
		case "Algorithm", "Type", "Mode":
		default:
			return s3err.New(s3err.NotImplemented).With("Header", strings.ToLower(name))
		}
	}
	return nil
}

// checkSDK checks x-amz-sdk-checksum-algorithm, which says in advance which
// checksum the SDK sends.
func checkSDK(h http.Header, sent Algorithm) error {
	name := h.Get("X-Amz-Sdk-Checksum-Algorithm")
	switch announced := Parse(name); {
	case name == "":
		return nil
	case announced == None || sent != None && sent != announced:
		return s3err.Errorf(s3err.InvalidRequest, "Value for x-amz-sdk-checksum-algorithm header is invalid.")
	case sent == None && h.Get(MD5.Header()) == "":
		return s3err.Errorf(s3err.InvalidRequest, "x-amz-sdk-checksum-algorithm specified, but no corresponding "+
			"x-amz-checksum-* or x-amz-trailer headers were found.")
	}
	return nil
}

// Trailer is the algorithm of the checksum that an x-amz-trailer header
// announces; None without that header. Nothing else can come in a trailer.
func Trailer(h http.Header) (Algorithm, error) {
	values, ok := h["X-Amz-Trailer"]
	if !ok {
		return None, nil
	}
	a := None
	if len(values) == 1 {
		a = ParseHeader(strings.TrimSpace(values[0]))
	}
	if a == None {
		return None, s3err.Errorf(s3err.InvalidRequest, "The value specified in the x-amz-trailer header is not supported")
	}
	return a, nil
}
