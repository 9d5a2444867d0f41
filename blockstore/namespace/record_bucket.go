package namespace

// BucketRecord is what a bucket has beyond its directory's node.
type BucketRecord struct {
	Stamp
	Name       string            `cbor:"10,keyasint"`
	Owner      string            `cbor:"11,keyasint,omitempty"` // canonical id of the S3 user
	Created    Time              `cbor:"12,keyasint"`
	Versioning string            `cbor:"13,keyasint,omitempty"` // "", Enabled, Suspended
	ACL        []Grant           `cbor:"14,keyasint,omitempty"`
	Tags       map[string]string `cbor:"15,keyasint,omitempty"`
	Policy     []byte            `cbor:"16,keyasint,omitempty"` // JSON as it was put
	CORS       []byte            `cbor:"17,keyasint,omitempty"` // XML as it was put
	Lifecycle  []byte            `cbor:"18,keyasint,omitempty"` // XML as it was put
	Quota      int64             `cbor:"19,keyasint,omitempty"` // bytes; 0: none
	Rules      []LifecycleRule   `cbor:"20,keyasint,omitempty"` // what Lifecycle says, for the collector
}
