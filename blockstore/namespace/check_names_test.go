package namespace_test

import (
	"strings"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// A check finds names that lost what they need.
func TestCheckNames(t *testing.T) {
	long := strings.Repeat("n", 300)
	harms := map[string]func(key string) bool{
		"there are none":    func(key string) bool { return key[0] == 'e' && strings.HasSuffix(key, "only") },
		"can't be found by": func(key string) bool { return key[0] == 'a' },
		"is of no entry":    func(key string) bool { return key[0] == 'e' && strings.HasSuffix(key, long) },
	}
	for says, harms := range harms {
		store := memstore.New()
		s, err := namespacetest.Begin(store, noHistory, namespace.Options{Exclusive: true})
		must(t, err)
		for _, key := range []string{"implied/only", long} {
			_, err := putKey(t, s.Direct, key, "x", namespace.PutKey{})
			must(t, err)
		}
		must(t, s.Check())
		w := blockstore.NewWriter(store, blockstore.NewID())
		for r, err := range store.Scan(t.Context(), "", "") {
			must(t, err)
			if !harms(r.Key) {
				continue
			}
			_, err := w.Update(t.Context(), blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
				tx.Delete(r.Key)
				return nil
			})
			must(t, err)
		}
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("nothing says %q: %v", says, err)
		}
		must(t, s.Kill())
	}
}
