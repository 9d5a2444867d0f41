// Package checksum is the checksums of S3: the algorithms and how their values
// are written, what a request promises of its body, and how those of the parts
// of an upload make that of the object ("Checking object integrity" in the S3
// user guide).
//
// It reads bodies and headers; what is kept, and where, is up to the gateway. It
// imports the standard library and s3err only.
package checksum

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strings"
	"sync"
)

// Algorithm is one of the algorithms, or None.
type Algorithm uint8

// The algorithms. MD5 is that of Content-MD5 and ETag; it is not one that an
// x-amz-checksum header can have.
const (
	None Algorithm = iota
	CRC32
	CRC32C
	CRC64NVME
	SHA1
	SHA256
	MD5
	count
)

var names = [count]string{
	CRC32: "CRC32", CRC32C: "CRC32C", CRC64NVME: "CRC64NVME", SHA1: "SHA1", SHA256: "SHA256", MD5: "MD5",
}

var sizes = [count]int{CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32, MD5: 16}

const headerPrefix = "X-Amz-Checksum-"

// Algorithms returns those that a client can choose, in the order of the reference.
func Algorithms() []Algorithm { return []Algorithm{CRC32, CRC32C, CRC64NVME, SHA1, SHA256} }

// Parse finds the algorithm that a client named, in any case; None if there is
// none of that name.
func Parse(name string) Algorithm {
	for _, a := range Algorithms() {
		if strings.EqualFold(name, a.String()) {
			return a
		}
	}
	return None
}

// ParseHeader finds the algorithm of an x-amz-checksum header; None if that
// is not the name of one.
func ParseHeader(name string) Algorithm {
	if len(name) < len(headerPrefix) || !strings.EqualFold(name[:len(headerPrefix)], headerPrefix) {
		return None
	}
	return Parse(name[len(headerPrefix):])
}

// String is the name in XML and headers: "CRC32C".
func (a Algorithm) String() string { return names[a] }

// Header is the canonical name of the header that carries a value:
// "X-Amz-Checksum-Crc32c".
func (a Algorithm) Header() string {
	if a == MD5 {
		return "Content-Md5"
	}
	return headerPrefix + names[a][:1] + strings.ToLower(names[a][1:])
}

// Element is the name of the XML element that carries a value: "ChecksumCRC32C".
func (a Algorithm) Element() string { return "Checksum" + names[a] }

// Size is the length of a value in bytes.
func (a Algorithm) Size() int { return sizes[a] }

// castagnoli and nvme are made at the first use: a mount has no need of them.
var (
	castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })
	nvme       = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(nvmePolynomial) })
)

// nvmePolynomial is that of CRC-64/NVME, reflected.
const nvmePolynomial = 0x9a6c9329ac4bc9b5

// New returns a hash whose Sum is the value; nil for None.
func (a Algorithm) New() hash.Hash {
	switch a {
	case CRC32:
		return crc32.NewIEEE()
	case CRC32C:
		return crc32.New(castagnoli())
	case CRC64NVME:
		return crc64.New(nvme())
	case SHA1:
		return sha1.New()
	case SHA256:
		return sha256.New()
	case MD5:
		return md5.New()
	}
	return nil
}

// Encode writes a value as headers and XML have it.
func Encode(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }

// Decode reads a value; false if it is not one of this algorithm.
func (a Algorithm) Decode(s string) ([]byte, bool) {
	sum, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(sum) != a.Size() || strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	return sum, true
}
