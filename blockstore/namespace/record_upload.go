package namespace

// UploadRecord is a multipart upload under way; its id is the node id of its
// object-to-be.
type UploadRecord struct {
	Stamp
	Bucket  NodeID  `cbor:"10,keyasint"`
	Key     string  `cbor:"11,keyasint"`
	Started Time    `cbor:"12,keyasint"`
	User    string  `cbor:"13,keyasint,omitempty"`
	Object  *Object `cbor:"14,keyasint,omitempty"`
}

// PartRecord is one part of an upload. It has its content; when the upload is
// over, nobody reads it any more and the collector takes it.
type PartRecord struct {
	Stamp
	Part UploadedPart `cbor:"10,keyasint"`
}

// UploadedPart is one part that an upload has so far.
type UploadedPart struct {
	Part
	Uploaded Time     `cbor:"10,keyasint"`
	Content  Manifest `cbor:"11,keyasint"`
}
