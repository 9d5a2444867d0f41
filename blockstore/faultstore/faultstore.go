// Package faultstore makes a store fail on purpose: errors, lost replies,
// delays, a full disk, unreadable blocks, reads that stop early. It is a
// decorator of any blockstore.Store, for tests of what stands above one.
//
// Which call fails, and how, is the business of a Hook; hooks that many tests
// want live here, those of one test live with it. Without a hook the store is
// what it decorates. It imports blockstore and the standard library.
package faultstore

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// Call is a method of a store.
type Call string

// The calls that can fail.
const (
	PutBlock      Call = "put block"
	GetBlock      Call = "get block"
	DeleteBlocks  Call = "delete blocks"
	RemoveSegment Call = "remove segment"
	ListBlocks    Call = "list blocks"
	Get           Call = "get record"
	Scan          Call = "scan"
	Commit        Call = "commit"
	Sync          Call = "sync"
	Head          Call = "head"
	Watch         Call = "watch"
	Space         Call = "space"
)

// Op is one call that is about to be made.
type Op struct {
	Call   Call
	Name   string             // the block, segment, key, prefix or cursor; of a Commit the deciding key
	N      int                // how many calls there were since Set, with this one
	Change *blockstore.Change // of a Commit: not to be altered or kept
}

// Fault is what is wrong with a call; the zero Fault is nothing.
type Fault struct {
	// Delay comes first. It ends early, as Canceled, with the caller's context.
	Delay time.Duration
	// Err is returned, and the call not made.
	Err error
	// Lost makes the call, and returns Unknown whatever came of it.
	Lost bool
	// Short lets a GetBlock stop at the first border of a granule.
	Short bool
	// Items is how many items a Scan, ListBlocks or Watch yields before Err.
	Items int
}

// Hook says what is wrong with a call. It is called by many goroutines at once,
// and may block: so a test holds a call until something else has happened.
type Hook func(Op) Fault

// Store decorates a store. It is safe for concurrent use.
type Store struct {
	inner blockstore.Store

	mu   sync.Mutex
	hook Hook
	n    int
}

var _ blockstore.Store = (*Store)(nil)

// New decorates inner, which now belongs to the Store. A nil hook has no faults.
func New(inner blockstore.Store, hook Hook) *Store {
	return &Store{inner: inner, hook: hook}
}

// Set puts another hook in place for the calls that begin from now on, and
// counts them from 1. A nil hook has no faults.
func (s *Store) Set(hook Hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook, s.n = hook, 0
}

// fault asks the hook, without the lock.
func (s *Store) fault(op Op) Fault {
	s.mu.Lock()
	s.n++
	op.N = s.n
	hook := s.hook
	s.mu.Unlock()
	if hook == nil {
		return Fault{}
	}
	return hook(op)
}

// wait lets the delay of a fault pass.
func (f Fault) wait(ctx context.Context, op Op) error {
	if f.Delay <= 0 {
		return nil
	}
	t := time.NewTimer(f.Delay)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return blockstore.E(string(op.Call), op.Name, blockstore.Canceled, ctx.Err())
	case <-t.C:
		return nil
	}
}

// err is the error of the fault, nil if it has none.
func (f Fault) err(op Op) error {
	if f.Err == nil {
		return nil
	}
	return blockstore.E(string(op.Call), op.Name, blockstore.Other, f.Err)
}

// do makes a call under its fault.
func do[T any](ctx context.Context, s *Store, op Op, call func(Fault) (T, error)) (T, error) {
	var none T
	f := s.fault(op)
	if err := f.wait(ctx, op); err != nil {
		return none, err
	}
	if err := f.err(op); err != nil {
		return none, err
	}
	v, err := call(f)
	if f.Lost {
		return none, blockstore.E(string(op.Call), op.Name, blockstore.Unknown, nil)
	}
	return v, err
}

// doErr is do for calls that return an error alone.
func doErr(ctx context.Context, s *Store, op Op, call func() error) error {
	_, err := do(ctx, s, op, func(Fault) (struct{}, error) { return struct{}{}, call() })
	return err
}

// iterate is do for iterations: each is a call when it begins.
func iterate[T any](ctx context.Context, s *Store, op Op, items iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		f := s.fault(op)
		if err := f.wait(ctx, op); err != nil {
			if op.Call != Watch { // which ends without an error
				yield(none, err)
			}
			return
		}
		n := 0
		for v, err := range items {
			if f.Err != nil && n == f.Items {
				break
			}
			n++
			if !yield(v, err) {
				return
			}
		}
		if err := f.err(op); err != nil {
			yield(none, err)
		}
	}
}
