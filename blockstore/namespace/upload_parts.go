package namespace

import (
	"context"
	"errors"
	"iter"

	"github.com/cairnfs/cairn/blockstore"
)

// MaxParts is how many parts an upload has at the most (S3: "Amazon S3 multipart
// upload limits").
const MaxParts = 10_000

// PutPart makes a content a part of an upload, durably, in the place of one of
// that number before (S3 UploadPart, UploadPartCopy). NotFound if the upload is
// not under way: then the content is still the caller's to abort.
func (d *Door) PutPart(ctx context.Context, u Upload, number int, c *Content, p Part) (UploadedPart, error) {
	if number < 1 || number > MaxParts {
		return UploadedPart{}, blockstore.E("put part", u.Key, blockstore.Invalid, errors.New("part number out of range"))
	}
	content := c.n.base.Content.ID
	var part UploadedPart
	err := c.commit(ctx, blockstore.Sync, func(tx *tx, cm *commit) error {
		id, err := tx.upload(u)
		if err != nil {
			return err
		}
		old, err := tx.part(id, number)
		if err != nil {
			return err
		}
		if old != nil && old.Content.ID == content {
			part = *old // it was done before, and the reply was lost
			return nil
		}
		tx.put(partKey(id, number), &PartRecord{}) // it decides the change
		m, err := cm.manifest(tx)
		if err != nil {
			return err
		}
		p.Number, p.Size = number, m.Size
		part = UploadedPart{Part: p, Uploaded: tx.now, Content: *m}
		tx.put(partKey(id, number), &PartRecord{Part: part})
		if old != nil {
			tx.drop(&old.Content)
		}
		return nil
	})
	return part, err
}

// part reads a part; nil if there is none.
func (tx *tx) part(upload NodeID, number int) (*UploadedPart, error) {
	key := partKey(upload, number)
	value, version, err := tx.Get(key)
	if err != nil || version.IsZero() {
		return nil, err
	}
	var rec PartRecord
	err = decode(key, value, &rec)
	return &rec.Part, err
}

// ListParts yields the parts of an upload with numbers greater than after, in
// their order (S3 ListParts).
func (v *Volume) ListParts(ctx context.Context, u Upload, after int) iter.Seq2[UploadedPart, error] {
	return func(yield func(UploadedPart, error) bool) {
		id, err := blockstore.ParseID(u.ID)
		if err != nil {
			yield(UploadedPart{}, blockstore.E("find upload", u.ID, blockstore.NotFound, nil))
			return
		}
		for rec, err := range v.parts(ctx, id, after) {
			if !yield(rec.Part, err) || err != nil {
				return
			}
		}
	}
}

func (v *Volume) parts(ctx context.Context, upload NodeID, after int) iter.Seq2[PartRecord, error] {
	return func(yield func(PartRecord, error) bool) {
		for r, err := range v.store.Scan(ctx, idKey(prefixPart, upload), partKey(upload, after)) {
			var rec PartRecord
			if err == nil {
				err = decode(r.Key, r.Value, &rec)
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// partsAtOnce bounds the parts that the collector takes in one change.
const partsAtOnce = 256

// dropParts takes the parts of an upload that is over. What was made of them has
// references of its own.
func (v *Volume) dropParts(ctx context.Context, w work) (Collected, error) {
	var done Collected
	for {
		var contents []*Manifest
		var keys []string
		refs := 0
		for rec, err := range v.parts(ctx, w.Parts, 0) {
			if err != nil {
				return done, err
			}
			m := rec.Part.Content
			contents, keys = append(contents, &m), append(keys, partKey(w.Parts, rec.Part.Number))
			if refs += len(m.Segments); len(contents) == partsAtOnce || refs >= droppedAtOnce {
				break
			}
		}
		if len(contents) == 0 {
			break
		}
		more, err := v.dropSome(ctx, contents, keys, w.Parts)
		done.add(more)
		if err != nil {
			return done, err
		}
	}
	return done, v.doneWith(ctx, w.key)
}

// dropUploads ends the uploads of a bucket that is gone.
func (v *Volume) dropUploads(ctx context.Context, w work) error {
	for u, err := range v.ListUploads(ctx, w.Uploads, "", "", "") {
		if err == nil {
			err = v.own.AbortUpload(ctx, u)
		}
		if err != nil && blockstore.KindOf(err) != blockstore.NotFound {
			return err
		}
	}
	return v.doneWith(ctx, w.key)
}

func (v *Volume) doneWith(ctx context.Context, due string) error {
	return v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		tx.Delete(due)
		return nil
	})
}
