package embedded

import (
	"hash/maphash"
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// groups knows which records are absent where many are asked for that are: names
// that are about to be made in a directory. A group is the records whose keys begin
// with the same kind and id. Of a small one the hashes of all keys are read into
// memory, and those of later ones added as they are written, so that a key that is
// not among them needs no search of the database.
//
// The invariant: a group that is whole has every key that the database has, or had.
// So keys are added before the commit that wrote them can be seen in the cache.
type groups struct {
	mu   sync.Mutex
	seed maphash.Seed
	lru  *simplelru.LRU[string, *group]
	size int // hashes of all groups
}

// group is what is known of a group. Keys that are removed stay in it: to look for
// one that is absent costs a search and no more.
type group struct {
	misses int
	state  groupState
	keys   map[uint64]struct{}
}

type groupState uint8

const (
	groupUnknown groupState = iota
	groupLoading
	groupWhole
	groupLarge // not worth reading
)

const (
	// groupPrefix is the length of a kind and an id.
	groupPrefix = 1 + 16
	// groupMisses is how many absent records were asked for before a group is read.
	groupMisses = 2
	// groupRead is how many keys a group may have to be read.
	groupRead = 512
	// mostGroups and mostHashes bound the memory, the latter to some 8 MiB.
	mostGroups = 4 << 10
	mostHashes = 256 << 10
)

func newGroups() *groups {
	g := &groups{seed: maphash.MakeSeed()}
	g.lru, _ = simplelru.NewLRU(math.MaxInt, func(_ string, x *group) { g.size -= len(x.keys) })
	return g
}

// lacks says that there is no such record.
func (g *groups) lacks(key string) bool {
	if len(key) <= groupPrefix {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	x, ok := g.lru.Get(key[:groupPrefix])
	if !ok || x.state != groupWhole {
		return false
	}
	_, there := x.keys[maphash.String(g.seed, key)]
	return !there
}

// missed notes that a record was searched for and is absent. If its group shall be
// read now, it begins to gather the keys that are written.
func (g *groups) missed(key string) *group {
	if len(key) <= groupPrefix {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	x, ok := g.lru.Get(key[:groupPrefix])
	if !ok {
		x = new(group)
		g.lru.Add(key[:groupPrefix], x)
		g.shrink()
	}
	if x.misses++; x.misses < groupMisses || x.state != groupUnknown {
		return nil
	}
	x.state, x.keys = groupLoading, make(map[uint64]struct{})
	return x
}

// wrote adds the keys of a commit.
func (g *groups) wrote(writes []recordWrite) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range writes {
		if w.value == nil || len(w.key) <= groupPrefix {
			continue
		}
		if x, ok := g.lru.Peek(w.key[:groupPrefix]); ok && x.keys != nil {
			g.add(x, w.key)
		}
	}
	g.shrink()
}

func (g *groups) add(x *group, key string) {
	before := len(x.keys)
	x.keys[maphash.String(g.seed, key)] = struct{}{}
	g.size += len(x.keys) - before
}

// read ends the reading of a group: all its keys, or too many.
func (g *groups) read(x *group, keys []string, whole bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if x.state != groupLoading {
		return // it was forgotten meanwhile
	}
	if !whole {
		g.size -= len(x.keys)
		x.state, x.keys = groupLarge, nil
		return
	}
	for _, key := range keys {
		g.add(x, key)
	}
	x.state = groupWhole
	g.shrink()
}

func (g *groups) shrink() {
	for g.lru.Len() > mostGroups || g.size > mostHashes {
		if _, x, ok := g.lru.RemoveOldest(); ok {
			x.state = groupUnknown
		}
	}
}

// readGroup reads the keys of a group.
func (s *Store) readGroup(x *group, prefix string) {
	var keys []string
	it, err := s.db.NewIter(scanBounds(prefix, ""))
	if err != nil {
		s.groups.read(x, nil, false)
		return
	}
	ok := it.First()
	for ; ok && len(keys) < groupRead; ok = it.Next() {
		keys = append(keys, string(it.Key()[1:]))
	}
	err = it.Close()
	s.groups.read(x, keys, !ok && err == nil)
}
