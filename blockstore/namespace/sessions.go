package namespace

import (
	"context"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
)

// The sessions on record are all that may have a file open. A change that takes
// the last name from a file depends on that record: either the other session was
// on it, or it began too late to have found the file.

// sessions are those on record, the oldest first; the change depends on there
// being no others.
func (tx *tx) sessions() ([]blockstore.ID, error) {
	value, version, err := tx.Get(sessionsKey)
	if err != nil || version.IsZero() {
		return nil, err
	}
	return decodeSessions(value)
}

func decodeSessions(value []byte) ([]blockstore.ID, error) {
	var r SessionsRecord
	err := decode(sessionsKey, value, &r)
	return r.Live, err
}

// alone says whether no other session can be at work.
func (tx *tx) alone() (bool, error) {
	live, err := tx.sessions()
	return tx.v.isAlone(live), err
}

func (v *Volume) isAlone(live []blockstore.ID) bool {
	return !slices.ContainsFunc(live, func(id blockstore.ID) bool { return id != v.session })
}

// sessions is tx.sessions for what need not be exact.
func (v *Volume) sessions(ctx context.Context) ([]blockstore.ID, error) {
	value, version, err := v.store.Get(ctx, sessionsKey)
	if err != nil || version.IsZero() {
		return nil, err
	}
	return decodeSessions(value)
}

// enlist puts the session on the record of sessions, delist takes one off it.
func (tx *tx) enlist(id blockstore.ID) error {
	live, err := tx.sessions()
	if err != nil || slices.Contains(live, id) {
		return err
	}
	tx.put(sessionsKey, &SessionsRecord{Live: append(slices.Clone(live), id)})
	return nil
}

func (tx *tx) delist(ids ...blockstore.ID) error {
	live, err := tx.sessions()
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(live), func(id blockstore.ID) bool { return slices.Contains(ids, id) })
	if len(left) < len(live) {
		tx.put(sessionsKey, &SessionsRecord{Live: left})
	}
	return nil
}

// onRecord says whether a session is, and makes the change depend on it.
func (tx *tx) onRecord(id blockstore.ID) (bool, error) {
	_, version, err := tx.Get(sessionKey(id))
	return !version.IsZero(), err
}

// theirs says whether another session that is on record may be writing to a
// segment: only that one knows which blocks a commit is still to come for.
func (tx *tx) theirs(rec *SegmentRecord) (bool, error) {
	if rec.Writer.IsZero() || rec.Writer == tx.v.session {
		return false, nil
	}
	return tx.onRecord(rec.Writer)
}

// maybeTheirs says whether a segment without a record can be that of another
// session. The record is put before the first block, but may have gone with a process
// that had the store. Its session puts it again before it beats again, so it is of none
// that began later, or has beaten since.
func (tx *tx) maybeTheirs(id blockstore.SegmentID) (bool, error) {
	live, err := tx.sessions()
	if err != nil {
		return false, err
	}
	for _, session := range live {
		if session == tx.v.session || session.Time().After(id.Time()) {
			continue
		}
		var rec SessionRecord
		value, version, err := tx.Get(sessionKey(session))
		if err == nil && !version.IsZero() {
			err = decode(sessionKey(session), value, &rec)
		}
		if err != nil || rec.Beat.Time().Before(id.Time().Add(sessionBeat)) {
			return true, err
		}
	}
	return false, nil
}
