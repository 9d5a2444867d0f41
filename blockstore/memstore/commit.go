package memstore

import (
	"context"
	"fmt"

	"github.com/cairnfs/cairn/blockstore"
)

// outcomes are the last successful changes of one session.
type outcomes struct {
	versions map[uint64]blockstore.Version
	order    []uint64 // the keys of versions, oldest first
}

func (o *outcomes) add(seq uint64, v blockstore.Version) {
	o.versions[seq] = v
	o.order = append(o.order, seq)
	if len(o.order) > blockstore.OutcomesKept {
		delete(o.versions, o.order[0])
		o.order = o.order[1:]
	}
}

// Commit carries out a change. All that can fail comes before the first
// effect, so there is nothing to take back.
func (s *Store) Commit(ctx context.Context, c *blockstore.Change, _ blockstore.Durability) (blockstore.Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx, "commit", ""); err != nil {
		return blockstore.Version{}, err
	}
	if err := c.Check(); err != nil {
		return blockstore.Version{}, err
	}
	if v, done := s.outcome(c); done {
		return v, nil
	}
	if err := s.guard(c); err != nil {
		return blockstore.Version{}, err
	}
	if len(c.Blocks) > 0 {
		if err := s.room("commit", c.Blocks...); err != nil {
			return blockstore.Version{}, err
		}
	}
	tallies, err := s.tally(c)
	if err != nil {
		return blockstore.Version{}, err
	}
	return s.apply(c, tallies), nil
}

// outcome is what came of the change if it was done before.
func (s *Store) outcome(c *blockstore.Change) (blockstore.Version, bool) {
	o := s.sessions[c.Session]
	if o == nil {
		return blockstore.Version{}, false
	}
	v, done := o.versions[c.Seq]
	return v, done
}

// guard says whether all guards of the change hold.
func (s *Store) guard(c *blockstore.Change) error {
	for _, g := range c.Guards {
		if g.Empty && s.leaves(c, g.Key) {
			return blockstore.E("commit", g.Key, blockstore.Conflict, fmt.Errorf("prefix not empty"))
		}
		if r, _ := s.records.Get(g.Key); !g.Empty && r.version != g.Version {
			return blockstore.E("commit", g.Key, blockstore.Conflict, nil)
		}
	}
	return nil
}

// tally works out the records that the additions make. An addition to a record
// that the same change writes comes after the write.
func (s *Store) tally(c *blockstore.Change) (map[string]blockstore.Tally, error) {
	if len(c.Adds) == 0 {
		return nil, nil
	}
	values := make(map[string][]byte, len(c.Writes))
	for _, w := range c.Writes {
		values[w.Key] = w.Value
	}
	tallies := make(map[string]blockstore.Tally, len(c.Adds))
	for _, a := range c.Adds {
		t, begun := tallies[a.Key]
		if !begun {
			value, written := values[a.Key]
			if !written {
				r, _ := s.records.Get(a.Key)
				value = r.value
			}
			var err error
			if t, err = blockstore.DecodeTally(value); err != nil {
				return nil, blockstore.E("commit", a.Key, blockstore.Other, err)
			}
		}
		tallies[a.Key] = t.Apply(a)
	}
	return tallies, nil
}

// apply does the change and remembers that it was done.
func (s *Store) apply(c *blockstore.Change, tallies map[string]blockstore.Tally) blockstore.Version {
	s.last++
	v := blockstore.Version{N: s.last}
	for _, b := range c.Blocks {
		s.setBlock(b)
	}
	for _, w := range c.Writes {
		s.write(w, v)
	}
	for key, t := range tallies {
		s.write(blockstore.Write{Key: key, Value: t.Encode()}, v)
	}
	o := s.sessions[c.Session]
	if o == nil {
		o = &outcomes{versions: make(map[uint64]blockstore.Version)}
		s.sessions[c.Session] = o
	}
	o.add(c.Seq, v)
	s.announce(c)
	return v
}
