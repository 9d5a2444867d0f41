package namespace

import (
	"github.com/cairnfs/cairn/blockstore"
)

// IntentRecord is a change that spans records on an engine without atomic
// changes, to be finished by whoever holds the duty lease.
type IntentRecord struct {
	Stamp
	Session blockstore.ID `cbor:"10,keyasint"`
	Begun   Time          `cbor:"11,keyasint"`
	Change  []byte        `cbor:"12,keyasint"`
}
