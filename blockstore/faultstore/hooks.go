package faultstore

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// Nth makes the n-th call since Set fail, whichever it is. A test that counts n
// up until nothing fails any more has been interrupted everywhere.
func Nth(n int, f Fault) Hook {
	return func(op Op) Fault {
		if op.N != n {
			return Fault{}
		}
		return f
	}
}

// On makes every call of a kind fail.
func On(call Call, f Fault) Hook {
	return func(op Op) Fault {
		if op.Call != call {
			return Fault{}
		}
		return f
	}
}

// Rates are the parts, from 0 to 1, of the calls that have some fault.
type Rates struct {
	Unavailable float64       // any call: not made
	Unknown     float64       // Commit: Unknown, in half of the cases after doing it
	NoSpace     float64       // PutBlock, and Commit with small blocks: not made
	Corrupt     float64       // GetBlock and Get: Corrupt, as of an engine whose checksum is wrong
	Short       float64       // GetBlock: stops early
	Delay       time.Duration // any call: up to so much
}

// Random draws faults at the rates. With one caller the seed decides them all.
func Random(seed uint64, r Rates) Hook {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 0))
	return func(op Op) Fault {
		mu.Lock()
		defer mu.Unlock()
		return r.draw(rng, op)
	}
}

// draw asks for all chances in any case, so that a rate does not shift the
// others' luck.
func (r Rates) draw(rng *rand.Rand, op Op) (f Fault) {
	chance := func(rate float64) bool { return rng.Float64() < rate }
	unavailable, unknown, done := chance(r.Unavailable), chance(r.Unknown), chance(0.5)
	noSpace, corrupt, short := chance(r.NoSpace), chance(r.Corrupt), chance(r.Short)
	f.Delay = time.Duration(rng.Float64() * float64(r.Delay))
	f.Short = short
	grows := op.Call == PutBlock || op.Change != nil && len(op.Change.Blocks) > 0
	switch {
	case unavailable:
		f.Err = blockstore.Unavailable
	case noSpace && grows:
		f.Err = blockstore.NoSpace
	case corrupt && (op.Call == GetBlock || op.Call == Get):
		f.Err = blockstore.Corrupt
	case unknown && op.Call == Commit && done:
		f.Lost = true
	case unknown && op.Call == Commit:
		f.Err = blockstore.Unknown
	}
	return f
}
