package namespace

import (
	"slices"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// streamTable knows the logs of this session.
//
// It keeps those of nodes that were written and closed, so that a file that is
// opened, appended to and closed again and again has one segment and not one
// for each time. And it knows which segments are being written to: they have
// blocks that no commit came for yet, so nobody may remove them.
type streamTable struct {
	idle *lru.Cache[NodeID, *appender]

	mu   sync.Mutex
	busy map[blockstore.SegmentID]bool
}

// idleStreams bounds them; each takes some 150 bytes.
const idleStreams = 4096

func newStreamTable() *streamTable {
	return &streamTable{
		idle: must(lru.New[NodeID, *appender](idleStreams)),
		busy: make(map[blockstore.SegmentID]bool),
	}
}

// begin notes that a segment is written to from now on.
func (t *streamTable) begin(id blockstore.SegmentID) {
	t.mu.Lock()
	t.busy[id] = true
	t.mu.Unlock()
}

// end notes that a segment has no blocks any more that wait for a commit.
func (t *streamTable) end(id blockstore.SegmentID) {
	t.mu.Lock()
	delete(t.busy, id)
	t.mu.Unlock()
}

// retire says whether a segment may be removed as far as this session goes: no
// commit is still to come for its blocks, and it is not continued.
func (t *streamTable) retire(id blockstore.SegmentID, node NodeID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy[id] {
		return false
	}
	if a, ok := t.idle.Peek(node); ok && a.segment == id {
		t.idle.Remove(node)
	}
	return true
}

// resume is take, and begins to write to the log. Content that another session
// made does not go on in a log of this one.
func (t *streamTable) resume(id NodeID, m *Manifest) *appender {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, ok := t.idle.Peek(id)
	if !ok || !t.idle.Remove(id) || !slices.Contains(m.Segments, a.segment) {
		return nil
	}
	t.busy[a.segment] = true
	return a
}

// take removes and returns the idle log of a node, or nil.
func (t *streamTable) take(id NodeID) *appender {
	a, ok := t.idle.Peek(id)
	if !ok || !t.idle.Remove(id) {
		return nil
	}
	return a
}

// keep files the log of a clean node.
func (t *streamTable) keep(id NodeID, a *appender) {
	if a == nil {
		return
	}
	a.forgetBuffers()
	t.end(a.segment)
	if len(a.puts) == 0 && a.registered {
		t.idle.Add(id, a)
	}
}
