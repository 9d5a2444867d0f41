package namespace_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

func noise(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// readAll reads in pieces, all of it or until it fails.
func readAll(t *testing.T, r *namespace.ObjectReader) ([]byte, error) {
	t.Helper()
	all := make([]byte, r.Size())
	for off := 0; off < len(all); off += 100_000 {
		if _, err := r.ReadAt(t.Context(), all[off:min(off+100_000, len(all))], int64(off)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// What is open by its key stays whole, whoever takes the key from it, and takes
// no room when it was closed.
func TestReaderKeepsItsContent(t *testing.T) {
	takings := map[string]func(t *testing.T, d namespacetest.Direct) error{
		"put": func(t *testing.T, d namespacetest.Direct) error {
			_, err := putKey(t, d, "d/k", "new", namespace.PutKey{})
			return err
		},
		"delete": func(t *testing.T, d namespacetest.Direct) error {
			_, err := d.Door.DeleteKey(t.Context(), d.Root, "d/k", "", nil)
			return err
		},
		"unlink": func(_ *testing.T, d namespacetest.Direct) error { return d.Unlink("d/k") },
		"rename": func(_ *testing.T, d namespacetest.Direct) error {
			return errors.Join(try(d, "other", nil), d.Rename("other", "d/k"))
		},
	}
	for name, take := range takings {
		t.Run(name, func(t *testing.T) {
			store := memstore.New()
			s := begin(t, store, noHistory)
			body := noise(rand.New(rand.NewPCG(1, 1)), 3<<20)
			_, err := putKey(t, s.Direct, "d/k", string(body), namespace.PutKey{})
			must(t, err)
			r, info, err := s.Door.OpenKey(t.Context(), s.Root, "d/k", "")
			must(t, err)
			must(t, take(t, s.Direct))
			_, err = s.Volume.Collect(t.Context(), nil)
			must(t, err)
			if got, err := readAll(t, r); err != nil || !bytes.Equal(got, body) || info.Attr.Size != int64(len(body)) {
				t.Errorf("%d bytes of %d: %v", len(got), info.Attr.Size, err)
			}
			must(t, r.Close(t.Context()))
			if err := namespacetest.Clear(s, "."); err != nil {
				t.Error(err)
			}
			empty(t, store, s)
		})
	}
}

// A reader of a file that a mount changes in place reads what was there when it
// was opened, or fails; it never reads something of both.
func TestReaderNeverMixes(t *testing.T) {
	store := memstore.New()
	s := begin(t, store, noHistory)
	rng := rand.New(rand.NewPCG(*firstSeed, 5))
	body := noise(rng, 9<<20)
	_, err := putKey(t, s.Direct, "k", string(body), namespace.PutKey{})
	must(t, err)
	f := open(t, s, "k", unix.O_RDWR)
	defer f.Close()
	stale := 0
	for round := range 60 {
		r, _, err := s.Door.OpenKey(t.Context(), s.Root, "k", "")
		must(t, err)
		after := slices.Clone(body)
		for range rng.IntN(40) {
			b, off := noise(rng, 1+rng.IntN(20_000)), rng.IntN(len(body)-20_000)
			copy(after[off:], b)
			_, err := f.Pwrite(b, int64(off))
			must(t, err)
		}
		if rng.IntN(3) > 0 {
			must(t, f.Fsync())
		}
		if rng.IntN(3) == 0 {
			_, err := s.Volume.Collect(t.Context(), nil)
			must(t, err)
		}
		got, err := readAll(t, r)
		switch {
		case errors.Is(err, blockstore.Stale):
			stale++
		case err != nil || !bytes.Equal(got, body):
			t.Fatalf("round %d: not what was there: %v", round, err)
		}
		must(t, r.Close(t.Context()))
		must(t, f.Fsync())
		body = after
	}
	if stale == 60 {
		t.Error("nothing could be read at all")
	}
}

// Mode, owner and grants stay with a key when its file is replaced; what is new
// is its directory's.
func TestPutKeeps(t *testing.T) {
	s := begin(t, memstore.New(), noHistory)
	must(t, s.As(7, 8).Mkdir("d", 0o700))
	grants := []namespace.Grant{{Grantee: "someone", Permission: "READ"}}
	put := func(key string, o *namespace.Object) {
		_, err := putKey(t, s.Direct, key, "x", namespace.PutKey{Object: o})
		must(t, err)
	}
	is := func(path string, mode, uid, gid uint32) {
		t.Helper()
		if st, err := s.Stat(path); err != nil || st.Mode&0o7777 != mode || st.UID != uid || st.GID != gid {
			t.Errorf("%s is %+v, %v", path, st, err)
		}
	}
	put("d/i/k", &namespace.Object{ACL: grants})
	is("d/i", 0o755, 7, 8)
	is("d/i/k", 0o644, 7, 8)
	must(t, s.Chmod("d/i/k", 0o4600))
	must(t, s.Lchown("d/i/k", 9, 10))
	put("d/i/k", nil)
	is("d/i/k", 0o600, 9, 10)
	must(t, s.Symlink("nowhere", "d/l"))
	put("d/l", nil)
	is("d/l", 0o644, 0, 0)
	info, err := s.Volume.StatKey(t.Context(), s.Root, "d/i/k", "")
	if err != nil || info.Object == nil || !slices.Equal(info.Object.ACL, grants) {
		t.Errorf("the grants of the new one: %+v, %v", info.Object, err)
	}
}

// A key may be as deep as it is long.
func TestDeepKey(t *testing.T) {
	s := begin(t, memstore.New(), noHistory)
	key := strings.Repeat("/", namespace.MaxObjectKey)
	_, err := putKey(t, s.Direct, key, "x", namespace.PutKey{})
	must(t, err)
	for e, err := range s.Volume.ListKeys(t.Context(), s.Root, namespace.ListKeys{}) {
		if err != nil || e.Key != key {
			t.Errorf("%d bytes, %v", len(e.Key), err)
		}
	}
	deleted, err := s.Door.DeleteKey(t.Context(), s.Root, key, "", nil)
	if err != nil || !deleted.Existed {
		t.Errorf("%+v, %v", deleted, err)
	}
	must(t, s.Volume.RemoveBucket(t.Context(), namespacetest.Bucket))
}

// Fifos, devices and sockets are no keys. A directory that has nothing else is
// not one that a key implies.
func TestNoKeys(t *testing.T) {
	s := begin(t, memstore.New(), noHistory)
	keys := func(want ...string) {
		t.Helper()
		var got []string
		for e, err := range s.Volume.ListKeys(t.Context(), s.Root, namespace.ListKeys{}) {
			must(t, err)
			got = append(got, e.Key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, not %q", got, want)
		}
		must(t, s.Check())
	}
	remove := func(key string) {
		_, err := s.Door.DeleteKey(t.Context(), s.Root, key, "", nil)
		must(t, err)
	}
	_, err := putKey(t, s.Direct, "d/k", "x", namespace.PutKey{})
	must(t, err)
	must(t, s.Mknod("d/p", unix.S_IFIFO|0o644, 0))
	keys("d/", "d/k")
	if _, err := s.Volume.StatKey(t.Context(), s.Root, "d/p", ""); !errors.Is(err, blockstore.NotFound) {
		t.Errorf("a fifo as a key: %v", err)
	}
	remove("d/")
	keys("d/k")
	remove("d/p")
	remove("d/k")
	keys("d/") // for its fifo
	_, err = putKey(t, s.Direct, "d/p", "x", namespace.PutKey{If: func(current *namespace.ObjectInfo) error {
		if current != nil {
			t.Errorf("a condition is asked of %+v", current)
		}
		return nil
	}})
	must(t, err)
	keys("d/", "d/p")
	remove("d/")
	remove("d/p")
	keys()
	if _, err := s.Stat("d"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("the directory of the last key: %v", err)
	}
}

// Metadata and headers of an object are extended attributes of its file, both
// ways; a change of content by a mount leaves them.
func TestObjectXattrs(t *testing.T) {
	s := begin(t, memstore.New(), noHistory)
	_, err := putKey(t, s.Direct, "k", "x", namespace.PutKey{
		Object: &namespace.Object{
			ETag: "0123", Headers: map[string]string{"Content-Type": "text/plain", "Cache-Control": "no-store"},
			Metadata: map[string]string{"color": "red"},
		},
		Xattrs: map[string][]byte{"user.own": []byte("1")},
	})
	must(t, err)
	names, err := s.Listxattr("k")
	if want := []string{"user.mime_type", "user.own", "user.s3.header.Cache-Control", "user.s3.meta.color"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("%q, %v", names, err)
	}
	value := make([]byte, 100)
	if n, err := s.Getxattr("k", "user.s3.meta.color", value); err != nil || string(value[:n]) != "red" {
		t.Errorf("%q, %v", value[:n], err)
	}
	must(t, s.Setxattr("k", "user.s3.meta.size", []byte("ü"), unix.XATTR_CREATE))
	must(t, s.Setxattr("k", "user.mime_type", []byte("image/png"), unix.XATTR_REPLACE))
	must(t, s.Removexattr("k", "user.s3.meta.color"))
	must(t, s.Removexattr("k", "user.s3.header.Cache-Control"))
	for name, value := range map[string]string{
		"user.s3.meta.": "x", "user.s3.meta.a b": "x", "user.s3.meta.a": "x\ny", "user.s3.header.Set-Cookie": "x",
		"user.s3.header.Content-Type": "text/plain",
	} {
		if err := s.Setxattr("k", name, []byte(value), 0); !errors.Is(err, unix.EINVAL) {
			t.Errorf("%s is set: %v", name, err)
		}
	}
	write(t, s, "k", []byte("changed"))
	info, err := s.Volume.StatKey(t.Context(), s.Root, "k", "")
	must(t, err)
	o := info.Object
	if len(o.Metadata) != 1 || o.Metadata["size"] != "ü" || len(o.Headers) != 1 || o.Headers["Content-Type"] != "image/png" {
		t.Errorf("%+v", o)
	}
	if o.ETag != "" || len(info.ETag) != 34 {
		t.Errorf("the changed content has ETag %q, shown as %q", o.ETag, info.ETag)
	}
}

// A door hears of every name under which an entry shows, even when it was its own
// change of another name.
func TestHintsOfOtherNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := share(t, memstore.New())
		_, err := putKey(t, s.NewDoor(), "a/b", "x", namespace.PutKey{})
		must(t, err)
		ctx, stop := context.WithCancel(t.Context())
		heard := make(map[string]int)
		done := make(chan error)
		go func() {
			for h, err := range s.Door.Hints(ctx) {
				if err != nil {
					done <- err
					return
				}
				if h.Dir == s.Root {
					heard[h.Name]++
				}
			}
			done <- nil
		}()
		synctest.Wait()
		hears := func(names ...string) {
			t.Helper()
			synctest.Wait()
			for _, name := range names {
				if heard[name] == 0 {
					t.Errorf("nothing was heard of %q", name)
				}
			}
			clear(heard)
		}
		_, err = putKey(t, s.NewDoor(), "a", "x", namespace.PutKey{})
		must(t, err)
		hears("a", ".s3-file=a")
		must(t, s.Unlink("a/b"))
		hears()
		must(t, s.Rmdir("a"))
		hears("a", ".s3-file=a")
		stop()
		must(t, <-done)
	})
}

// FuzzPosixName puts any component into both slots of an entry, and makes any
// name by a mount: what is shown leads back to it.
func FuzzPosixName(f *testing.F) {
	for i, c := range components {
		f.Add(c, namespace.PosixName(components[(i+1)%len(components)], i%2 == 0))
		f.Add(c, c)
	}
	f.Fuzz(func(t *testing.T, component, name string) {
		s := begin(t, memstore.New(), noHistory)
		if bytes.IndexByte([]byte(component), '/') < 0 && len(component) < namespace.MaxObjectKey-4 {
			for key, shown := range map[string]string{
				"d/" + component:        namespace.PosixName(component, true),
				"d/" + component + "/x": namespace.PosixName(component, false) + "/x",
			} {
				_, err := putKey(t, s.Direct, key, "body", namespace.PutKey{})
				must(t, err)
				defer same(t, s, "d/"+shown, []byte("body"))
			}
		}
		dir, err := s.Door.Make(t.Context(), s.Root, "e", namespace.NewNode{Kind: namespace.Dir})
		must(t, err)
		a, err := s.Door.Make(t.Context(), dir.ID, name, namespace.NewNode{Kind: namespace.File})
		if err != nil {
			if k := blockstore.KindOf(err); k != blockstore.Invalid && k != blockstore.NameTooLong {
				t.Errorf("%q: %v", name, err)
			}
			return
		}
		d, err := s.Door.OpenDir(t.Context(), dir.ID)
		must(t, err)
		defer d.Close()
		must(t, d.Read(t.Context(), 2, func(e namespace.Entry, _ uint64) bool {
			if e.Name != name || e.ID != a.ID {
				t.Errorf("%q is shown as %q", name, e.Name)
			}
			return true
		}))
	})
}
