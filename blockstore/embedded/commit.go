package embedded

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// recordWrite is what becomes of one record; a nil value removes it. The bytes
// belong to the engine.
type recordWrite struct {
	key   string
	value []byte
}

// decided is a change that is in the commit order.
type decided struct {
	number uint64
	batch  *pebble.Batch // on its way to the disk; nil for a repeat
}

// Commit carries out a change.
func (s *Store) Commit(ctx context.Context, c *blockstore.Change, d blockstore.Durability) (blockstore.Version, error) {
	if err := s.admit(ctx, c); err != nil {
		return blockstore.Version{}, err
	}
	if err := s.syncBefore(c, d); err != nil {
		s.health.fail(err)
		return blockstore.Version{}, s.health.check("commit", deciding(c))
	}
	s.warm(c)
	done, err := s.decide(c, d)
	if err != nil {
		return blockstore.Version{}, err
	}
	if d == blockstore.Sync {
		err = s.settle(done, deciding(c))
	}
	return blockstore.Version{N: done.number}, err
}

// syncBefore syncs the segments that can't wait for the log to be synced.
func (s *Store) syncBefore(c *blockstore.Change, d blockstore.Durability) error {
	if len(c.Needs) == 0 {
		return nil
	}
	if err := s.segs.adopt(c.Needs); err != nil || d != blockstore.Sync {
		return err
	}
	// So that the writer of the log, which others wait for, seldom has to.
	return s.segs.syncThese(c.Needs)
}

// admit refuses what can't be done whatever the state of the records.
func (s *Store) admit(ctx context.Context, c *blockstore.Change) error {
	const op = "commit"
	if err := s.usable(ctx, op, deciding(c)); err != nil {
		return err
	}
	if err := c.Check(); err != nil {
		return err
	}
	if err := s.room.take(changeSize(c), classify(c)); err != nil {
		return fault(op, deciding(c), err)
	}
	return nil
}

// decide makes the change the next in the commit order, or finds that it was one
// before, or that a guard does not hold.
func (s *Store) decide(c *blockstore.Change, d blockstore.Durability) (decided, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number, done := s.sessions.outcome(c.Session, c.Seq); done {
		return decided{number: number}, nil
	}
	if err := s.guard(c); err != nil {
		return decided{}, err
	}
	writes, err := s.results(c)
	if err != nil {
		return decided{}, err
	}
	return s.carryOut(c, writes, d)
}

// warm reads what the guards are about, so that those who wait for mu do not wait
// for the disk.
func (s *Store) warm(c *blockstore.Change) {
	for _, g := range c.Guards {
		if !g.Empty {
			_, _ = s.lookup(g.Key) // guard tells of errors
		}
	}
}

// guard checks all guards. The caller holds mu.
func (s *Store) guard(c *blockstore.Change) error {
	for _, g := range c.Guards {
		if g.Empty {
			found, err := s.leaves(c, g.Key)
			if err != nil {
				return err
			}
			if found {
				return blockstore.E("commit", g.Key, blockstore.Conflict, fmt.Errorf("prefix not empty"))
			}
			continue
		}
		r, err := s.lookup(g.Key)
		if err != nil {
			return err
		}
		if g.Version != (blockstore.Version{N: r.number}) {
			return blockstore.E("commit", g.Key, blockstore.Conflict, nil)
		}
	}
	return nil
}

// results is what the writes and additions of the change make of the records. An
// addition comes after a write of the same record. The caller holds mu.
func (s *Store) results(c *blockstore.Change) ([]recordWrite, error) {
	writes := make([]recordWrite, len(c.Writes), len(c.Writes)+len(c.Adds))
	total := 0
	for _, w := range c.Writes {
		total += len(w.Value)
	}
	arena := make([]byte, 0, total)
	for i, w := range c.Writes {
		writes[i].key = w.Key
		if w.Value != nil {
			from := len(arena)
			arena = append(arena, w.Value...)
			writes[i].value = arena[from:len(arena):len(arena)]
		}
	}
	for i, a := range c.Adds {
		if added(c.Adds[:i], a.Key) {
			continue
		}
		var err error
		if writes, err = s.addTally(writes, a.Key, c.Adds[i:]); err != nil {
			return nil, err
		}
	}
	return writes, nil
}

func added(adds []blockstore.Add, key string) bool {
	return slices.ContainsFunc(adds, func(a blockstore.Add) bool { return a.Key == key })
}

// addTally carries out all the additions to one record.
func (s *Store) addTally(writes []recordWrite, key string, adds []blockstore.Add) ([]recordWrite, error) {
	i := slices.IndexFunc(writes, func(w recordWrite) bool { return w.key == key })
	if i < 0 {
		r, err := s.lookup(key)
		if err != nil {
			return nil, err
		}
		i = len(writes)
		writes = append(writes, recordWrite{key, r.value})
	}
	tally, err := blockstore.DecodeTally(writes[i].value)
	if err != nil {
		return nil, blockstore.E("commit", key, blockstore.Other, err)
	}
	for _, a := range adds {
		if a.Key == key {
			tally = tally.Apply(a)
		}
	}
	writes[i].value = tally.Encode()
	return writes, nil
}

// carryOut gives the change its number and makes it visible. The caller holds mu.
func (s *Store) carryOut(c *blockstore.Change, writes []recordWrite, d blockstore.Durability) (decided, error) {
	number := s.last + 1
	record := feedRecord{
		at: time.Now(), session: c.Session, seq: c.Seq, origin: c.Origin,
		synced: min(s.synced.Load(), number),
		events: c.Events, needs: s.segs.need(c.Needs),
	}
	b := s.db.NewBatch()
	for _, block := range c.Blocks {
		_ = b.Set(smallKey(block.ID), block.Data, nil)
	}
	for _, w := range writes {
		putRecord(b, w, number)
	}
	stored := record.encode(make([]byte, 0, record.size()), number)
	_ = b.Set(feedKey(number), stored, nil)

	durability := pebble.NoSync
	if d == blockstore.Sync {
		durability = pebble.Sync
	}
	s.applying.Store(true)
	defer s.applying.Store(false)
	if err := s.append("commit", deciding(c), b, number, durability); err != nil {
		return decided{}, err
	}
	s.groups.wrote(writes)
	s.cache.put(writes, number)
	s.sessions.add(c.Session, c.Seq, number)
	s.feed.publish(number, c, len(stored))
	if d == blockstore.Sync {
		return decided{number, b}, nil
	}
	return decided{number: number}, b.Close()
}

// putRecord adds a write to the batch without an intermediate copy.
func putRecord(b *pebble.Batch, w recordWrite, number uint64) {
	if w.value == nil {
		op := b.DeleteDeferred(1 + len(w.key))
		op.Key[0] = recordKeys
		copy(op.Key[1:], w.key)
		_ = op.Finish()
		return
	}
	op := b.SetDeferred(1+len(w.key), 8+len(w.value))
	op.Key[0] = recordKeys
	copy(op.Key[1:], w.key)
	binary.BigEndian.PutUint64(op.Value, number)
	copy(op.Value[8:], w.value)
	_ = op.Finish()
}

// settle waits until the change is durable.
func (s *Store) settle(done decided, name string) error {
	if done.batch == nil {
		if s.synced.Load() >= done.number {
			return nil
		}
		return s.syncLog("commit")
	}
	return s.await("commit", name, done.batch, done.number)
}
