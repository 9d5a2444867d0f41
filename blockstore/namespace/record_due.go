package namespace

import (
	"github.com/cairnfs/cairn/blockstore"
)

// DueRecord is work that the collector does at a time.
type DueRecord struct {
	Stamp
	// One of these is set.
	Drop    *Manifest `cbor:"10,keyasint,omitempty"` // a content that nobody has any more
	Expire  string    `cbor:"11,keyasint,omitempty"` // key of a history record
	Compact NodeID    `cbor:"12,keyasint"`           // a node with much dead or scattered
	// Remove: segments that are dying and whose leeway ends.
	Remove []blockstore.SegmentID `cbor:"13,keyasint,omitempty"`
}
