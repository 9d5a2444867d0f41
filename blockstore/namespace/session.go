package namespace

import (
	"context"
	"os"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// sessionBeat is how often a session gives a sign of life.
const sessionBeat = 10 * time.Second

func (v *Volume) sessionRecord() *SessionRecord {
	host, _ := os.Hostname() // only told to people
	return &SessionRecord{
		Host: host, PID: os.Getpid(), Command: v.opts.Command,
		Started: TimeOf(v.session.Time()), Beat: Now(),
	}
}

func (v *Volume) beginSession(ctx context.Context) error { return v.beat(ctx) }

func (v *Volume) beat(ctx context.Context) error {
	return v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		tx.put(sessionKey(v.session), v.sessionRecord())
		return nil
	})
}

// endSession removes the session's record: it left nothing for others to do.
// A node that is still held without a name stays for whoever buries the dead.
func (v *Volume) endSession(ctx context.Context) error {
	if v.unclean.Load() {
		return nil
	}
	for _, err := range v.store.Scan(ctx, openKey(v.session, NodeID{}), "") {
		return err
	}
	return v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		tx.Delete(sessionKey(v.session))
		return nil
	})
}

// buryDead finishes what every other session on record left: nodes held
// without a name, and blocks that no commit came for.
func (v *Volume) buryDead(ctx context.Context) error {
	var dead []blockstore.ID
	for r, err := range v.store.Scan(ctx, prefixSession, "") {
		if err != nil {
			return err
		}
		if id, _ := keyID(r.Key); id != v.session {
			dead = append(dead, id)
		}
	}
	for _, id := range dead {
		if err := v.bury(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (v *Volume) bury(ctx context.Context, session blockstore.ID) error {
	v.log.Info("cleaning up after a session that ended without notice", "session", session)
	prefix := openKey(session, NodeID{})
	for r, err := range v.store.Scan(ctx, prefix, "") {
		if err != nil {
			return err
		}
		var id NodeID
		copy(id[:], r.Key[len(prefix):])
		if err := v.release(ctx, session, id); err != nil {
			return err
		}
	}
	if err := v.buryBlocks(ctx, session); err != nil {
		return err
	}
	return v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		tx.Delete(sessionKey(session))
		return nil
	})
}

// release retires a node without a name that a session held and holds no more.
func (v *Volume) release(ctx context.Context, session blockstore.ID, id NodeID) error {
	return v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		key := openKey(session, id)
		value, version, err := tx.Get(key)
		if err != nil || version.IsZero() {
			return err
		}
		var open OpenRecord
		if err := decode(key, value, &open); err != nil {
			return err
		}
		n, err := tx.node(id)
		if err == nil && !tx.v.opens.beginRemove(id) {
			return nil // opened again: the close of that will do it
		}
		if err == nil {
			tx.removed = append(tx.removed, id)
		}
		tx.Delete(key)
		if blockstore.KindOf(err) == blockstore.Stale {
			return nil
		}
		if err != nil {
			return err
		}
		if n.Links > 0 {
			return nil
		}
		tx.retire(id, n, open.Key)
		return nil
	})
}
