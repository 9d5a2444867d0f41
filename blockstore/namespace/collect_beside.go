package namespace

import (
	"context"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// Several sessions collect beside each other. All work can be done twice at once
// without harm, so who does what is decided without locks: what only one session can
// know, it does; the rest is done by the oldest one, and by whoever was asked to.

// concerns says whether work is for this session. live are the sessions on record;
// asked: somebody waits for it.
func (v *Volume) concerns(ctx context.Context, w *work, live []blockstore.ID, asked bool) (bool, error) {
	if v.isAlone(live) {
		return true, nil
	}
	anybody := asked || len(live) > 0 && live[0] == v.session
	switch {
	case w.Drop != nil:
		return v.dropConcerns(ctx, w.Drop, anybody)
	case w.By == v.session:
		return true, nil
	case !w.By.IsZero():
		_, version, err := v.store.Get(ctx, sessionKey(w.By))
		return anybody && version.IsZero(), err
	}
	return anybody, nil
}

// dropConcerns: of a content in segments that others write to, each drops its own.
func (v *Volume) dropConcerns(ctx context.Context, m *Manifest, anybody bool) (bool, error) {
	foreign := 0
	for _, id := range m.Segments {
		writer, err := v.writerOf(ctx, id)
		if err != nil || writer == v.session {
			return true, err
		}
		if !writer.IsZero() {
			foreign++
		}
	}
	return anybody && (foreign < len(m.Segments) || foreign == 0), nil
}

// writerOf is the session that may be writing to a segment, if it is on record.
func (v *Volume) writerOf(ctx context.Context, id blockstore.SegmentID) (blockstore.ID, error) {
	value, version, err := v.store.Get(ctx, segmentKey(id))
	if err != nil || version.IsZero() {
		return blockstore.ID{}, err
	}
	var rec SegmentRecord
	if err := decode(segmentKey(id), value, &rec); err != nil || rec.Writer.IsZero() {
		return blockstore.ID{}, err
	}
	_, version, err = v.store.Get(ctx, sessionKey(rec.Writer))
	if err != nil || version.IsZero() {
		return blockstore.ID{}, err
	}
	return rec.Writer, nil
}

// patience is how long a collection waits for other sessions to do their part.
const patience = 10 * time.Second

// awaitOthers waits until another session did some of what a collection leaves to
// it, or a lingering file may be retired: then there may be more to do here. It
// returns false when there is nothing to wait for.
func (v *Volume) awaitOthers(ctx context.Context) (bool, error) {
	before, err := v.leftToOthers(ctx)
	if err != nil || before == 0 {
		return false, err
	}
	tick := time.NewTicker(patience / 200)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return false, nil
		case <-tick.C:
		}
		now, err := v.leftToOthers(ctx)
		if err != nil || now != before {
			return err == nil, err
		}
	}
	return false, nil
}

// leftToOthers counts the contents that wait for other sessions, and the files that
// linger for them: no longer when their time has come.
func (v *Volume) leftToOthers(ctx context.Context) (count int, err error) {
	now := Now()
	for r, err := range v.store.Scan(ctx, prefixDue, "") {
		if err != nil || dueTime(r.Key) > now+lingering {
			return count, err
		}
		var w DueRecord
		if err := decode(r.Key, r.Value, &w); err != nil {
			return 0, err
		}
		if !w.Release.IsZero() && dueTime(r.Key) > now || w.Drop != nil {
			count++
		}
	}
	return count, nil
}
