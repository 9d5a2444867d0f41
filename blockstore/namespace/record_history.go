package namespace

import "github.com/cairnfs/cairn/blockstore"

// HistoryRecord is a replaced or removed content of a key.
type HistoryRecord struct {
	Stamp
	ID      NodeID `cbor:"10,keyasint"`           // the node that it was; of a marker its version id
	Node    *Node  `cbor:"11,keyasint,omitempty"` // nil: a delete marker
	Removed Time   `cbor:"12,keyasint"`           // when it stopped being the current one
	Key     string `cbor:"13,keyasint"`           // the full key below the bucket
	// Expires is when the collector takes it; 0: never (a versioned bucket).
	Expires Time `cbor:"14,keyasint,omitempty"`
	Marker  bool `cbor:"15,keyasint,omitempty"`
	// By is the door that replaced or removed it, for people.
	By string `cbor:"16,keyasint,omitempty"`
}

// isVersion says whether it is a version of a versioned bucket's key, and not
// what an ordinary bucket keeps for a while.
func (h *HistoryRecord) isVersion() bool { return h.Expires == 0 }

// version is the version id; zero: "null".
func (h *HistoryRecord) version() blockstore.ID {
	if h.Marker {
		return h.ID
	}
	return h.Node.Version
}

func decodeHistory(key string, value []byte, h *HistoryRecord) error {
	if err := decode(key, value, h); err != nil {
		return err
	}
	if h.Node == nil && !h.Marker {
		return blockstore.E("decode", keyName(key), blockstore.Corrupt, nil)
	}
	return nil
}
