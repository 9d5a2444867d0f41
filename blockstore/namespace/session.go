package namespace

import (
	"context"
	"errors"
	"os"
	"sync"
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

// silence is how long a session may give no sign of life. It is measured while
// others watch: a machine that sleeps makes nobody dead.
const silence = 6 * sessionBeat

// signs of life of other sessions: the last that was seen of each, and when.
type signs struct {
	mu   sync.Mutex
	seen map[blockstore.ID]sign
}

type sign struct {
	beat Time
	at   time.Time
}

// silent says whether a session gave no sign of life for too long.
func (s *signs) silent(id blockstore.ID, beat Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = make(map[blockstore.ID]sign)
	}
	if last, ok := s.seen[id]; ok && last.beat == beat {
		return time.Since(last.at) > silence
	}
	s.seen[id] = sign{beat, time.Now()}
	return false
}

func (v *Volume) beginSession(ctx context.Context) error { return v.beat(ctx) }

// attend shows that this session lives, and sees to those that do not.
func (v *Volume) attend(ctx context.Context) error {
	return errors.Join(v.beat(ctx), v.buryDead(ctx))
}

func (v *Volume) beat(ctx context.Context) error {
	return v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		tx.put(sessionKey(v.session), v.sessionRecord())
		return tx.enlist(v.session)
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
		return tx.delist(v.session)
	})
}

// buryDead finishes what dead sessions left: nodes held without a name, and
// blocks that no commit came for.
func (v *Volume) buryDead(ctx context.Context) error {
	var dead []blockstore.ID
	for r, err := range v.store.Scan(ctx, prefixSession, "") {
		if err != nil {
			return err
		}
		var rec SessionRecord
		if err := decode(r.Key, r.Value, &rec); err != nil {
			return err
		}
		if id, _ := keyID(r.Key); id != v.session && !v.alive(id, rec.Beat) {
			dead = append(dead, id)
		}
	}
	if err := v.strike(ctx, dead); err != nil {
		return err
	}
	for _, id := range dead {
		if err := v.bury(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// strike takes the dead off the record of sessions: they open and write nothing any
// more. All of them first: what one left nobody takes for that of another.
func (v *Volume) strike(ctx context.Context, dead []blockstore.ID) error {
	if len(dead) == 0 {
		return nil
	}
	return v.own.update(ctx, blockstore.Lazy, func(tx *tx) error { return tx.delist(dead...) })
}

func (v *Volume) alive(id blockstore.ID, beat Time) bool {
	if v.opts.Alive != nil {
		return v.opts.Alive(id)
	}
	return !v.signs.silent(id, beat)
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
	if sure, err := v.buryBlocks(ctx, session); err != nil || !sure {
		return err // not sure: the record stays, and the next beat looks again
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
		if open.Draft != nil {
			tx.Delete(key)
			tx.drop(open.Draft)
			return nil
		}
		n, err := tx.node(id)
		if err == nil && !tx.v.opens.beginRemove(id) {
			tx.takeOver(session, id, &open)
			return nil // it is open here: the close of that will do it
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
		return tx.letGo(id, n, open.Key)
	})
}

// takeOver makes a node that another session held one that this session holds.
func (tx *tx) takeOver(session blockstore.ID, id NodeID, open *OpenRecord) {
	if session == tx.v.session {
		return
	}
	tx.Delete(openKey(session, id))
	tx.put(openKey(tx.v.session, id), open)
	tx.held = append(tx.held, id)
}
