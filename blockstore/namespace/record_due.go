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
	// Release: a file without a name that another session may have open; Key is
	// the full key that it had.
	Release NodeID `cbor:"14,keyasint"`
	Key     string `cbor:"15,keyasint,omitempty"`
	// Parts: an upload that is over, whose parts go. Uploads: a bucket that is
	// gone, whose uploads go.
	Parts   NodeID `cbor:"17,keyasint"`
	Uploads NodeID `cbor:"18,keyasint"`
	// By is the session that the work is left to while it lives; zero: any.
	By blockstore.ID `cbor:"16,keyasint"`
}
