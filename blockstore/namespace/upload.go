package namespace

import (
	"context"
	"iter"

	"github.com/cairnfs/cairn/blockstore"
)

// A multipart upload is a record under its bucket and key, and a record of each
// part, which has the part's content. Whatever is done to it depends on the
// upload's record, and the change that ends the upload deletes that: so exactly
// one of racing ends wins, and a part is in time or refused. The parts' records
// are left to the collector, for they may be thousands.

// Upload is a multipart upload under way.
type Upload struct {
	ID      string // 32 hexadecimal digits: the node id of the object-to-be
	Bucket  NodeID
	Key     string
	User    string
	Started Time
	Object  *Object // what the object will have: headers, metadata, tags, ACL
}

// BeginUpload begins an upload to a key, durably (S3 CreateMultipartUpload). ID
// and Started are set by it.
func (d *Door) BeginUpload(ctx context.Context, u Upload) (Upload, error) {
	id := blockstore.NewID()
	key := uploadKey(u.Bucket, u.Key, id)
	if err := checkKey(u.Key); err != nil {
		return Upload{}, err
	}
	if len(key) > blockstore.MaxKey {
		return Upload{}, blockstore.E("begin upload", u.Key, blockstore.NameTooLong, nil)
	}
	u.ID = id.String()
	err := d.update(ctx, blockstore.Sync, func(tx *tx) error {
		// The removal of the bucket ends all its uploads.
		_, version, err := tx.Get(bucketKey(u.Bucket))
		if err == nil && version.IsZero() {
			err = blockstore.E("begin upload", u.Key, blockstore.NotFound, nil)
		}
		if err != nil {
			return err
		}
		u.Started = tx.now
		tx.put(key, &UploadRecord{Bucket: u.Bucket, Key: u.Key, Started: u.Started, User: u.User, Object: u.Object})
		return nil
	})
	return u, err
}

// Upload finds an upload under way: NotFound if there is none of that id for the
// key.
func (v *Volume) Upload(ctx context.Context, bucket NodeID, key, id string) (Upload, error) {
	none := blockstore.E("find upload", id, blockstore.NotFound, nil)
	node, err := blockstore.ParseID(id)
	if err != nil || len(uploadKey(bucket, key, node)) > blockstore.MaxKey {
		return Upload{}, none
	}
	value, version, err := v.store.Get(ctx, uploadKey(bucket, key, node))
	if err != nil {
		return Upload{}, err
	}
	if version.IsZero() {
		return Upload{}, none
	}
	return decodeUpload(uploadKey(bucket, key, node), value)
}

func decodeUpload(key string, value []byte) (Upload, error) {
	var rec UploadRecord
	if err := decode(key, value, &rec); err != nil {
		return Upload{}, err
	}
	var id NodeID
	copy(id[:], key[len(key)-len(id):])
	return Upload{
		ID: id.String(), Bucket: rec.Bucket, Key: rec.Key, User: rec.User, Started: rec.Started, Object: rec.Object,
	}, nil
}

// ListUploads yields the uploads to keys with a prefix, in the order of their
// keys, those to one key in the order of their start: those to keys after
// keyMarker, and with idMarker also those to keyMarker with greater ids (S3
// ListMultipartUploads).
func (v *Volume) ListUploads(ctx context.Context, bucket NodeID, prefix, keyMarker, idMarker string) iter.Seq2[Upload, error] {
	return func(yield func(Upload, error) bool) {
		for r, err := range v.store.Scan(ctx, uploadPrefix(bucket, prefix), uploadsAfter(bucket, keyMarker, idMarker)) {
			var u Upload
			if err == nil {
				u, err = decodeUpload(r.Key, r.Value)
			}
			if !yield(u, err) || err != nil {
				return
			}
		}
	}
}

// uploadsAfter is the record key to go on after.
func uploadsAfter(bucket NodeID, keyMarker, idMarker string) string {
	if keyMarker == "" {
		return ""
	}
	if id, err := blockstore.ParseID(idMarker); err == nil {
		return uploadKey(bucket, keyMarker, id)
	}
	const pastIDs = "\x00\xfe" // those begin with a time
	return uploadPrefix(bucket, keyMarker) + pastIDs
}

// upload makes the change depend on an upload being under way; NotFound if it is
// not.
func (tx *tx) upload(u Upload) (NodeID, error) {
	id, err := blockstore.ParseID(u.ID)
	if err != nil {
		return id, blockstore.E("find upload", u.ID, blockstore.NotFound, nil)
	}
	_, version, err := tx.Get(uploadKey(u.Bucket, u.Key, id))
	if err == nil && version.IsZero() {
		err = blockstore.E("find upload", u.ID, blockstore.NotFound, nil)
	}
	return id, err
}

// endUpload ends an upload; its parts go to the collector.
func (tx *tx) endUpload(u Upload, id NodeID) {
	tx.Delete(uploadKey(u.Bucket, u.Key, id))
	tx.due(tx.now, &DueRecord{Parts: id})
}

// AbortUpload gives an upload up, durably (S3 AbortMultipartUpload): NotFound if
// it is not under way.
func (d *Door) AbortUpload(ctx context.Context, u Upload) error {
	return d.update(ctx, blockstore.Sync, func(tx *tx) error {
		id, err := tx.upload(u)
		if err == nil {
			tx.endUpload(u, id)
		}
		return err
	})
}
