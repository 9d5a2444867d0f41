package namespace

import (
	"context"
	"fmt"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

// checkedVersions is what must be known of history: it is read key by key.
type checkedVersions struct {
	bucket  NodeID
	key     string
	ids     map[blockstore.ID]bool // versions of that key
	buckets map[NodeID]bool        // that have versions
}

// history takes a history record in.
func (c *checker) history(ctx context.Context, bucket NodeID, r blockstore.Record) error {
	var h HistoryRecord
	if err := decodeHistory(r.Key, r.Value, &h); err != nil {
		return err
	}
	if !strings.HasPrefix(r.Key, historyPrefix(bucket, h.Key)+"\x00") {
		return fmt.Errorf("is of the key %s", quote(h.Key))
	}
	if h.Marker && (h.Node != nil || !h.isVersion()) {
		return fmt.Errorf("a delete marker with a content or an end")
	}
	if h.Node != nil && h.Node.Bucket != bucket {
		return fmt.Errorf("its node is of another bucket")
	}
	if h.isVersion() {
		c.version(bucket, &h)
	}
	if h.Node == nil || h.Node.Content == nil {
		return nil
	}
	return c.content(ctx, owner{history: h.Key}, h.Node.Content)
}

// version sees that no key has two versions of one id.
func (c *checker) version(bucket NodeID, h *HistoryRecord) {
	v := &c.versions
	if v.buckets == nil {
		v.buckets = make(map[NodeID]bool)
	}
	v.buckets[bucket] = true
	if v.bucket != bucket || v.key != h.Key {
		v.bucket, v.key, v.ids = bucket, h.Key, make(map[blockstore.ID]bool)
	}
	if v.ids[h.version()] {
		c.wrong("history of "+quote(h.Key), "has the version %s twice", versionName(h.version()))
	}
	v.ids[h.version()] = true
}

// judgeVersions sees that every bucket that has versions is there.
func (c *checker) judgeVersions() {
	for id := range c.versions.buckets {
		if c.nodes[id] == nil {
			c.wrong("bucket "+id.String(), "has versions, but is not there")
		}
	}
}
