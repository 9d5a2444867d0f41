package namespace

import (
	"context"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// youngest is how old a node must be for its content to be kept: what programs
// write and remove at once is nobody's history.
const youngest = Time(60 * time.Second)

// fate is what becomes of a content that loses its key.
type fate uint8

const (
	asUsual fate = iota // as the rules of the bucket and of history have it
	toTrash             // to history for the history time, however young
	forGood             // nobody gets it back
)

// keepsHistory says whether the content of a node goes to history when it is
// replaced or removed in an ordinary bucket.
func (v *Volume) keepsHistory(n *Node, now Time) bool {
	return v.Settings().HistoryTime > 0 && n.Content != nil && n.Content.Size > 0 &&
		now-n.Btime >= youngest
}

// keep puts what history is to have of a node that loses its last name there, if
// that is known before its last handle is closed. If the node stays, history
// has a content of its own.
func (tx *tx) keep(id NodeID, n *Node, fullKey string, f fate, stays bool) (bool, error) {
	if f == asUsual {
		return tx.keepVersion(id, n, fullKey, stays)
	}
	if f == forGood || n.size() == 0 || tx.v.Settings().HistoryTime == 0 {
		return false, nil
	}
	kept, err := tx.copyOf(id, n, stays)
	if err != nil || kept == nil {
		return false, err
	}
	tx.file(id, kept, fullKey)
	return true, nil
}

// copyOf is a node for history: its content is that of the node, or shares its
// blocks if the node stays. nil: too many share them already.
func (tx *tx) copyOf(id NodeID, n *Node, stays bool) (*Node, error) {
	kept := n.clone()
	if !stays || n.Content == nil {
		return kept, nil
	}
	var err error
	kept.Content, err = tx.shareContent(n.Content, id)
	if blockstore.KindOf(err) == blockstore.TooManyLinks {
		tx.v.log.Warn("a content is not kept: too many share its blocks", "node", id)
		return nil, nil
	}
	return kept, err
}

// file puts a node that lost its name, or its content, into history, for the
// history time.
func (tx *tx) file(id NodeID, n *Node, fullKey string) {
	h := &HistoryRecord{ID: id, Node: n, Removed: tx.now, Key: fullKey, By: tx.by}
	tx.putTrash(historyKey(n.Bucket, fullKey, tx.now, blockstore.NewID()), h)
}

// putTrash writes a history record that the collector takes after the history
// time.
func (tx *tx) putTrash(key string, h *HistoryRecord) {
	h.Expires = tx.now + Time(tx.v.Settings().HistoryTime)
	tx.put(key, h)
	tx.due(h.Expires, &DueRecord{Expire: key})
}

// expire removes a history record whose time has come, or before that if early;
// its content goes to the collector. One that was restored or kept meanwhile is
// left alone.
func (v *Volume) expire(ctx context.Context, due, key string, early bool) error {
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
		switch {
		case h.isVersion():
		case h.Expires > tx.now && v.Settings().HistoryTime > 0 && !early:
			tx.due(h.Expires, &DueRecord{Expire: key})
		default:
			tx.forget(key, &h)
		}
		return nil
	})
}

// forget removes a history record; its content goes to the collector.
func (tx *tx) forget(key string, h *HistoryRecord) {
	tx.Delete(key)
	if h.Node != nil && h.Node.Content != nil {
		tx.drop(h.Node.Content)
	}
}
