package namespace

import (
	"context"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// decodedCache saves decoding, as the node cache does: it keeps records by key and
// version. The store is always asked for the version, so it is never stale.
type decodedCache[K comparable, R any] struct {
	lru *lru.Cache[K, decodedRecord[R]]
}

type decodedRecord[R any] struct {
	version blockstore.Version
	record  *R // shared: never changed
}

const (
	cachedBuckets = 256
	cachedEntries = 1 << 14 // each takes some 250 bytes
)

func newDecodedCache[K comparable, R any](size int) decodedCache[K, R] {
	return decodedCache[K, R]{must(lru.New[K, decodedRecord[R]](size))}
}

// get returns the record under k in a version, which it decodes if it must.
func (c decodedCache[K, R]) get(k K, version blockstore.Version, decode func() (*R, error)) (*R, error) {
	if d, ok := c.lru.Get(k); ok && d.version == version {
		return d.record, nil
	}
	r, err := decode()
	if err == nil {
		c.lru.Add(k, decodedRecord[R]{version, r})
	}
	return r, err
}

// readBucket returns a bucket's record, which nobody may change; nil if the
// bucket is gone.
func (v *Volume) readBucket(ctx context.Context, id NodeID) (*BucketRecord, error) {
	key := bucketKey(id)
	value, version, err := v.store.Get(ctx, key)
	if err != nil || version.IsZero() {
		return nil, err
	}
	return v.buckets.get(id, version, func() (*BucketRecord, error) {
		b := new(BucketRecord)
		return b, decode(key, value, b)
	})
}

// decodedEntry is decodeEntry of what was just read; nobody may change it.
func (v *Volume) decodedEntry(key string, value []byte, version blockstore.Version) (*EntryRecord, error) {
	return v.entries.get(key, version, func() (*EntryRecord, error) { return decodeEntry(key, value) })
}
