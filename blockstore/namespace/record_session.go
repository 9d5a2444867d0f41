package namespace

import "github.com/cairnfs/cairn/blockstore"

// SessionRecord is a running cairn process.
type SessionRecord struct {
	Stamp
	Host    string `cbor:"10,keyasint"`
	PID     int    `cbor:"11,keyasint"`
	Command string `cbor:"12,keyasint"`
	Started Time   `cbor:"13,keyasint"`
	Beat    Time   `cbor:"14,keyasint"` // last sign of life
}

// SessionsRecord lists the sessions on record, the oldest first.
type SessionsRecord struct {
	Stamp
	Live []blockstore.ID `cbor:"10,keyasint"`
}
