package namespace

import "github.com/cairnfs/cairn/blockstore"

// EntryRecord is one name in one directory. Both slots can be taken, for S3
// has `a` and `a/b` side by side; then the mount shows the directory under the
// plain name.
type EntryRecord struct {
	Stamp
	File     NodeID `cbor:"10,keyasint"`
	FileKind Kind   `cbor:"11,keyasint,omitempty"`
	Dir      NodeID `cbor:"12,keyasint"`
	// Seen is the version vector between sites.
	Seen map[uint64]uint64 `cbor:"13,keyasint,omitempty"`
}

// shown is the node that the plain name shows.
func (e *EntryRecord) shown() (NodeID, Kind) {
	if !e.Dir.IsZero() {
		return e.Dir, Dir
	}
	return e.File, e.FileKind
}

// at is the node that a name leads to: with beside the file, which is found so even
// when there is no directory any more beside which it was shown. For programs list
// names first and act on them afterwards. Zero: there is none.
func (e *EntryRecord) at(beside bool) (NodeID, Kind) {
	switch {
	case e == nil:
		return NodeID{}, 0
	case beside:
		return e.File, e.FileKind
	}
	return e.shown()
}

// both says whether both slots are taken.
func (e *EntryRecord) both() bool { return !e.Dir.IsZero() && !e.File.IsZero() }

// with is the entry with the slot of the kind taken by a node; e may be nil.
func (e *EntryRecord) with(id NodeID, kind Kind) *EntryRecord {
	c := new(EntryRecord)
	if e != nil {
		*c = *e
	}
	if kind == Dir {
		c.Dir = id
	} else {
		c.File, c.FileKind = id, kind
	}
	return c
}

// without is the entry with the slot of the kind free, nil if both are then.
func (e *EntryRecord) without(kind Kind) *EntryRecord {
	c := *e
	if kind == Dir {
		c.Dir = NodeID{}
	} else {
		c.File, c.FileKind = NodeID{}, 0
	}
	if id, _ := c.shown(); id.IsZero() {
		return nil
	}
	return &c
}

func decodeEntry(key string, value []byte) (*EntryRecord, error) {
	e := new(EntryRecord)
	if err := decode(key, value, e); err != nil {
		return nil, err
	}
	if id, _ := e.shown(); id.IsZero() {
		return nil, blockstore.E("decode", keyName(key), blockstore.Corrupt, nil)
	}
	return e, nil
}
