package embedded

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// recordAhead notices that records are read in key order, as a listing of a
// directory with its nodes does, and then reads the next ones along into the
// cache: to step on in a table costs a tenth of a search.
type recordAhead struct {
	mu   sync.Mutex
	last map[byte]lastMiss // by the first byte of the key: the kind of record
}

// lastMiss is where the cache missed last.
type lastMiss struct {
	key string
	run int // how many misses before it were in order
}

const (
	// neighbours is how many first bytes two keys that are near each other share.
	neighbours = 5
	// orderly is how many misses in order begin reading ahead.
	orderly = 3
	// batchRecords is how many records are read along.
	batchRecords = 64
	// batchValue is how long a record may be to be kept for a reader to come.
	batchValue = 1 << 10
)

// missed notes a miss, and says whether the misses are in order.
func (a *recordAhead) missed(key string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.last[key[0]]
	near := len(key) > neighbours && len(m.key) > neighbours && m.key[:neighbours] == key[:neighbours]
	if near && m.key < key {
		m.run++
	} else {
		m.run = 0
	}
	m.key = key
	a.last[key[0]] = m
	return m.run >= orderly
}

// reached notes up to where records were read along.
func (a *recordAhead) reached(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.last[key[0]]
	m.key = max(m.key, key)
	a.last[key[0]] = m
}

// readAlong puts the records after a key into the cache. What can't be read is
// left for whoever asks for it.
func (s *Store) readAlong(key string) {
	batch := s.cache.beginBatch()
	defer func() { s.cache.endBatch(batch) }()
	it, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: recordKey(key), UpperBound: []byte{recordKeys + 1},
	})
	if err != nil {
		return
	}
	defer it.Close()
	last := key
	for ok := it.First(); ok && len(batch.read) < batchRecords; ok = it.Next() {
		next := string(it.Key()[1:])
		if next[0] != key[0] {
			break
		}
		stored, err := it.ValueAndErr()
		if err != nil {
			return
		}
		if r, err := parseRecord(stored); err == nil && len(r.value) <= batchValue {
			batch.read = append(batch.read, readRecord{next, r})
		}
		last = next
	}
	s.ahead.reached(last)
}
