package fusefs

import (
	"sync"
	"sync/atomic"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"golang.org/x/sys/unix"
)

// node is a file, directory or other thing that the kernel knows by a number.
type node struct {
	id  namespace.NodeID
	num uint64 // the kernel's
	gen uint64 // tells this use of num from earlier ones

	// Guarded by nodes.mu:
	lookups uint64 // how often the kernel was told of it, less what it forgot
	parent  uint64 // with name: where it was last found
	name    string

	// mode is the last mode seen, with modeKnown: it saves asking whether there
	// are setuid bits to clear at every write.
	mode atomic.Uint32
	// changed says that another door changed the content since the last open.
	changed atomic.Bool
}

// modeKnown marks a mode that was really seen.
const modeKnown = 1 << 31

// sawMode remembers the mode.
func (n *node) sawMode(mode uint32) { n.mode.Store(mode | modeKnown) }

// hasPrivileges says whether there may be setuid or setgid bits.
func (n *node) hasPrivileges() bool {
	m := n.mode.Load()
	return m&modeKnown == 0 || m&(unix.S_ISUID|unix.S_ISGID) != 0
}

// nodes maps the kernel's numbers to nodes and back. A node is in it as long
// as the kernel may name it.
type nodes struct {
	mu    sync.RWMutex
	slots slots[node]
	byID  map[namespace.NodeID]*node
	gen   uint64
}

// rootNum is the kernel's number of the root: FUSE_ROOT_ID.
const rootNum = 1

func newNodes(root namespace.NodeID) *nodes {
	t := &nodes{byID: make(map[namespace.NodeID]*node)}
	r := &node{id: root, num: rootNum, lookups: 1}
	t.slots.all = []*node{nil, r}
	t.byID[root] = r
	return t
}

// get finds the node of a request.
func (t *nodes) get(num uint64) (*node, error) {
	t.mu.RLock()
	n := t.slots.get(num)
	t.mu.RUnlock()
	if n == nil {
		return nil, unix.ESTALE
	}
	return n, nil
}

// find returns the node that the kernel knows under an id, or nil.
func (t *nodes) find(id namespace.NodeID) *node {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byID[id]
}

// enter counts that the kernel is told of a node, found at a name.
func (t *nodes) enter(a *namespace.Attr, parent uint64, name string) *node {
	t.mu.Lock()
	n := t.byID[a.ID]
	if n == nil {
		t.gen++
		n = &node{id: a.ID, gen: t.gen}
		n.num = t.slots.put(n)
		t.byID[a.ID] = n
	}
	n.lookups++
	n.parent, n.name = parent, name
	t.mu.Unlock()
	n.sawMode(a.Mode)
	return n
}

// forget takes back count times of enter.
func (t *nodes) forget(num, count uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.slots.get(num)
	if n == nil || num == rootNum {
		return
	}
	if n.lookups -= min(count, n.lookups); n.lookups == 0 {
		delete(t.byID, n.id)
		t.slots.drop(num)
	}
}

// place is a name in a directory, or with an empty name the node itself.
type place struct {
	num  uint64
	name string
}

// places lists every node, and where each was last found.
func (t *nodes) places() []place {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make([]place, 0, 2*len(t.byID))
	for _, n := range t.byID {
		all = append(all, place{num: n.num})
		if n.name != "" {
			all = append(all, place{n.parent, n.name})
		}
		n.changed.Store(true)
		n.mode.Store(0)
	}
	return all
}
