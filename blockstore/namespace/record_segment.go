package namespace

import (
	"slices"

	"github.com/cairnfs/cairn/blockstore"
)

// SegmentRecord says who refers to a segment. It is put before the segment's
// first block.
type SegmentRecord struct {
	Stamp
	// Writer is the session that may still append; when it is dead, nobody may.
	Writer blockstore.ID `cbor:"10,keyasint"`
	// BlockSize is the length of its full blocks, in bytes.
	BlockSize int `cbor:"11,keyasint"`
	// Blocks and Small bound the numbers that the writer may have used.
	Blocks uint32 `cbor:"12,keyasint,omitempty"`
	Small  uint32 `cbor:"13,keyasint,omitempty"`
	// Refs are the contents with extents in it. Without any it belongs to its
	// writer alone.
	Refs []Ref `cbor:"14,keyasint,omitempty"`
	// Dying: nobody may refer to it any more.
	Dying bool `cbor:"15,keyasint,omitempty"`
}

// Ref is a content that refers to a segment.
type Ref struct {
	_       struct{}      `cbor:",toarray"`
	Content blockstore.ID // of the manifest
	Owner   NodeID        // the node that it is, or was, of
}

// refers says whether the content is among the references.
func (s *SegmentRecord) refers(content blockstore.ID) bool {
	return slices.ContainsFunc(s.Refs, func(r Ref) bool { return r.Content == content })
}

// ownerOf is the node that a content which refers to the segment is, or was, of.
func (s *SegmentRecord) ownerOf(content blockstore.ID) NodeID {
	for _, r := range s.Refs {
		if r.Content == content {
			return r.Owner
		}
	}
	return NodeID{}
}

// drop removes the references of a content.
func (s *SegmentRecord) drop(content blockstore.ID) {
	s.Refs = slices.DeleteFunc(s.Refs, func(r Ref) bool { return r.Content == content })
}
