package namespace

import (
	"context"
	"fmt"

	"github.com/cairnfs/cairn/blockstore"
)

// refersTo notes the segments of a content, and returns them.
func (c *checker) refersTo(ctx context.Context, m *Manifest) ([]blockstore.SegmentID, error) {
	segments, err := c.v.segmentsOf(ctx, m)
	if err != nil {
		return nil, err
	}
	for _, s := range segments {
		c.refs[segmentRef{s, m.ID}] = false
	}
	if m.Spilled {
		c.spilled[m.ID] = true
	}
	return segments, nil
}

// content looks at where the bytes of a file are said to be.
func (c *checker) content(ctx context.Context, has owner, m *Manifest) error {
	whose := c.nameOf(has)
	if other, ok := c.contents[m.ID]; ok {
		c.wrong(whose, "has the same content id as %s", c.nameOf(other))
	}
	c.contents[m.ID] = has
	segments, err := c.refersTo(ctx, m)
	if err != nil {
		return err
	}
	listed := make(map[blockstore.SegmentID]bool, len(segments))
	for _, s := range segments {
		listed[s] = true
	}
	for e, err := range c.v.extents(ctx, m) {
		if err != nil {
			return err
		}
		if !listed[e.Segment] {
			c.wrong(whose, "its bytes from %d are in segment %s, which it does not refer to", e.Offset, e.Segment)
		}
		if e.end() > m.Size {
			c.wrong(whose, "has bytes at %d, past its end at %d", e.end(), m.Size)
		}
		c.extent(whose, e)
	}
	return nil
}

// extent sees that every block that it runs through is there and long enough.
func (c *checker) extent(whose string, e Extent) {
	for left := e.Length; left > 0; {
		k := left
		if !e.block().Small() {
			k = min(left, int64(e.BlockSize-e.At))
		}
		b, ok := c.blocks[e.block()]
		if !ok {
			c.wrong(whose, "block %s, with its bytes from %d, is missing", e.block(), e.Offset)
		} else if int64(b.size) < int64(e.At)+k {
			c.wrong(whose, "block %s has %d bytes, and bytes up to %d are needed", e.block(), b.size, int64(e.At)+k)
		}
		if ok && !b.used {
			b.used = true
			c.blocks[e.block()] = b
		}
		if left -= k; left > 0 {
			e = e.from(k)
		}
	}
}

func (c *checker) due(ctx context.Context, r blockstore.Record) error {
	var d DueRecord
	if err := decode(r.Key, r.Value, &d); err != nil {
		return err
	}
	if !d.Release.IsZero() {
		c.held[d.Release] = true
	}
	if !d.Parts.IsZero() {
		c.uploads[d.Parts] = true
	}
	if d.Drop == nil {
		return nil
	}
	_, err := c.refersTo(ctx, d.Drop)
	return err
}

// open looks at what a session holds: a node, or a content in the making.
func (c *checker) open(ctx context.Context, rest string, r blockstore.Record) error {
	var o OpenRecord
	if err := decode(r.Key, r.Value, &o); err != nil {
		return err
	}
	if o.Draft != nil {
		_, err := c.refersTo(ctx, o.Draft)
		return err
	}
	var node NodeID
	copy(node[:], rest)
	c.held[node] = true
	return nil
}

func (c *checker) upload(r blockstore.Record) error {
	u, err := decodeUpload(r.Key, r.Value)
	if err != nil {
		return err
	}
	id, err := blockstore.ParseID(u.ID)
	if c.uploads[id] = true; uploadKey(u.Bucket, u.Key, id) != r.Key {
		err = blockstore.E("check", keyName(r.Key), blockstore.Corrupt, nil)
	}
	return err
}

func (c *checker) part(ctx context.Context, upload NodeID, r blockstore.Record) error {
	var rec PartRecord
	if err := decode(r.Key, r.Value, &rec); err != nil {
		return err
	}
	c.parts[upload] = true
	m := &rec.Part.Content
	return c.content(ctx, owner{part: fmt.Sprintf("%s/%d", upload, rec.Part.Number)}, m)
}

// judgeUploads sees that every part is of an upload.
func (c *checker) judgeUploads() {
	for id := range c.parts {
		if !c.uploads[id] {
			c.wrong("upload "+id.String(), "has parts, but is not there")
		}
	}
}
