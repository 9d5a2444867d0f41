package namespace

import (
	"context"
	"errors"
	"math"

	"github.com/cairnfs/cairn/blockstore"
)

// Collected is what a collection did.
type Collected struct {
	Expired   int   // history records whose time had come
	Contents  int   // contents that nobody had any more
	Segments  int   // segments removed
	Compacted int   // files written again
	Bytes     int64 // bytes of blocks given back, about
}

func (c *Collected) add(more Collected) {
	c.Expired += more.Expired
	c.Contents += more.Contents
	c.Segments += more.Segments
	c.Compacted += more.Compacted
	c.Bytes += more.Bytes
}

// dueAtOnce is how much work the collector takes in one go.
const dueAtOnce = 256

// noHurry: do only what is due.
const noHurry = Time(math.MinInt64)

// work is something that is due.
type work struct {
	key string
	DueRecord
}

// Collect does all of the collector's work that can be done now, compaction
// that would have waited included. It carries out the rules of the buckets, and
// looks for segments that nobody ever came back for. progress, which may be nil,
// is told of what was done so far.
func (v *Volume) Collect(ctx context.Context, progress func(Collected)) (Collected, error) {
	v.collecting.Lock()
	defer v.collecting.Unlock()
	if err := v.sweep(ctx); err != nil {
		return Collected{}, err
	}
	if err := v.runRules(ctx); err != nil {
		return Collected{}, err
	}
	var total Collected
	hurry := Now() + compactAfter
	for {
		// What one pass leaves may be due before what it did last.
		done, err := v.collect(ctx, hurry, progress)
		total.add(done)
		if err != nil {
			return total, err
		}
		if done != (Collected{}) {
			continue
		}
		if more, err := v.awaitOthers(ctx); err != nil || !more {
			return total, err
		}
	}
}

// collectSome is the round in the background.
func (v *Volume) collectSome(ctx context.Context) error {
	if !v.collecting.TryLock() {
		return nil
	}
	defer v.collecting.Unlock()
	_, err := v.collect(ctx, noHurry, nil)
	return errors.Join(v.makeRoom(ctx), v.runRulesDaily(ctx), err)
}

// collect does what is due, and hurries what would be due before a time.
func (v *Volume) collect(ctx context.Context, hurry Time, progress func(Collected)) (Collected, error) {
	var total Collected
	after := ""
	for ctx.Err() == nil {
		batch, last, err := v.dueWork(ctx, hurry, after)
		if err != nil || last == "" {
			return total, err
		}
		after = last
		done, err := v.doWork(ctx, batch)
		total.add(done)
		if err != nil {
			return total, err
		}
		if progress != nil {
			progress(total)
		}
	}
	return total, blockstore.E("collect", "", blockstore.Canceled, ctx.Err())
}

// dueWork reads the next work after a key, and the key to go on after; "" if
// there is none. What waits only out of patience may be hurried, if it was to
// be done before a time: what is put off from now on is not taken again.
func (v *Volume) dueWork(ctx context.Context, hurry Time, after string) ([]work, string, error) {
	var batch []work
	last, now := "", Now()
	live, err := v.sessions(ctx)
	if err != nil {
		return nil, "", err
	}
	for r, err := range v.store.Scan(ctx, prefixDue, after) {
		if err != nil {
			return nil, "", err
		}
		late := dueTime(r.Key) <= now
		if !late && hurry == noHurry || len(batch) == dueAtOnce {
			break
		}
		last = r.Key
		w := work{key: r.Key}
		if err := decode(r.Key, r.Value, &w.DueRecord); err != nil {
			return nil, "", err
		}
		patient := !w.Compact.IsZero() || w.Drop != nil // its segments were being written to
		wanted := late || w.Expire != "" && v.Settings().HistoryTime == 0 || patient && dueTime(r.Key) < hurry
		if !wanted {
			continue
		}
		mine, err := v.concerns(ctx, &w, live, hurry != noHurry)
		if err != nil {
			return nil, "", err
		}
		if mine {
			batch = append(batch, w)
		}
	}
	return batch, last, nil
}

func (v *Volume) doWork(ctx context.Context, batch []work) (Collected, error) {
	var drops, removes, others []work
	for _, w := range batch {
		switch {
		case w.Drop != nil && v.readers.count(w.Drop.ID) > 0:
			// It is left for a later round.
		case w.Drop != nil:
			drops = append(drops, w)
		case len(w.Remove) > 0:
			removes = append(removes, w)
		default:
			others = append(others, w)
		}
	}
	done, err := v.dropContents(ctx, drops)
	if err != nil {
		return done, err
	}
	more, err := v.removeSegments(ctx, removes)
	done.add(more)
	if err != nil {
		return done, err
	}
	for _, w := range others {
		more, err := v.doOne(ctx, w)
		done.add(more)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// doOne does work that may fail by itself: then it is put off, and the rest goes
// on. On a full disk a compaction must not stand in the way of the removals.
func (v *Volume) doOne(ctx context.Context, w work) (done Collected, err error) {
	if !w.Release.IsZero() {
		err = v.releaseDue(ctx, w)
	} else if !w.Parts.IsZero() {
		done, err = v.dropParts(ctx, w)
	} else if !w.Uploads.IsZero() {
		err = v.dropUploads(ctx, w)
	} else if w.Expire != "" {
		if err = v.expire(ctx, w.key, w.Expire, false); err == nil {
			done.Expired = 1
		}
	} else if done.Bytes, err = v.compactNode(ctx, w.key, w.Compact); err == nil {
		done.Compacted = 1
	}
	if err == nil || ctx.Err() != nil {
		return done, err
	}
	if blockstore.KindOf(err) != blockstore.Busy {
		v.log.Warn("collection of one item failed; it is put off", "item", keyName(w.key), "err", err)
	}
	return done, v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		tx.Delete(w.key)
		tx.due(tx.now+compactAfter, &w.DueRecord)
		return nil
	})
}

// removeSegments removes dying segments, blocks first and the record last. The
// sync before makes sure that no crash brings back a reference.
func (v *Volume) removeSegments(ctx context.Context, removes []work) (Collected, error) {
	if len(removes) == 0 {
		return Collected{}, nil
	}
	if err := v.store.Sync(ctx); err != nil {
		return Collected{}, err
	}
	var done Collected
	for _, w := range removes {
		for _, id := range w.Remove {
			if err := v.removeSegment(ctx, id); err != nil {
				return done, err
			}
			done.Segments++
		}
	}
	return done, v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		for _, w := range removes {
			for _, id := range w.Remove {
				tx.Delete(segmentKey(id))
			}
			tx.Delete(w.key)
		}
		return nil
	})
}

func (v *Volume) removeSegment(ctx context.Context, id blockstore.SegmentID) error {
	value, version, err := v.store.Get(ctx, segmentKey(id))
	if err != nil || version.IsZero() {
		return err
	}
	var rec SegmentRecord
	if err := decode(segmentKey(id), value, &rec); err != nil {
		return err
	}
	if !rec.Dying {
		return blockstore.E("remove", "segment "+id.String(), blockstore.Corrupt, nil)
	}
	return v.store.RemoveSegment(ctx, id, rec.Blocks, rec.Small)
}

// compactNode compacts a file that is at rest; one that is open waits.
func (v *Volume) compactNode(ctx context.Context, key string, id NodeID) (int64, error) {
	if v.opens.count(id) > 0 {
		return 0, blockstore.E("compact", id.String(), blockstore.Busy, nil)
	}
	bytes, err := v.compactOpen(ctx, id)
	if err != nil && blockstore.KindOf(err) != blockstore.Stale {
		return bytes, err
	}
	return bytes, v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		tx.Delete(key)
		return nil
	})
}

func (v *Volume) compactOpen(ctx context.Context, id NodeID) (int64, error) {
	n, err := v.own.acquire(ctx, id)
	if err != nil {
		return 0, err
	}
	bytes, err := n.compact(ctx)
	n.wrote = false // or it would be queued again
	if lerr := n.let(ctx); err == nil {
		err = lerr
	}
	return bytes, err
}
