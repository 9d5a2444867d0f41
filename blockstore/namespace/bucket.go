package namespace

import (
	"context"
	"errors"
	"net/netip"
	"regexp"

	"github.com/cairnfs/cairn/blockstore"
)

// Bucket is a top-level directory.
type Bucket struct {
	ID      NodeID
	Name    string
	UID     uint32
	GID     uint32
	Mode    uint32
	Created Time
	Bytes   int64 // of its files
	Files   int64
}

// S3: "Bucket naming rules" for general purpose buckets.
var bucketLabels = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

var errBucketName = errors.New("a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens, with a letter or digit at both ends and beside each dot, and is no IP address")

func validBucketName(name string) bool {
	_, notAddress := netip.ParseAddr(name)
	return len(name) >= 3 && len(name) <= 63 && bucketLabels.MatchString(name) && notAddress != nil
}

// newBucket makes what a directory in the root has beyond other directories.
func (tx *tx) newBucket(name string, id NodeID, n *Node) error {
	if n.Kind != Dir {
		return blockstore.E("create", name, blockstore.Permission, errors.New("only buckets are in the root"))
	}
	if !validBucketName(name) {
		return blockstore.E("create bucket", name, blockstore.Invalid, errBucketName)
	}
	n.Bucket = id
	tx.put(bucketKey(id), &BucketRecord{Name: name, Created: tx.now})
	return nil
}

// CreateBucket makes a bucket; n gives owner, group and mode of its directory.
func (v *Volume) CreateBucket(ctx context.Context, name string, n NewNode) (Bucket, error) {
	n.Kind = Dir
	if _, err := v.own.Make(ctx, RootID, name, n); err != nil {
		return Bucket{}, err
	}
	return v.Bucket(ctx, name)
}

// RemoveBucket removes an empty bucket: NotEmpty if it has entries.
func (v *Volume) RemoveBucket(ctx context.Context, name string) error {
	return v.own.Rmdir(ctx, RootID, name)
}

// BucketID finds a bucket's directory by the bucket's name.
func (v *Volume) BucketID(ctx context.Context, name string) (NodeID, error) {
	id, err := v.lookup(ctx, RootID, name)
	if err != nil {
		return NodeID{}, blockstore.E("find bucket", name, blockstore.Other, err)
	}
	return id, nil
}

// Bucket finds a bucket by its name.
func (v *Volume) Bucket(ctx context.Context, name string) (Bucket, error) {
	id, err := v.BucketID(ctx, name)
	if err != nil {
		return Bucket{}, err
	}
	return v.bucket(ctx, id)
}

func (v *Volume) bucket(ctx context.Context, id NodeID) (Bucket, error) {
	n, _, err := v.readNode(ctx, id)
	if err != nil {
		return Bucket{}, err
	}
	t, err := v.tally(ctx, usageKey(id))
	if err != nil {
		return Bucket{}, err
	}
	return Bucket{
		ID: id, Name: n.Name, UID: n.UID, GID: n.GID, Mode: n.Mode, Created: n.Btime,
		Bytes: t.Field(usageBytes), Files: t.Field(usageFiles),
	}, nil
}

// Buckets lists them in the order of their names.
func (v *Volume) Buckets(ctx context.Context) ([]Bucket, error) {
	var all []Bucket
	for r, err := range v.store.Scan(ctx, entryKey(RootID, ""), "") {
		if err != nil {
			return nil, err
		}
		e, err := decodeEntry(r.Key, r.Value)
		if err != nil {
			return nil, err
		}
		b, err := v.bucket(ctx, e.Dir)
		if blockstore.KindOf(err) == blockstore.Stale {
			continue // just removed
		}
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// renameBucket keeps a bucket's record with its directory's new name.
func (tx *tx) renameBucket(id NodeID, name string) error {
	if !validBucketName(name) {
		return blockstore.E("rename bucket to", name, blockstore.Invalid, errBucketName)
	}
	value, _, err := tx.Get(bucketKey(id))
	if err != nil {
		return err
	}
	var b BucketRecord
	if err := decode(bucketKey(id), value, &b); err != nil {
		return err
	}
	b.Name = name
	tx.put(bucketKey(id), &b)
	return nil
}
