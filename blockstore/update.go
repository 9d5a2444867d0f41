package blockstore

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
)

// Writer commits changes to a store under one session. It is safe for
// concurrent use.
type Writer struct {
	store   Store
	session ID
	seq     atomic.Uint64
}

// NewWriter returns a writer for a session that has not committed anything yet.
func NewWriter(s Store, session ID) *Writer {
	return &Writer{store: s, session: session}
}

// Session is the session that the writer commits under.
func (w *Writer) Session() ID { return w.session }

// retries of a lost race before the caller hears of it: at this point something
// other than bad luck is going on.
const maxAttempts = 1000

// Update runs fn, which reads through tx and says what to write, and commits
// the result. When a race was lost it runs fn again from the start, so fn
// must have no effects but on tx and variables that it sets anew. An error of
// fn ends the Update and is returned as it is; but one that is Stale, after what
// fn read before was changed, is of a state that never was, and fn is run again.
// A fn that wrote nothing commits nothing.
func (w *Writer) Update(ctx context.Context, origin ID, d Durability, fn func(tx *Tx) error) (Version, error) {
	for attempt := 0; ; attempt++ {
		tx := &Tx{ctx: ctx, store: w.store}
		if err := fn(tx); err != nil {
			if KindOf(err) != Stale || attempt == maxAttempts || tx.holds() || backOff(ctx, attempt) != nil {
				return Version{}, err
			}
			continue
		}
		if tx.empty() {
			return Version{}, nil
		}
		tx.change.Session, tx.change.Seq, tx.change.Origin = w.session, w.seq.Add(1), origin
		v, err := w.commit(ctx, &tx.change, d)
		if KindOf(err) != Conflict || attempt == maxAttempts {
			return v, err
		}
		if err := backOff(ctx, attempt); err != nil {
			return Version{}, err
		}
	}
}

// commit repeats a change whose outcome is unknown: the engine does it once.
// After that only success and Conflict are certain, so that every other end is
// reported as Unknown.
func (w *Writer) commit(ctx context.Context, c *Change, d Durability) (Version, error) {
	v, err := w.store.Commit(ctx, c, d)
	if err == nil || KindOf(err) != Unknown {
		return v, err
	}
	for attempt := 0; attempt < maxAttempts && backOff(ctx, attempt+3) == nil; attempt++ {
		v, again := w.store.Commit(ctx, c, d)
		switch KindOf(again) {
		case Unknown, Unavailable:
			continue
		}
		if again == nil || KindOf(again) == Conflict {
			return v, again
		}
		return Version{}, E("commit", "", Unknown, again)
	}
	return Version{}, err
}

// backOff waits a random time that grows with the attempts, up to 50 ms. The
// first retries come at once.
func backOff(ctx context.Context, attempt int) error {
	if attempt < 2 && ctx.Err() == nil {
		return nil
	}
	limit := min(50*time.Millisecond, time.Duration(attempt*attempt+1)*50*time.Microsecond)
	t := time.NewTimer(rand.N(limit))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return E("commit", "", Canceled, ctx.Err())
	case <-t.C:
		return nil
	}
}

// Tx gathers the reads and writes of one Update. It is used by one goroutine.
type Tx struct {
	ctx    context.Context //nolint:containedctx // lives as long as the Update call
	store  Records
	change Change
	writes map[string]int // place in change.Writes, once there are many
}

// Get reads a record and makes the change depend on its staying as it was.
// After Put or Delete of the same key it still returns what is stored.
func (tx *Tx) Get(key string) ([]byte, Version, error) {
	value, v, err := tx.store.Get(tx.ctx, key)
	if err == nil {
		tx.Guard(key, v)
	}
	return value, v, err
}

// Peek reads a record without depending on it.
func (tx *Tx) Peek(key string) ([]byte, Version, error) {
	return tx.store.Get(tx.ctx, key)
}

// Guard makes the change depend on the record being in this version.
func (tx *Tx) Guard(key string, v Version) {
	for _, g := range tx.change.Guards {
		if g.Key == key && !g.Empty && g.Version == v {
			return
		}
	}
	tx.change.Guards = append(tx.change.Guards, Guard{Key: key, Version: v})
}

// holds says whether all that the change depends on by version is as it was.
func (tx *Tx) holds() bool {
	for _, g := range tx.change.Guards {
		if g.Empty {
			continue
		}
		if _, v, err := tx.store.Get(tx.ctx, g.Key); err != nil || v != g.Version {
			return err != nil // then nothing is gained by another try
		}
	}
	return true
}

// Empty makes the change depend on there being no record with the prefix, but
// those that it deletes.
func (tx *Tx) Empty(prefix string) {
	tx.change.Guards = append(tx.change.Guards, Guard{Key: prefix, Empty: true})
}

// Put writes a record; the last Put or Delete of a key counts. value belongs
// to the change from now on.
func (tx *Tx) Put(key string, value []byte) {
	if value == nil {
		value = []byte{}
	}
	tx.write(Write{Key: key, Value: value})
}

// Delete removes a record, and takes back what was added to it.
func (tx *Tx) Delete(key string) {
	tx.change.Adds = slices.DeleteFunc(tx.change.Adds, func(a Add) bool { return a.Key == key })
	tx.write(Write{Key: key})
}

// Pending is what the change makes of a record so far; nil: it deletes it, or
// not written: it leaves it alone.
func (tx *Tx) Pending(key string) (value []byte, written bool) {
	i, ok := tx.find(key)
	if !ok {
		return nil, false
	}
	return tx.change.Writes[i].Value, true
}

func (tx *Tx) write(w Write) {
	if i, ok := tx.find(w.Key); ok {
		tx.change.Writes[i] = w
		return
	}
	if tx.writes != nil {
		tx.writes[w.Key] = len(tx.change.Writes)
	}
	tx.change.Writes = append(tx.change.Writes, w)
}

// manyWrites is where a map begins to pay.
const manyWrites = 16

func (tx *Tx) find(key string) (int, bool) {
	if tx.writes == nil && len(tx.change.Writes) >= manyWrites {
		tx.writes = make(map[string]int)
		for i, w := range tx.change.Writes {
			tx.writes[w.Key] = i
		}
	}
	if tx.writes != nil {
		i, ok := tx.writes[key]
		return i, ok
	}
	for i := range tx.change.Writes {
		if tx.change.Writes[i].Key == key {
			return i, true
		}
	}
	return 0, false
}

// Add changes a field of a tally record.
func (tx *Tx) Add(key string, field uint8, op AddOp, value int64) {
	tx.change.Adds = append(tx.change.Adds, Add{key, field, op, value})
}

// Block puts a small block with the change; data belongs to the change.
func (tx *Tx) Block(id BlockID, data []byte) {
	tx.change.Blocks = append(tx.change.Blocks, Block{id, data})
}

// Need names a segment whose blocks the writes refer to.
func (tx *Tx) Need(id SegmentID) { tx.change.Needs = append(tx.change.Needs, id) }

// Event tells watchers to look at a key.
func (tx *Tx) Event(key string) { tx.change.Events = append(tx.change.Events, key) }

// Context is the context of the Update.
func (tx *Tx) Context() context.Context { return tx.ctx }

func (tx *Tx) empty() bool {
	c := &tx.change
	return len(c.Writes) == 0 && len(c.Adds) == 0 && len(c.Blocks) == 0
}
