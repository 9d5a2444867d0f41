package namespace

// LifecycleRule is what the collector does by itself, once a day, to the objects
// of a bucket (S3: PutBucketLifecycleConfiguration, "Lifecycle configuration
// elements"). It takes the keys that have the prefix, all of the tags, and a
// size between the bounds. Days count as S3 counts them: from the next midnight
// UTC on.
type LifecycleRule struct {
	ID      string            `cbor:"1,keyasint,omitempty"`
	Enabled bool              `cbor:"2,keyasint,omitempty"`
	Prefix  string            `cbor:"3,keyasint,omitempty"`
	Tags    map[string]string `cbor:"4,keyasint,omitempty"`
	MinSize int64             `cbor:"5,keyasint,omitempty"` // bytes: only those that have as many (ObjectSizeGreaterThan and one)
	MaxSize int64             `cbor:"6,keyasint,omitempty"` // bytes: only smaller ones (ObjectSizeLessThan); 0: all

	// ExpireAfterDays, if not 0, and ExpireAt, if not 0, remove the current
	// object: in a versioned bucket a delete marker hides it.
	ExpireAfterDays int  `cbor:"7,keyasint,omitempty"`
	ExpireAt        Time `cbor:"8,keyasint,omitempty"`
	// ExpireDeleteMarkers removes markers behind which nothing is left.
	ExpireDeleteMarkers bool `cbor:"9,keyasint,omitempty"`
	// NoncurrentDays, if not 0, removes versions so long after they were
	// replaced, but for the newest KeepNewer.
	NoncurrentDays int `cbor:"10,keyasint,omitempty"`
	KeepNewer      int `cbor:"11,keyasint,omitempty"`
	// AbortDays, if not 0, aborts uploads so long after they were begun.
	AbortDays int `cbor:"12,keyasint,omitempty"`
}
