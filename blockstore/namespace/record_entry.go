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

// entryTo is an entry that leads to one node.
func entryTo(id NodeID, kind Kind) *EntryRecord {
	if kind == Dir {
		return &EntryRecord{Dir: id}
	}
	return &EntryRecord{File: id, FileKind: kind}
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
