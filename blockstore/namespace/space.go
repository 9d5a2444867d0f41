package namespace

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

// History is for room that nobody needs: when that becomes scarce, what is kept
// for a while goes before its time, the oldest first. Versions stay.

const (
	// scarce: below Total/scarce bytes of room, history goes.
	scarce = 20
	// givenUpAtOnce is how many records go before the room is looked at again.
	givenUpAtOnce = 32
)

// makeRoom gives history up as long as there is little room, or once if the
// engine had none.
func (v *Volume) makeRoom(ctx context.Context) error {
	total := 0
	defer func() {
		if total > 0 {
			v.log.Warn("room is scarce: the oldest history was given up before its time", "contents", total)
		}
	}()
	for {
		none := v.full.Swap(false)
		space, err := v.store.Space(ctx)
		if err != nil || !none && space.Available >= space.Total/scarce {
			return err
		}
		count, err := v.giveUpOldest(ctx)
		if err != nil || count == 0 {
			return err
		}
		total += count
	}
}

// madeRoom makes some room for who was told that the engine has none; false: there
// is no history to give up, or somebody collects just now.
func (v *Volume) madeRoom(ctx context.Context, err error) bool {
	if blockstore.KindOf(err) != blockstore.NoSpace || !v.full.Load() || !v.collecting.TryLock() {
		return false
	}
	defer v.collecting.Unlock()
	v.full.Store(false)
	count, err := v.giveUpOldest(ctx)
	if err != nil || count == 0 {
		return false
	}
	v.log.Warn("the store is full: the oldest history was given up before its time", "contents", count)
	return true
}

// giveUpOldest gives the oldest history up, and its room back. It returns how
// many records that were.
func (v *Volume) giveUpOldest(ctx context.Context) (int, error) {
	oldest, err := v.dueOf(ctx, givenUpAtOnce, func(w *work) bool { return w.Expire != "" })
	if err != nil {
		return 0, err
	}
	for _, w := range oldest {
		if err := v.expire(ctx, w.key, w.Expire, true); err != nil {
			return 0, err
		}
	}
	now := Now()
	drops, err := v.dueOf(ctx, dueAtOnce, func(w *work) bool {
		return w.Drop != nil && dueTime(w.key) <= now && v.readers.count(w.Drop.ID) == 0
	})
	if err != nil {
		return 0, err
	}
	_, err = v.dropContents(ctx, drops)
	return len(oldest), err
}

// dueOf reads the first work of a kind, whenever it is due.
func (v *Volume) dueOf(ctx context.Context, most int, wanted func(*work) bool) ([]work, error) {
	var all []work
	for r, err := range v.store.Scan(ctx, prefixDue, "") {
		if err != nil || len(all) == most {
			return all, err
		}
		w := work{key: r.Key}
		if err := decode(r.Key, r.Value, &w.DueRecord); err != nil {
			return nil, err
		}
		if wanted(&w) {
			all = append(all, w)
		}
	}
	return all, nil
}

// noteFull notes an error of the engine that says that it has no room.
func (v *Volume) noteFull(err error) {
	if blockstore.KindOf(err) == blockstore.NoSpace {
		v.full.Store(true)
	}
}

// onDuty says whether this session does what one session does for all.
func (v *Volume) onDuty(ctx context.Context) (bool, error) {
	live, err := v.sessions(ctx)
	return v.isAlone(live) || len(live) > 0 && live[0] == v.session, err
}
