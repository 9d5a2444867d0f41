package namespace

// UserRecord is an S3 user, under its access key.
type UserRecord struct {
	Stamp
	Name        string `cbor:"10,keyasint"`
	CanonicalID string `cbor:"11,keyasint"`
	Secret      []byte `cbor:"12,keyasint"` // sealed with the volume's key file
	Disabled    bool   `cbor:"13,keyasint,omitempty"`
	UID         uint32 `cbor:"14,keyasint,omitempty"`
	GID         uint32 `cbor:"15,keyasint,omitempty"`
	Replication bool   `cbor:"16,keyasint,omitempty"`
	Admin       bool   `cbor:"17,keyasint,omitempty"`
	Created     Time   `cbor:"18,keyasint"`
}

// UserNameRecord keeps a user's name from being given twice.
type UserNameRecord struct {
	Stamp
	AccessKey string `cbor:"10,keyasint"`
}
