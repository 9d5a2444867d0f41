package namespace_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// kindOfKey is the kind of record under a key that begins so.
var kindOfKey = map[byte]string{
	'a': "alias", 'b': "bucket", 'd': "due", 'e': "entry", 'h': "history", 'm': "upload", 'n': "node", 'o': "open",
	'p': "part", 's': "segment", 'S': "session", 'x': "extents",
}

// FuzzRecords decodes anything as a record of every kind: it fails cleanly, or
// what it took in is encoded and decoded again without a change.
func FuzzRecords(f *testing.F) {
	store := memstore.New()
	s, err := namespacetest.Begin(store, namespace.DefaultSettings(), namespace.Options{})
	if err != nil {
		f.Fatal(err)
	}
	p := namespacetest.NewPlayer(s)
	for _, step := range namespacetest.Script(1, 300) {
		if step.Op != "reopen" {
			p.Play(step)
		}
	}
	if err := s.Kill(); err != nil {
		f.Fatal(err)
	}
	seen := make(map[byte]int)
	for r, err := range store.Scan(f.Context(), "", "") {
		if err != nil {
			f.Fatal(err)
		}
		if seen[r.Key[0]]++; seen[r.Key[0]] < 8 {
			f.Add(r.Key, r.Value)
		}
	}
	kinds := namespace.RecordKinds()
	slices.Sort(kinds)
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		namespace.NameKey(key)
		for _, kind := range kinds {
			once, err := namespace.Recode(kind, key, value)
			if err != nil {
				if k := blockstore.KindOf(err); k != blockstore.Corrupt && k != blockstore.NewerFormat {
					t.Errorf("%s: %v", kind, err)
				}
				if len(key) > 0 && kindOfKey[key[0]] == kind && ours(store, t, key, value) {
					t.Errorf("%s that was just written: %v", kind, err)
				}
				continue
			}
			twice, err := namespace.Recode(kind, key, once)
			if err != nil || len(twice) != len(once) {
				t.Errorf("%s: %x was taken in, but %x becomes %x, %v", kind, value, once, twice, err)
			}
		}
	})
}

// ours says whether this is a record that the store has.
func ours(store blockstore.Store, t *testing.T, key string, value []byte) bool {
	have, _, err := store.Get(t.Context(), key)
	return err == nil && len(have) > 0 && bytes.Equal(have, value)
}
