package embedded

import (
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/cairnfs/cairn/blockstore"
)

// maxSessions is for how many sessions outcomes are kept: those that committed
// last.
const maxSessions = 256

// sessions knows the commit numbers of the last changes of each session.
type sessions struct {
	lru *simplelru.LRU[blockstore.ID, *outcomes]
}

// outcomes are the last changes of one session; order is a ring once it is full.
type outcomes struct {
	numbers map[uint64]uint64
	order   []uint64
	oldest  int
}

func newSessions() sessions {
	lru, _ := simplelru.NewLRU[blockstore.ID, *outcomes](maxSessions, nil)
	return sessions{lru}
}

// outcome is the number of a change that was carried out before.
func (s sessions) outcome(session blockstore.ID, seq uint64) (uint64, bool) {
	o, ok := s.lru.Peek(session)
	if !ok {
		return 0, false
	}
	number, ok := o.numbers[seq]
	return number, ok
}

func (s sessions) add(session blockstore.ID, seq, number uint64) {
	o, ok := s.lru.Get(session)
	if !ok {
		o = &outcomes{numbers: make(map[uint64]uint64)}
		s.lru.Add(session, o)
	}
	o.numbers[seq] = number
	if len(o.order) < blockstore.OutcomesKept {
		o.order = append(o.order, seq)
		return
	}
	delete(o.numbers, o.order[o.oldest])
	o.order[o.oldest] = seq
	o.oldest = (o.oldest + 1) % len(o.order)
}
