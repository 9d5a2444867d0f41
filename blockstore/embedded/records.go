package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// Get returns a record, from memory if it was used lately.
func (s *Store) Get(ctx context.Context, key string) ([]byte, blockstore.Version, error) {
	if err := s.usable(ctx, "get record", key); err != nil {
		return nil, blockstore.Version{}, err
	}
	r, err := s.lookup(key)
	return r.value, blockstore.Version{N: r.number}, err
}

// lookup finds a record in the cache or in the database.
func (s *Store) lookup(key string) (state, error) {
	r, fill := s.cache.get(key)
	if fill == nil {
		return r, nil
	}
	if s.groups.lacks(key) {
		s.cache.endFill(key, fill, state{}, nil)
		return state{}, nil
	}
	r, err := s.load(key)
	s.awaitApplied()
	s.cache.endFill(key, fill, r, err)
	if err == nil {
		s.learn(key, r.number > 0)
	}
	return r, err
}

// learn sees to what is likely to be asked for next, after a record that memory did
// not know.
func (s *Store) learn(key string, there bool) {
	if there {
		if s.ahead.missed(key) {
			s.readAlong(key)
		}
		return
	}
	if g := s.groups.missed(key); g != nil {
		s.readGroup(g, key[:groupPrefix])
	}
}

// awaitApplied returns when the cache knows of whatever was just read from the
// database: who saw one write of a change there must find the others of it.
func (s *Store) awaitApplied() {
	if s.applying.Load() { // so mu is not the caller's
		s.mu.Lock()
		defer s.mu.Unlock()
	}
}

// load reads a record from the database. It seeks where a plain Get would do,
// because only then Pebble asks the filters of the last level: most of the records
// that are looked up here are guarded to be absent.
func (s *Store) load(key string) (r state, err error) {
	const op = "get record"
	full := recordKey(key)
	it, err := s.db.NewIter(&pebble.IterOptions{UseL6Filters: true})
	if err != nil {
		return state{}, fault(op, key, err)
	}
	if it.SeekPrefixGE(full) && bytes.Equal(it.Key(), full) {
		stored, valueErr := it.ValueAndErr()
		if valueErr == nil {
			r, err = parseRecord(stored)
		}
	}
	if closeErr := it.Close(); closeErr != nil {
		return state{}, fault(op, key, closeErr)
	}
	if err != nil {
		return state{}, blockstore.E(op, key, blockstore.Corrupt, err)
	}
	return r, nil
}

// parseRecord copies a record out of a database value.
func parseRecord(stored []byte) (state, error) {
	if len(stored) < 8 {
		return state{}, fmt.Errorf("%d bytes", len(stored))
	}
	value := append(make([]byte, 0, len(stored)-8), stored[8:]...)
	return state{value, binary.BigEndian.Uint64(stored)}, nil
}

// A scan reads pages and holds nothing of the database in between, however long
// its reader takes. The first page is small, for readers that want few records.
const (
	firstPage = 16
	lastPage  = 1024
	pageBytes = 1 << 20
)

// Scan yields the records in key order.
func (s *Store) Scan(ctx context.Context, prefix, after string) iter.Seq2[blockstore.Record, error] {
	return func(yield func(blockstore.Record, error) bool) {
		for size, after := firstPage, after; ; size = min(4*size, lastPage) {
			page, more, err := s.page(ctx, prefix, after, size)
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
				after = r.Key
			}
			if err != nil {
				yield(blockstore.Record{}, err)
			}
			if err != nil || !more {
				return
			}
		}
	}
}

// page reads up to size records; more says that there may be others.
func (s *Store) page(ctx context.Context, prefix, after string, size int) (page []blockstore.Record, more bool, err error) {
	const op = "scan"
	if err := s.usable(ctx, op, prefix); err != nil {
		return nil, false, err
	}
	s.mu.Lock() // or a scan would see commits that Get does not see yet
	it, err := s.db.NewIter(scanBounds(prefix, after))
	s.mu.Unlock()
	if err != nil {
		return nil, false, fault(op, prefix, err)
	}
	total := 0
	ok := it.First()
	for ; ok && len(page) < size && total < pageBytes; ok = it.Next() {
		stored, err := it.ValueAndErr()
		if err != nil {
			break // Close tells
		}
		key := string(it.Key()[1:])
		r, err := parseRecord(stored)
		if err != nil {
			return page, false, errors.Join(blockstore.E(op, key, blockstore.Corrupt, err), it.Close())
		}
		page = append(page, blockstore.Record{Key: key, Value: r.value, Version: blockstore.Version{N: r.number}})
		total += len(key) + len(r.value)
	}
	if err := it.Close(); err != nil {
		return page, false, fault(op, prefix, err)
	}
	return page, ok, nil
}

// scanBounds are the keys with the prefix that are greater than after.
func scanBounds(prefix, after string) *pebble.IterOptions {
	lower, upper := recordKey(prefix), prefixEnd(recordKey(prefix))
	if next := append(recordKey(after), 0); after != "" && bytes.Compare(next, lower) > 0 {
		lower = next
	}
	if bytes.Compare(lower, upper) > 0 {
		lower = upper
	}
	return &pebble.IterOptions{LowerBound: lower, UpperBound: upper}
}

// leaves says whether there is a record under the prefix that the change does
// not delete.
func (s *Store) leaves(c *blockstore.Change, prefix string) (bool, error) {
	it, err := s.db.NewIter(scanBounds(prefix, ""))
	if err != nil {
		return false, fault("scan", prefix, err)
	}
	more := it.First()
	for more && c.Deletes(string(it.Key()[1:])) {
		more = it.Next()
	}
	if err := it.Close(); err != nil {
		return false, fault("scan", prefix, err)
	}
	return more, nil
}
