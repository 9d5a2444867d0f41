package embedded

import (
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// state is a record as the cache knows it.
type state struct {
	value  []byte
	number uint64 // the commit that wrote it; 0: there is no such record
}

// recordCache holds the records that were used last, absent ones too, bounded by
// bytes. A record in it is never older than the last commit that returned:
// commits write through, and a read that a commit overtook is not kept.
type recordCache struct {
	mu    sync.Mutex
	lru   *simplelru.LRU[string, state]
	size  int
	limit int
	fills map[string]*fill
	// batches are being read from the database now.
	batches map[*recordBatch]bool
}

// recordBatch is records that are read along for readers to come.
type recordBatch struct {
	read      []readRecord
	overtaken map[string]bool // written since the batch began
}

type readRecord struct {
	key string
	state
}

// fill is a read of the database on its way into the cache.
type fill struct {
	readers   int
	overtaken bool
}

// entryCost is what an entry takes besides its key and value.
const entryCost = 200

func newRecordCache(limit int) *recordCache {
	c := &recordCache{limit: limit, fills: make(map[string]*fill), batches: make(map[*recordBatch]bool)}
	c.lru, _ = simplelru.NewLRU(math.MaxInt, func(key string, r state) { c.size -= cost(key, r) })
	return c
}

func cost(key string, r state) int { return entryCost + len(key) + len(r.value) }

// get returns the record, or else a fill to be ended by endFill.
func (c *recordCache) get(key string) (state, *fill) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.lru.Get(key); ok {
		return r, nil
	}
	f := c.fills[key]
	if f == nil {
		f = &fill{}
		c.fills[key] = f
	}
	f.readers++
	return state{}, f
}

// peek returns the record if it is there.
func (c *recordCache) peek(key string) (state, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lru.Get(key)
}

// endFill keeps what was read, unless that failed or a commit was quicker.
func (c *recordCache) endFill(key string, f *fill, r state, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && !f.overtaken {
		c.add(key, r)
	}
	if f.readers--; f.readers == 0 && c.fills[key] == f {
		delete(c.fills, key)
	}
}

// beginBatch begins to read records along.
func (c *recordCache) beginBatch() *recordBatch {
	b := &recordBatch{overtaken: make(map[string]bool)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batches[b] = true
	return b
}

// endBatch keeps what was read, but for what the cache has, or a commit wrote.
func (c *recordCache) endBatch(b *recordBatch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.batches, b)
	for _, r := range b.read {
		if !b.overtaken[r.key] && !c.lru.Contains(r.key) {
			c.add(r.key, r.state)
		}
	}
}

// put writes a commit through. Nobody else commits meanwhile.
func (c *recordCache) put(writes []recordWrite, number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range writes {
		for b := range c.batches {
			b.overtaken[w.key] = true
		}
		if f := c.fills[w.key]; f != nil {
			f.overtaken = true
			delete(c.fills, w.key)
		}
		if w.value == nil {
			c.add(w.key, state{})
			continue
		}
		c.add(w.key, state{w.value, number})
	}
}

func (c *recordCache) add(key string, r state) {
	if old, ok := c.lru.Peek(key); ok {
		c.size -= cost(key, old)
	}
	c.lru.Add(key, r)
	c.size += cost(key, r)
	for c.size > c.limit {
		c.lru.RemoveOldest()
	}
}
