package namespace

import (
	"maps"
	"slices"
	"sync"
)

// openTable knows which nodes are open in this process, through any door, and
// which are just being removed, so that a node is either kept for its handles
// or gone before anybody opens it.
type openTable struct {
	mu       sync.Mutex
	done     *sync.Cond // a removal ended
	open     map[NodeID]int
	removing map[NodeID]int
	nameless map[NodeID]bool // open, and to be retired by the last close
}

func newOpenTable() *openTable {
	t := &openTable{open: make(map[NodeID]int), removing: make(map[NodeID]int), nameless: make(map[NodeID]bool)}
	t.done = sync.NewCond(&t.mu)
	return t
}

// enter counts an open node. It waits for a removal under way; afterwards the
// caller finds out whether the node is still there.
func (t *openTable) enter(id NodeID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.removing[id] > 0 {
		t.done.Wait()
	}
	t.open[id]++
}

// leave undoes enter, and says whether it was the last, and if so whether it was
// left to it to retire the node.
func (t *openTable) leave(id NodeID) (last, nameless bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[id]--
	if t.open[id] > 0 {
		return false, false
	}
	nameless = t.nameless[id]
	delete(t.open, id)
	delete(t.nameless, id)
	return true, nameless
}

// leaveToLast leaves it to the last close to retire a node that has no name any
// more; false if nobody has it open.
func (t *openTable) leaveToLast(id NodeID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open[id] == 0 {
		return false
	}
	t.nameless[id] = true
	return true
}

// count is how many doors' handles the node has.
func (t *openTable) count(id NodeID) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[id]
}

// beginRemove says whether the node may be removed: nobody has it open, and
// nobody can open it until endRemove.
func (t *openTable) beginRemove(id NodeID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open[id] > 0 {
		return false
	}
	t.removing[id]++
	return true
}

func (t *openTable) endRemove(ids []NodeID) {
	if len(ids) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		if t.removing[id]--; t.removing[id] == 0 {
			delete(t.removing, id)
		}
	}
	t.done.Broadcast()
}

// all are the nodes that are open.
func (t *openTable) all() []NodeID {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Keys(t.open))
}
