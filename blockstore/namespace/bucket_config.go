package namespace

import (
	"context"
	"maps"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
)

// The states of a bucket's versioning.
const (
	VersioningEnabled   = "Enabled"
	VersioningSuspended = "Suspended"
)

// BucketConfig returns what a bucket has beyond its directory, which the caller
// may change: it is a copy. Stale if the bucket is gone.
func (v *Volume) BucketConfig(ctx context.Context, bucket NodeID) (BucketRecord, error) {
	b, err := v.readBucket(ctx, bucket)
	if err != nil {
		return BucketRecord{}, err
	}
	if b == nil {
		return BucketRecord{}, blockstore.E("find", keyName(bucketKey(bucket)), blockstore.Stale, nil)
	}
	c := *b
	c.Tags, c.ACL = maps.Clone(b.Tags), slices.Clone(b.ACL)
	return c, nil
}

func decodeBucket(key string, value []byte, version blockstore.Version) (BucketRecord, error) {
	var b BucketRecord
	if version.IsZero() {
		return b, blockstore.E("find", keyName(key), blockstore.Stale, nil)
	}
	return b, decode(key, value, &b)
}

// SetBucketConfig lets fn change what a bucket has beyond its directory, but for
// its name and when it was made, durably. Versioning that was once enabled can
// only be suspended.
func (v *Volume) SetBucketConfig(ctx context.Context, bucket NodeID, fn func(*BucketRecord) error) error {
	return v.own.update(ctx, blockstore.Sync, func(tx *tx) error {
		key := bucketKey(bucket)
		value, version, err := tx.Get(key)
		if err != nil {
			return err
		}
		old, err := decodeBucket(key, value, version)
		if err != nil {
			return err
		}
		b := old
		b.Tags, b.ACL = maps.Clone(old.Tags), slices.Clone(old.ACL)
		if err := fn(&b); err != nil {
			return err
		}
		if err := b.check(&old); err != nil {
			return err
		}
		b.Name, b.Created = old.Name, old.Created
		tx.put(key, &b)
		tx.Event(key)
		return nil
	})
}

func (b *BucketRecord) check(old *BucketRecord) error {
	switch b.Versioning {
	case VersioningEnabled, VersioningSuspended:
		return nil
	case old.Versioning:
		return nil
	}
	return blockstore.E("configure bucket", old.Name, blockstore.Invalid, nil)
}
