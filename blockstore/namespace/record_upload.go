package namespace

// UploadRecord is a multipart upload; its id is the node id of its object.
type UploadRecord struct {
	Stamp
	Bucket  NodeID         `cbor:"10,keyasint"`
	Key     string         `cbor:"11,keyasint"`
	Started Time           `cbor:"12,keyasint"`
	User    string         `cbor:"13,keyasint,omitempty"`
	Object  *Object        `cbor:"14,keyasint,omitempty"`
	Parts   []UploadedPart `cbor:"15,keyasint,omitempty"`
}

// UploadedPart is one part that an upload has so far.
type UploadedPart struct {
	Part
	Uploaded Time     `cbor:"10,keyasint"`
	Content  Manifest `cbor:"11,keyasint"`
}
