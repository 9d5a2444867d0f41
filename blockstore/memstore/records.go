package memstore

import (
	"bytes"
	"context"
	"iter"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

type record struct {
	value   []byte // never changed, so that readers share it
	version blockstore.Version
}

// Get returns a record.
func (s *Store) Get(ctx context.Context, key string) ([]byte, blockstore.Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx, "get record", key); err != nil {
		return nil, blockstore.Version{}, err
	}
	r, _ := s.records.Get(key)
	return r.value, r.version, nil
}

// Scan yields the records of the moment in which it begins.
func (s *Store) Scan(ctx context.Context, prefix, after string) iter.Seq2[blockstore.Record, error] {
	return func(yield func(blockstore.Record, error) bool) {
		s.mu.Lock()
		records := s.records.Copy()
		err := s.usable(ctx, "scan", prefix)
		s.mu.Unlock()
		if err != nil {
			yield(blockstore.Record{}, err)
			return
		}
		records.Ascend(max(prefix, after), func(key string, r record) bool {
			if err := ctx.Err(); err != nil {
				yield(blockstore.Record{}, blockstore.E("scan", prefix, blockstore.Canceled, err))
				return false
			}
			if !strings.HasPrefix(key, prefix) {
				return false
			}
			// The empty key is no record's, so after = "" holds nothing back.
			return key == after || yield(blockstore.Record{Key: key, Value: r.value, Version: r.version}, nil)
		})
	}
}

// leaves says whether there is a record under the prefix that the change does
// not delete.
func (s *Store) leaves(c *blockstore.Change, prefix string) (found bool) {
	s.records.Ascend(prefix, func(key string, _ record) bool {
		if !strings.HasPrefix(key, prefix) {
			return false
		}
		found = !c.Deletes(key)
		return !found
	})
	return found
}

func (s *Store) write(w blockstore.Write, v blockstore.Version) {
	if w.Value == nil {
		s.records.Delete(w.Key)
		return
	}
	s.records.Set(w.Key, record{bytes.Clone(w.Value), v})
}
