package namespace

import (
	"context"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// bucketCache saves decoding, as the node cache does: the store is always asked
// for the version.
type bucketCache struct {
	lru *lru.Cache[NodeID, cachedBucket]
}

type cachedBucket struct {
	version blockstore.Version
	record  *BucketRecord // shared: never changed
}

const cachedBuckets = 256

func newBucketCache() *bucketCache {
	return &bucketCache{lru: must(lru.New[NodeID, cachedBucket](cachedBuckets))}
}

// readBucket returns a bucket's record, which nobody may change; nil if the
// bucket is gone.
func (v *Volume) readBucket(ctx context.Context, id NodeID) (*BucketRecord, error) {
	key := bucketKey(id)
	value, version, err := v.store.Get(ctx, key)
	if err != nil || version.IsZero() {
		return nil, err
	}
	if c, ok := v.buckets.lru.Get(id); ok && c.version == version {
		return c.record, nil
	}
	b := new(BucketRecord)
	if err := decode(key, value, b); err != nil {
		return nil, err
	}
	v.buckets.lru.Add(id, cachedBucket{version, b})
	return b, nil
}
