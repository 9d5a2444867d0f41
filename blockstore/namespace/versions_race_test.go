package namespace_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/faultstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// TestVersionsRace: whoever puts, deletes and takes versions away at once, what
// is current is the newest version that is left, unless that is a marker.
func TestVersionsRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(faultstore.Op) faultstore.Fault {
			return faultstore.Fault{Delay: rand.N(time.Millisecond)}
		}
		store := faultstore.New(memstore.New(), nil)
		s := begin(t, store, namespace.DefaultSettings())
		m := &versionModel{t: t, s: s}
		m.version(namespace.VersioningEnabled)
		for round := range 200 {
			rng := rand.New(rand.NewPCG(*firstSeed, uint64(round)))
			must(t, disturb(t.Context(), s, rng.IntN(2)))
			must(t, disturb(t.Context(), s, 1))
			var g errgroup.Group
			store.Set(slow)
			for range 3 {
				what := rng.IntN(5)
				g.Go(func() error { return disturb(t.Context(), s, what) })
			}
			must(t, g.Wait())
			store.Set(nil)
			m.topIsCurrent("a/k")
		}
	})
}

// TestVersionsGoTogether: of versions that are removed at once none is left, and
// the one that stays is found all the while, though it becomes the current one.
func TestVersionsGoTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faultstore.New(memstore.New(), nil)
		s := begin(t, store, namespace.DefaultSettings())
		m := &versionModel{t: t, s: s}
		m.version(namespace.VersioningEnabled)
		for range 100 {
			var ids []string
			for range 4 {
				info, err := s.Door.PutKey(t.Context(), s.Root, "a/k", s.Door.NewContent(t.Context()), namespace.PutKey{})
				must(t, err)
				ids = append(ids, info.Version)
			}
			store.Set(func(faultstore.Op) faultstore.Fault { return faultstore.Fault{Delay: rand.N(time.Millisecond)} })
			var g errgroup.Group
			for _, id := range ids[1:] {
				g.Go(func() error { return removeVersion(t.Context(), s, id) })
				g.Go(func() error { return findVersion(t.Context(), s, ids[0]) })
				g.Go(func() error { return touchVersion(t.Context(), s, ids[0]) })
			}
			must(t, g.Wait())
			store.Set(nil)
			for l, err := range s.Volume.ListVersions(t.Context(), s.Root, namespace.ListVersions{}) {
				if err != nil || l.Version != ids[0] || !l.Latest {
					t.Fatalf("version %s is left of %v, %v", l.Version, ids, err)
				}
			}
			must(t, removeVersion(t.Context(), s, ids[0]))
		}
	})
}

func removeVersion(ctx context.Context, s *namespacetest.Session, id string) error {
	_, err := s.Door.DeleteKey(ctx, s.Root, "a/k", id, nil)
	return err
}

// findVersion looks for a version again and again.
func findVersion(ctx context.Context, s *namespacetest.Session, id string) error {
	for range 20 {
		if _, err := s.Volume.StatKey(ctx, s.Root, "a/k", id); err != nil {
			return err
		}
	}
	return nil
}

// touchVersion changes nothing of a version that must be there.
func touchVersion(ctx context.Context, s *namespacetest.Session, id string) error {
	_, err := s.Door.UpdateObject(ctx, s.Root, "a/k", id, func(*namespace.ObjectInfo, *namespace.Object) error { return nil })
	return err
}

// topIsCurrent sees that the newest version of a key is the current one, or the
// marker that hides it.
func (m *versionModel) topIsCurrent(key string) {
	m.t.Helper()
	_, err := m.s.Volume.StatKey(m.t.Context(), m.s.Root, key, "")
	if err != nil && !errors.Is(err, blockstore.NotFound) {
		m.t.Fatal(err)
	}
	current, newest := err == nil, ""
	for l, err := range m.s.Volume.ListVersions(m.t.Context(), m.s.Root, namespace.ListVersions{Prefix: key}) {
		must(m.t, err)
		if newest == "" && (!l.Latest || l.Marker == current) {
			m.t.Fatalf("version %s of %q is the newest and not the current one", l.Version, key)
		}
		newest = l.Version
	}
	if current && newest == "" {
		m.t.Fatalf("%q is there, and has no versions", key)
	}
}

// disturb puts a key, deletes it, or takes one of its newest versions away.
func disturb(ctx context.Context, s *namespacetest.Session, what int) error {
	const key = "a/k"
	if what == 0 {
		_, err := s.Door.PutKey(ctx, s.Root, key, s.Door.NewContent(ctx), namespace.PutKey{})
		return err
	}
	version := ""
	for l, err := range s.Volume.ListVersions(ctx, s.Root, namespace.ListVersions{Prefix: key}) {
		if err != nil {
			return err
		}
		if what--; what == 0 {
			break
		}
		version = l.Version
	}
	_, err := s.Door.DeleteKey(ctx, s.Root, key, version, nil)
	return err
}

// TestReadDeletedVersion: who reads a version reads it to its end, whatever
// becomes of it, and of what took its bytes over.
func TestReadDeletedVersion(t *testing.T) {
	store := memstore.New()
	s := begin(t, store, noHistory)
	m := &versionModel{t: t, s: s}
	m.version(namespace.VersioningEnabled)
	write(t, s, "f", letters("1"))
	replace(t, s, "f", letters("2"))
	all, err := s.Volume.History(t.Context(), "home/f")
	must(t, err)
	old := all[1].ID
	r, info, err := s.Door.OpenKey(t.Context(), s.Root, "f", old)
	must(t, err)
	readsAll := func() {
		t.Helper()
		got := make([]byte, info.Attr.Size)
		if n, err := r.ReadAt(t.Context(), got, 0); err != nil && err != io.EOF || string(got[:n]) != string(letters("1")) {
			t.Fatalf("%d bytes, %v", n, err)
		}
	}
	if _, err := s.Door.DeleteKey(t.Context(), s.Root, "f", old, nil); err != nil {
		t.Fatal(err)
	}
	_, err = s.Volume.Collect(t.Context(), nil)
	must(t, err)
	readsAll()
	must(t, r.Close(t.Context()))
	for _, p := range all[:1] {
		if _, err := s.Door.DeleteKey(t.Context(), s.Root, "f", p.ID, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Door.DeleteKey(t.Context(), s.Root, "f.new", markerOf(t, s, "f.new"), nil); err != nil {
		t.Fatal(err)
	}
	empty(t, store, s)
}

// markerOf is the delete marker that hides a key.
func markerOf(t *testing.T, s *namespacetest.Session, key string) string {
	t.Helper()
	info, err := s.Volume.StatKey(t.Context(), s.Root, key, "")
	if !errors.Is(err, blockstore.NotFound) || !info.Marker {
		t.Fatalf("%q: %+v, %v, want a delete marker", key, info, err)
	}
	return info.Version
}

// TestRandomVersioned: to programs a versioned bucket is as any other.
func TestRandomVersioned(t *testing.T) {
	random(t, func() namespacetest.Opener {
		store := memstore.New()
		return func() (namespacetest.FS, func() error, error) {
			s, err := namespacetest.Begin(store, namespace.DefaultSettings(), namespace.Options{Exclusive: true})
			if err != nil {
				return nil, nil, err
			}
			err = s.Volume.SetBucketConfig(t.Context(), s.Root, func(b *namespace.BucketRecord) error {
				b.Versioning = namespace.VersioningEnabled
				return nil
			})
			return s, s.End, err
		}
	})
}
