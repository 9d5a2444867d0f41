package checksum

import (
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// Type says what the checksum of an object of several parts is.
type Type uint8

// The types.
const (
	FullObject Type = iota // of the bytes of the object
	Composite              // of the checksums of its parts
)

// String is the value of x-amz-checksum-type.
func (t Type) String() string {
	if t == Composite {
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

// ParseType reads an x-amz-checksum-type; an empty one is the default of the
// algorithm. CreateMultipartUpload in the API reference has the table of what
// goes together.
func (a Algorithm) ParseType(s string) (Type, error) {
	crc := a == CRC32 || a == CRC32C || a == CRC64NVME
	switch {
	case s == "" && a == CRC64NVME:
		return FullObject, nil
	case s == "":
		return Composite, nil
	case strings.EqualFold(s, FullObject.String()):
		return FullObject, a.refuse(FullObject, crc)
	case strings.EqualFold(s, Composite.String()):
		return Composite, a.refuse(Composite, a != CRC64NVME)
	}
	return 0, s3err.Errorf(s3err.InvalidRequest, "Value for x-amz-checksum-type header is invalid.")
}

func (a Algorithm) refuse(t Type, possible bool) error {
	if possible {
		return nil
	}
	return s3err.Errorf(s3err.InvalidRequest, "The %s checksum type cannot be used with the %s checksum algorithm.",
		t, strings.ToLower(a.String()))
}

// Part is what a full-object checksum needs to know of a part.
type Part struct {
	Sum  []byte
	Size int64
}

// Compose is the composite checksum of parts: the checksum of their checksums. A
// client sees it with the number of parts behind it; see EncodeComposite.
func (a Algorithm) Compose(sums [][]byte) []byte {
	h := a.New()
	for _, s := range sums {
		h.Write(s)
	}
	return h.Sum(nil)
}

// EncodeComposite writes a composite checksum of n parts: "base64-n".
func EncodeComposite(sum []byte, n int) string { return fmt.Sprintf("%s-%d", Encode(sum), n) }

// Combine is the checksum of the parts' bytes in a row, which needs none of
// the bytes. Only a CRC can do that: Combine panics for another algorithm.
func (a Algorithm) Combine(parts []Part) []byte {
	var poly uint64
	switch a {
	case CRC32:
		poly = crc32.IEEE
	case CRC32C:
		poly = crc32.Castagnoli
	case CRC64NVME:
		poly = nvmePolynomial
	default:
		panic("checksum: " + a.String() + " can't be combined")
	}
	f := field{poly: poly, top: 1 << (8*a.Size() - 1)}
	var crc uint64
	for _, p := range parts {
		crc = f.times(f.shift(p.Size), crc) ^ bigEndian(p.Sum)
	}
	return appendBigEndian(make([]byte, 0, a.Size()), crc, a.Size())
}

// field is the polynomials over GF(2) modulo that of a CRC, whose bits are in
// reflected order: the top bit is that of x⁰. The CRC of a row of bytes A, B is
// crc(A)·x^(8·len(B)) + crc(B), for the CRCs here, that begin and end with the
// same inversion.
type field struct{ poly, top uint64 }

// times is a·b.
func (f field) times(a, b uint64) uint64 {
	var p uint64
	for bit := f.top; bit != 0; bit >>= 1 {
		if a&bit != 0 {
			p ^= b
		}
		carry := b & 1
		b >>= 1
		if carry != 0 {
			b ^= f.poly
		}
	}
	return p
}

// shift is x^(8·n).
func (f field) shift(n int64) uint64 {
	p, square := f.top, f.top>>8
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			p = f.times(p, square)
		}
		square = f.times(square, square)
	}
	return p
}

func bigEndian(b []byte) uint64 {
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

func appendBigEndian(b []byte, v uint64, n int) []byte {
	for i := n - 1; i >= 0; i-- {
		b = append(b, byte(v>>(8*i)))
	}
	return b
}
