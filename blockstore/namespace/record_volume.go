package namespace

import (
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

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
