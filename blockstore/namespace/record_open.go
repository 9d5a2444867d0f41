package namespace

// OpenRecord is a node held open without a name.
type OpenRecord struct {
	Stamp
	// Key is the full key that its content is filed under at the last close.
	Key string `cbor:"10,keyasint,omitempty"`
	// Draft is a content that the session is making, before it has a place.
	Draft *Manifest `cbor:"11,keyasint,omitempty"`
}
