package namespace

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
)

// completions is how often a completion begins again because parts were replaced
// meanwhile.
const completions = 16

// CompleteUpload joins parts of an upload to the object of its key, in one
// change, as durable as p asks or more, and moves no data (S3
// CompleteMultipartUpload). choose is given what was uploaded and returns the
// numbers of the parts in their order and what S3 is to say of the object; its
// error is returned as it is. It may be asked again, and so may p.If; p.Object is
// not used. A repeat after success gives the same success, as long as the object
// is there; NotFound if there is no such upload. If it fails, the upload is still
// under way.
func (d *Door) CompleteUpload(ctx context.Context, u Upload, choose func(parts map[int]UploadedPart) ([]int, *Object, error), p PutKey) (ObjectInfo, error) {
	p.Durability = blockstore.Sync
	for range completions {
		parts, err := d.v.uploaded(ctx, u)
		if blockstore.KindOf(err) == blockstore.NotFound {
			return d.completed(ctx, u)
		}
		if err != nil {
			return ObjectInfo{}, err
		}
		numbers, object, err := choose(parts)
		if err != nil {
			return ObjectInfo{}, err
		}
		chosen := make([]UploadedPart, len(numbers))
		for i, n := range numbers {
			if chosen[i] = parts[n]; chosen[i].Number != n || n == 0 {
				return ObjectInfo{}, blockstore.E("complete upload", u.Key, blockstore.Invalid, fmt.Errorf("there is no part %d", n))
			}
		}
		p.Object = object
		info, err := d.join(ctx, u, chosen, p)
		if !errors.Is(err, errMoved) {
			return info, err
		}
	}
	return ObjectInfo{}, blockstore.E("complete upload", u.Key, blockstore.Busy, nil)
}

// uploaded are the parts of an upload under way.
func (v *Volume) uploaded(ctx context.Context, u Upload) (map[int]UploadedPart, error) {
	parts := make(map[int]UploadedPart)
	for p, err := range v.ListParts(ctx, u, 0) {
		if err != nil {
			return nil, err
		}
		parts[p.Number] = p
	}
	// Only after that: the parts of an upload that is over are on their way out.
	_, err := v.Upload(ctx, u.Bucket, u.Key, u.ID)
	return parts, err
}

// completed is the object that an upload became, if it is there. It is durable.
func (d *Door) completed(ctx context.Context, u Upload) (ObjectInfo, error) {
	none := blockstore.E("complete upload", u.Key, blockstore.NotFound, nil)
	id, err := blockstore.ParseID(u.ID)
	if err != nil {
		return ObjectInfo{}, none
	}
	n, _, err := d.v.readNode(ctx, id)
	if blockstore.KindOf(err) == blockstore.Stale || err == nil && n.Links == 0 {
		return ObjectInfo{}, none
	}
	if err == nil {
		err = d.Sync(ctx)
	}
	if err != nil {
		return ObjectInfo{}, err
	}
	versioning, err := d.v.versioning(ctx, u.Bucket)
	return objectInfo(u.Key, id, n, versioning), err
}

// join makes the object of parts; errMoved if they are not the upload's any more.
func (d *Door) join(ctx context.Context, u Upload, parts []UploadedPart, p PutKey) (ObjectInfo, error) {
	id, err := blockstore.ParseID(u.ID)
	if err != nil {
		return ObjectInfo{}, err
	}
	versioning, err := d.v.versioning(ctx, u.Bucket)
	if err != nil {
		return ObjectInfo{}, err
	}
	c := d.newContent(ctx, id, blockstore.NewID())
	var node *Node
	err = c.joinParts(ctx, id, parts)
	if err == nil {
		err = c.commit(ctx, p.Durability, func(tx *tx, cm *commit) error {
			if _, err := tx.upload(u); err != nil {
				return errors.Join(errMoved, err)
			}
			var err error
			node, err = tx.putKey(u.Bucket, u.Key, id, p, cm.manifest)
			tx.endUpload(u, id)
			return err
		})
	}
	if err != nil {
		if aborted := c.Abort(context.WithoutCancel(ctx)); aborted != nil {
			err = errors.Join(err, aborted)
		}
		return ObjectInfo{}, err
	}
	return objectInfo(u.Key, id, node, versioning), nil
}

// joinParts appends the contents of the parts.
func (c *Content) joinParts(ctx context.Context, upload NodeID, parts []UploadedPart) error {
	c.draft = newDraft(c.d, c.n.base.Content.ID, c.n.id)
	for some := range slices.Chunk(parts, mostTaken) {
		if err := c.takeParts(ctx, some); err != nil {
			return err
		}
		for _, p := range some {
			if err := c.joinPart(ctx, upload, p); err != nil {
				return c.whyNot(ctx, upload, p, err)
			}
		}
	}
	return nil
}

// takeParts takes part in the segments of several parts at once; what it can't is
// joinPart's.
func (c *Content) takeParts(ctx context.Context, parts []UploadedPart) error {
	var all []wanted
	for _, p := range parts {
		ids, err := c.d.v.segmentsOf(ctx, &p.Content)
		if err != nil {
			return err
		}
		for _, id := range ids {
			all = append(all, wanted{id, p.Content.ID})
		}
	}
	return c.draft.takeAll(ctx, all)
}

func (c *Content) joinPart(ctx context.Context, upload NodeID, p UploadedPart) error {
	m := &p.Content
	n := &liveNode{d: c.d, base: &Node{Kind: File, Content: m}, filed: partKey(upload, p.Number), dirty: newOverlay()}
	src := &ObjectReader{node: n, filed: n.filed}
	err := c.shareAll(ctx, src, m, source{content: m.ID, whole: true}, 0, m.Size)
	if err == nil && m.Spilled {
		// Its extents were read one after the other, and may have been on their way out.
		err = c.stillPart(ctx, upload, p)
	}
	return err
}

// whyNot is errMoved if a part could not be joined because it was replaced.
func (c *Content) whyNot(ctx context.Context, upload NodeID, p UploadedPart, failed error) error {
	if err := c.stillPart(ctx, upload, p); errors.Is(err, errMoved) {
		return err
	}
	return failed
}

// stillPart fails with errMoved if a part was replaced.
func (c *Content) stillPart(ctx context.Context, upload NodeID, p UploadedPart) error {
	for now, err := range c.d.v.parts(ctx, upload, p.Number-1) {
		if err != nil {
			return err
		}
		if now.Part.Number == p.Number && now.Part.Content.ID == p.Content.ID {
			return nil
		}
		break
	}
	return errMoved
}
