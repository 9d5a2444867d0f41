package namespace

import lru "github.com/hashicorp/golang-lru/v2"

// streamTable keeps the logs of nodes that were written and closed, so that a
// file that is opened, appended to and closed again and again has one segment
// and not one for each time.
type streamTable struct {
	lru *lru.Cache[NodeID, *appender]
}

// idleStreams bounds them; each takes some 150 bytes.
const idleStreams = 4096

func newStreamTable() *streamTable {
	return &streamTable{lru: must(lru.New[NodeID, *appender](idleStreams))}
}

// take removes and returns the log of a node, or nil.
func (t *streamTable) take(id NodeID) *appender {
	a, ok := t.lru.Peek(id)
	if !ok || !t.lru.Remove(id) {
		return nil
	}
	return a
}

// keep files an idle log. One with blocks that the engine doesn't have is not
// worth keeping: its node was closed in spite of an error.
func (t *streamTable) keep(id NodeID, a *appender) {
	if a == nil {
		return
	}
	a.forgetBuffers()
	if len(a.puts) == 0 && a.registered {
		t.lru.Add(id, a)
	}
}
