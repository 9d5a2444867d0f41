package gatewaylite

import (
	"net/http"
	"strings"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/checksum"
)

// An object keeps its checksums by the name of the algorithm, in the form in
// which clients see them: of the bytes in base64, or of the parts' checksums with -N
// behind it.

const checksumType = "X-Amz-Checksum-Type"

func storedSums(a checksum.Algorithm, sum []byte) map[string]string {
	if a == checksum.None || sum == nil {
		return nil
	}
	return map[string]string{a.String(): checksum.Encode(sum)}
}

func sumsType(value string) checksum.Type {
	if strings.Contains(value, "-") { // which base64 has not
		return checksum.Composite
	}
	return checksum.FullObject
}

// setSums writes checksums into headers.
func setSums(h http.Header, sums map[string]string) {
	for _, a := range checksum.Algorithms() {
		if v := sums[a.String()]; v != "" {
			h.Set(a.Header(), v)
			h.Set(checksumType, sumsType(v).String())
		}
	}
}

// sums writes checksums into a document, with or without their type.
func (d *document) sums(sums map[string]string, typed bool) {
	kind := ""
	for _, a := range checksum.Algorithms() {
		if v := sums[a.String()]; v != "" {
			d.text(a.Element(), v)
			kind = sumsType(v).String()
		}
	}
	if typed {
		d.some("ChecksumType", kind)
	}
}

func sumsOf(info *namespace.ObjectInfo) map[string]string {
	if info.Object == nil {
		return nil
	}
	return info.Object.Checksums
}

// setReadSums tells the checksums to who asked for them. Those of a range
// nobody knows, unless it is a part.
func (q *request) setReadSums(info *namespace.ObjectInfo, s span) {
	if !strings.EqualFold(q.r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		return
	}
	parts := partsOf(info)
	switch {
	case s.part > 0 && s.part <= len(parts):
		for name, v := range parts[s.part-1].Checksums {
			q.w.Header().Set(checksum.Parse(name).Header(), v)
		}
		if kind := sumKind(info); kind != "" {
			q.w.Header().Set(checksumType, kind)
		}
	case !s.partial || s.n == info.Attr.Size:
		setSums(q.w.Header(), sumsOf(info))
	}
}

// sumNames are the algorithms of the checksums that an object has.
func sumNames(info *namespace.ObjectInfo) []string {
	if info.Object == nil || len(info.Object.Checksums) == 0 {
		return nil
	}
	var names []string
	for _, a := range checksum.Algorithms() {
		if info.Object.Checksums[a.String()] != "" {
			names = append(names, a.String())
		}
	}
	return names
}

// sumKind is the type of the checksums that an object has; empty if it has none.
func sumKind(info *namespace.ObjectInfo) string {
	if names := sumNames(info); len(names) > 0 {
		return sumsType(info.Object.Checksums[names[0]]).String()
	}
	return ""
}
