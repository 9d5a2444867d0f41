package namespace

// HistoryRecord is a replaced or removed content of a key.
type HistoryRecord struct {
	Stamp
	ID      NodeID `cbor:"10,keyasint"`
	Node    *Node  `cbor:"11,keyasint,omitempty"` // nil: a delete marker
	Removed Time   `cbor:"12,keyasint"`           // when it stopped being the current one
	Key     string `cbor:"13,keyasint"`           // the full key below the bucket
	// Expires is when the collector takes it; 0: never (a versioned bucket).
	Expires Time `cbor:"14,keyasint,omitempty"`
	Marker  bool `cbor:"15,keyasint,omitempty"`
}
