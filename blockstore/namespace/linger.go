package namespace

import (
	"context"
	"errors"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// lingering is how long a file without a name is kept for other sessions that may
// have it open. They hear of the removal by the feed, and say so.
const lingering = Time(5 * time.Second)

// letGo retires a node without names that this session has not open: at once if
// it is alone, else when the others had time to lay claim to it.
func (tx *tx) letGo(id NodeID, n *Node, fullKey string) error {
	stays, err := tx.staysNameless(n, false)
	if err != nil {
		return err
	}
	if stays {
		tx.linger(id, n, fullKey)
	} else {
		tx.retire(id, n, fullKey)
	}
	return nil
}

// linger keeps a node without names for a while.
func (tx *tx) linger(id NodeID, n *Node, fullKey string) {
	tx.putNode(id, n)
	tx.due(tx.now+lingering, &DueRecord{Release: id, Key: fullKey})
}

// staysNameless says whether a node without names stays for a while: this
// session has it open, or others may have.
func (tx *tx) staysNameless(n *Node, opened bool) (bool, error) {
	if opened || n.Kind != File {
		return opened, nil
	}
	alone, err := tx.alone()
	return !alone, err
}

// releaseDue retires a node that lingered, unless a session has it open: then its
// last close does.
func (v *Volume) releaseDue(ctx context.Context, w work) error {
	return v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		if _, version, err := tx.Get(w.key); err != nil || version.IsZero() {
			return err
		}
		tx.Delete(w.key)
		n, err := tx.node(w.Release)
		if blockstore.KindOf(err) == blockstore.Stale {
			return nil
		}
		if err != nil || n.Links > 0 {
			return err
		}
		held, err := tx.claimed(w.Release)
		if err != nil || held {
			return err
		}
		if deaf, err := tx.deaf(w); err != nil || deaf {
			tx.due(tx.now+lingering, &w.DueRecord)
			return err
		}
		if !tx.v.opens.beginRemove(w.Release) {
			tx.put(openKey(v.session, w.Release), &OpenRecord{Key: w.Key})
			tx.held = append(tx.held, w.Release)
			return nil
		}
		tx.removed = append(tx.removed, w.Release)
		tx.retire(w.Release, n, w.Key)
		return nil
	})
}

// deaf says whether the others may not have heard of a removal yet, long ago as it
// is: work that is as late as that waited for a machine that slept, or for a process
// that had the store.
func (tx *tx) deaf(w work) (bool, error) {
	alone, err := tx.alone()
	return !alone && tx.now-dueTime(w.key) > lingering, err
}

// claimed says whether a session on record holds a node open without a name.
func (tx *tx) claimed(id NodeID) (bool, error) {
	live, err := tx.sessions()
	if err != nil {
		return false, err
	}
	for _, session := range live {
		_, version, err := tx.Get(openKey(session, id))
		if err != nil || !version.IsZero() {
			return true, err
		}
	}
	return false, nil
}

// claim puts on record that this session has nodes open, if others took their
// last names.
func (v *Volume) claim(ctx context.Context, nodes []writtenNode) error {
	var failed error
	for _, n := range nodes {
		if v.opens.count(n.id) > 0 {
			failed = errors.Join(failed, v.claimOne(ctx, n.id))
		}
	}
	return failed
}

func (v *Volume) claimOne(ctx context.Context, id NodeID) error {
	return v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		n, err := tx.node(id)
		if blockstore.KindOf(err) == blockstore.Stale {
			return nil
		}
		if err != nil || n.Kind != File || n.Links > 0 {
			return err
		}
		_, version, err := tx.Get(openKey(v.session, id))
		if err != nil || !version.IsZero() {
			return err
		}
		key, err := tx.lastKey(n)
		if err != nil {
			return err
		}
		tx.put(openKey(v.session, id), &OpenRecord{Key: key})
		tx.held = append(tx.held, id)
		return nil
	})
}

// lastKey is where a node was last entered, as far as that is still known.
func (tx *tx) lastKey(n *Node) (string, error) {
	key, err := tx.v.fullKey(tx.Context(), n.Parent, n.Name)
	if blockstore.KindOf(err) == blockstore.Stale {
		return n.Name, nil // it was last entered in a directory that is gone
	}
	return key, err
}
