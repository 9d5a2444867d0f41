package namespace

import (
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

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

// OpenRecord is a node held open without a name.
type OpenRecord struct {
	Stamp
	// Key is the full key that its content is filed under at the last close.
	Key string `cbor:"10,keyasint"`
}

// SessionRecord is a running cairn process.
type SessionRecord struct {
	Stamp
	Host    string `cbor:"10,keyasint"`
	PID     int    `cbor:"11,keyasint"`
	Command string `cbor:"12,keyasint"`
	Started Time   `cbor:"13,keyasint"`
	Beat    Time   `cbor:"14,keyasint"` // last sign of life
}

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
}

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
}

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

// IntentRecord is a change that spans records on an engine without atomic
// changes, to be finished by whoever holds the duty lease.
type IntentRecord struct {
	Stamp
	Session blockstore.ID `cbor:"10,keyasint"`
	Begun   Time          `cbor:"11,keyasint"`
	Change  []byte        `cbor:"12,keyasint"`
}

// DueRecord is work that the collector does at a time.
type DueRecord struct {
	Stamp
	// One of these is set.
	Drop    *Manifest `cbor:"10,keyasint,omitempty"` // a content that nobody has any more
	Expire  string    `cbor:"11,keyasint,omitempty"` // key of a history record
	Compact NodeID    `cbor:"12,keyasint"`           // a node with much dead or scattered
	// Remove: segments that are dying and whose leeway ends.
	Remove []blockstore.SegmentID `cbor:"13,keyasint,omitempty"`
}

// Settings are those of a volume.
type Settings struct {
	// HistoryTime is how long replaced and removed content is kept in ordinary
	// buckets; 0: not at all.
	HistoryTime time.Duration
	// Leeway is how long a segment that nobody refers to is kept.
	Leeway time.Duration
	// BlockSize is the length of the blocks of new segments, in bytes: a
	// power of two from Granule to MaxBlock.
	BlockSize int
}

// VolumeRecord is the one record that makes a store a volume.
type VolumeRecord struct {
	Stamp
	ID       blockstore.ID `cbor:"10,keyasint"`
	Site     uint64        `cbor:"11,keyasint"`
	Created  Time          `cbor:"12,keyasint"`
	Settings Settings      `cbor:"13,keyasint"`
}
