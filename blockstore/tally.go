package blockstore

import "encoding/binary"

// Tally is the value of a record that Adds change: a few integers, each 0 until
// something was added. Field numbers are given by whoever owns the record.
type Tally []int64

// maxTallyFields bounds a tally, so that a corrupt one can't ask for memory.
const maxTallyFields = 256

// DecodeTally reads the value of a tally record; an empty value is an empty
// tally.
func DecodeTally(b []byte) (Tally, error) {
	var t Tally
	for len(b) > 0 {
		v, n := binary.Varint(b)
		if n <= 0 || len(t) == maxTallyFields {
			return nil, E("decode tally", "", Corrupt, nil)
		}
		t, b = append(t, v), b[n:]
	}
	return t, nil
}

// Encode is the inverse of DecodeTally. It never returns nil.
func (t Tally) Encode() []byte {
	b := make([]byte, 0, 4*len(t)+8)
	for _, v := range t {
		b = binary.AppendVarint(b, v)
	}
	return b
}

// Field is the value of a field, 0 if it was never added to.
func (t Tally) Field(f uint8) int64 {
	if int(f) >= len(t) {
		return 0
	}
	return t[f]
}

// Apply returns the tally with the addition carried out; it may reuse t.
func (t Tally) Apply(a Add) Tally {
	for int(a.Field) >= len(t) {
		t = append(t, 0)
	}
	switch a.Op {
	case Sum:
		t[a.Field] += a.Value
	case Max:
		t[a.Field] = max(t[a.Field], a.Value)
	}
	return t
}
