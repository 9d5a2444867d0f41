// Package blockstoretest is the conformance suite of blockstore.Store: what
// every engine and every decorator must do, tested through the interface
// alone. An engine calls it from one test:
//
//	func TestConformance(t *testing.T) {
//		blockstoretest.Run(t, func(t *testing.T) blockstore.Store { ... })
//	}
//
// Promises about power cuts and killed processes are not here: an engine that
// makes them has the means to break them in its own tests. This package
// imports blockstore, the standard library and x/sync.
package blockstoretest

import (
	"testing"

	"github.com/cairnfs/cairn/blockstore"
)

// Suite says how to get at the engine under test.
type Suite struct {
	// Open returns a new, empty store that is ready for use. The suite closes
	// it, before the cleanups that Open registered with t run.
	Open func(t *testing.T) blockstore.Store

	// Reopen closes the store and opens it again with all that it holds. It is
	// nil for engines that keep nothing.
	Reopen func(t *testing.T, s blockstore.Store) blockstore.Store

	// OpenForgetful is like Open; the feed of the store keeps so little that
	// the oldest of any 1000 events is gone after the last. It is nil if the
	// engine can't be made so.
	OpenForgetful func(t *testing.T) blockstore.Store
}

// Run runs the suite on an engine that can only be opened.
func Run(t *testing.T, open func(t *testing.T) blockstore.Store) {
	Suite{Open: open}.Run(t)
}

// A property is one thing that must hold of a fresh store.
type property struct {
	name string
	test func(h *harness)
}

// Run runs the suite, each property on a store of its own.
func (s Suite) Run(t *testing.T) {
	groups := [][]property{
		blockProperties, recordProperties, commitProperties, repeatProperties,
		invalidProperties, raceProperties, cancelProperties, feedProperties,
		randomProperties,
	}
	for _, group := range groups {
		s.run(t, s.Open, group)
	}
	if s.Reopen != nil {
		s.run(t, s.Open, reopenProperties)
	}
	if s.OpenForgetful != nil {
		s.run(t, s.OpenForgetful, forgetfulProperties)
	}
}

func (s Suite) run(t *testing.T, open func(t *testing.T) blockstore.Store, group []property) {
	for _, p := range group {
		t.Run(p.name, func(t *testing.T) { p.test(newHarness(t, s, open)) })
	}
}
