package namespace

import (
	"context"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// youngest is how old a node must be for its content to be kept: what programs
// write and remove at once is nobody's history.
const youngest = Time(60 * time.Second)

// keepsHistory says whether the content of a node goes to history when it is
// replaced or removed.
func (v *Volume) keepsHistory(n *Node, now Time) bool {
	return v.Settings().HistoryTime > 0 && n.Content != nil && n.Content.Size > 0 &&
		now-n.Btime >= youngest
}

// file puts a node that lost its name, or its content, into history.
func (tx *tx) file(id NodeID, n *Node, fullKey string) {
	expires := tx.now + Time(tx.v.Settings().HistoryTime)
	key := historyKey(n.Bucket, fullKey, tx.now, blockstore.NewID())
	tx.put(key, &HistoryRecord{ID: id, Node: n, Removed: tx.now, Key: fullKey, Expires: expires})
	tx.due(expires, &DueRecord{Expire: key})
}

// expire removes a history record whose time has come; its content goes to the
// collector. One that was restored or kept meanwhile is left alone.
func (v *Volume) expire(ctx context.Context, due, key string) error {
	return v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		value, version, err := tx.Get(key)
		if err != nil {
			return err
		}
		tx.Delete(due)
		if version.IsZero() {
			return nil
		}
		var h HistoryRecord
		if err := decode(key, value, &h); err != nil {
			return err
		}
		if h.Expires == 0 || h.Expires > tx.now && v.Settings().HistoryTime > 0 {
			if h.Expires > tx.now {
				tx.due(h.Expires, &DueRecord{Expire: key})
			}
			return nil
		}
		tx.Delete(key)
		if h.Node != nil && h.Node.Content != nil {
			tx.drop(h.Node.Content)
		}
		return nil
	})
}
