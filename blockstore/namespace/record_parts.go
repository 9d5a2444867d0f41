package namespace

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
)

// PartList is the parts of an object in order. Encoded it is a few bytes beyond
// its checksums for each part, for a node's record must hold 10,000.
type PartList []Part

// partListWire has the numbers and sizes as differences to those before, and all
// ETags and the checksums of each algorithm one after the other. Odd are the
// parts that are not alike; then the rest is empty.
type partListWire struct {
	_          struct{} `cbor:",toarray"`
	Numbers    []int64
	Sizes      []int64
	ETags      []byte
	Algorithms []string
	Sums       [][]byte
	Odd        []Part
}

var errParts = errors.New("parts make no sense")

// MarshalCBOR encodes the list.
func (l PartList) MarshalCBOR() ([]byte, error) {
	w, ok := l.wire()
	if !ok {
		w = partListWire{Odd: l}
	}
	return encMode.Marshal(&w)
}

// wire is false if the parts are not alike: each with an MD5 as its ETag, and
// with the same kinds of checksums.
func (l PartList) wire() (w partListWire, ok bool) {
	var before Part
	for i, p := range l {
		w.Numbers = append(w.Numbers, int64(p.Number-before.Number))
		w.Sizes = append(w.Sizes, p.Size-before.Size)
		tag, err := hex.DecodeString(p.ETag)
		if err != nil || len(tag) != 16 || hex.EncodeToString(tag) != p.ETag {
			return w, false
		}
		w.ETags = append(w.ETags, tag...)
		if i == 0 {
			w.Algorithms = slices.Sorted(maps.Keys(p.Checksums))
			w.Sums = make([][]byte, len(w.Algorithms))
		}
		if !w.addSums(p.Checksums, i) {
			return w, false
		}
		before = p
	}
	return w, true
}

// addSums appends the checksums of the part with an index.
func (w *partListWire) addSums(sums map[string]string, index int) bool {
	if len(sums) != len(w.Algorithms) {
		return false
	}
	for i, name := range w.Algorithms {
		sum, err := base64.StdEncoding.DecodeString(sums[name])
		if err != nil || len(sum) == 0 || base64.StdEncoding.EncodeToString(sum) != sums[name] ||
			len(w.Sums[i]) != index*len(sum) {
			return false
		}
		w.Sums[i] = append(w.Sums[i], sum...)
	}
	return true
}

// UnmarshalCBOR decodes a list and checks that it makes sense.
func (l *PartList) UnmarshalCBOR(b []byte) error {
	var w partListWire
	if err := decMode.Unmarshal(b, &w); err != nil {
		return err
	}
	n := len(w.Numbers)
	if len(w.Sizes) != n || len(w.ETags) != 16*n || len(w.Sums) != len(w.Algorithms) || n > 0 && len(w.Odd) > 0 {
		return errParts
	}
	list := make(PartList, n)
	var before Part
	for i := range list {
		p := Part{
			Number: before.Number + int(w.Numbers[i]), Size: before.Size + w.Sizes[i],
			ETag: hex.EncodeToString(w.ETags[16*i:][:16]),
		}
		if err := w.sums(&p, i, n); err != nil {
			return err
		}
		list[i], before = p, p
	}
	if *l = append(list, w.Odd...); len(*l) == 0 {
		*l = nil // as it was before
	}
	return nil
}

// sums gives a part its checksums.
func (w *partListWire) sums(p *Part, index, count int) error {
	for i, name := range w.Algorithms {
		size := len(w.Sums[i]) / count
		if size*count != len(w.Sums[i]) || size == 0 {
			return errParts
		}
		if p.Checksums == nil {
			p.Checksums = make(map[string]string, len(w.Algorithms))
		}
		p.Checksums[name] = base64.StdEncoding.EncodeToString(w.Sums[i][size*index:][:size])
	}
	return nil
}
