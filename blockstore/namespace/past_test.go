package namespace_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// letters is a content that compaction and small blocks don't hide anything of.
func letters(c string) []byte { return bytes.Repeat([]byte(c), 100_000) }

// replace puts a file in the place of another, as editors do.
func replace(t *testing.T, s *namespacetest.Session, name string, content []byte) {
	t.Helper()
	write(t, s, name+".new", content)
	must(t, s.Rename(name+".new", name))
}

func restore(t *testing.T, s *namespacetest.Session, path string, r namespace.Restore) []string {
	t.Helper()
	done, err := s.Door.Restore(t.Context(), path, r)
	if err != nil {
		t.Fatalf("restore %s %+v: %v", path, r, err)
	}
	return done
}

// what tells of the history of a file in short: C for current, R for replaced,
// X for removed, M for a delete marker.
func what(t *testing.T, s *namespacetest.Session, path string) string {
	t.Helper()
	all, err := s.Volume.History(t.Context(), path)
	if err != nil && !errors.Is(err, blockstore.NotFound) {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range all {
		switch {
		case p.Path != path:
			t.Errorf("the history of %s has %s", path, p.Path)
		case p.Current:
			b.WriteString("C")
		case p.Marker:
			b.WriteString("M")
		case p.Removed:
			b.WriteString("X")
		default:
			b.WriteString("R")
		}
	}
	return b.String()
}

// TestRestore brings back what was replaced and removed, by time, by id and the
// last of it, in place and elsewhere; nothing is lost by it.
func TestRestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		s := begin(t, store, namespace.DefaultSettings())
		must(t, s.Mkdir("d", 0755))
		start := namespace.Now()
		var times []namespace.Time
		for _, c := range []string{"1", "2", "3"} {
			if c == "1" {
				write(t, s, "d/f", letters(c))
			} else {
				replace(t, s, "d/f", letters(c))
			}
			time.Sleep(2 * time.Minute)
			times = append(times, namespace.Now())
			time.Sleep(time.Minute)
		}
		must(t, s.Unlink("d/f"))
		if got := what(t, s, "home/d/f"); got != "XRR" {
			t.Fatalf("history is %s", got)
		}
		if _, err := s.Door.Restore(t.Context(), "home/d/f", namespace.Restore{At: start - 1}); !errors.Is(err, blockstore.NotFound) {
			t.Errorf("restored what was not there: %v", err)
		}
		restore(t, s, "home/d/f", namespace.Restore{At: times[1], To: "home/copy"})
		same(t, s, "copy", letters("2"))
		time.Sleep(time.Second)
		restore(t, s, "home/d/f", namespace.Restore{})
		same(t, s, "d/f", letters("3"))
		time.Sleep(time.Second)
		restore(t, s, "home/d/f", namespace.Restore{At: times[0]}) // d/f is seconds old, and kept
		same(t, s, "d/f", letters("1"))
		if got := what(t, s, "home/d/f"); got != "CRXRR" {
			t.Errorf("history is %s", got)
		}
		all, err := s.Volume.History(t.Context(), "home/d/f")
		must(t, err)
		restore(t, s, "home/d/f", namespace.Restore{Version: all[3].ID})
		same(t, s, "d/f", letters("2"))
		if done := restore(t, s, "home/d/f", namespace.Restore{At: times[1]}); done != nil {
			t.Errorf("restored %s, which was as it is", done)
		}
		write(t, s, "copy", letters("x")) // what was copied from it is another file
		same(t, s, "d/f", letters("2"))
		must(t, s.Unlink("copy"))
		must(t, s.Unlink("d/f"))
		time.Sleep(30 * time.Hour)
		empty(t, store, s)
		if got := what(t, s, "home/d/f"); got != "" {
			t.Errorf("after the history time, history is %s", got)
		}
	})
}

// TestRestoreDirectory brings back a tree as it was.
func TestRestoreDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, memstore.New(), namespace.DefaultSettings())
		for _, dir := range []string{"d", "d/e", "d2"} {
			must(t, s.Mkdir(dir, 0755))
		}
		for _, name := range []string{"d/same", "d/removed", "d/e/removed", "d/e/replaced", "d2/removed"} {
			write(t, s, name, letters(name[:1]))
		}
		time.Sleep(2 * time.Minute)
		at := namespace.Now()
		time.Sleep(2 * time.Minute)
		write(t, s, "d/later", letters("l"))
		for _, name := range []string{"d/removed", "d/e/removed", "d2/removed"} {
			must(t, s.Unlink(name))
		}
		replace(t, s, "d/e/replaced", letters("new"))
		must(t, s.Rename("d/e", "d/moved"))
		done := restore(t, s, "home/d", namespace.Restore{At: at})
		if want := []string{"home/d/e/removed", "home/d/e/replaced", "home/d/removed"}; !slices.Equal(done, want) {
			t.Errorf("restored %q, want %q", done, want)
		}
		for _, name := range []string{"d/same", "d/removed", "d/e/removed", "d/e/replaced"} {
			same(t, s, name, letters("d"))
		}
		same(t, s, "d/later", letters("l"))
		same(t, s, "d/moved/replaced", letters("new"))
		if got := what(t, s, "home/d2/removed"); got != "X" {
			t.Errorf("another directory was restored too: %s", got)
		}
	})
}

// TestRestoreVersion: in a versioned bucket what is restored is a new version.
func TestRestoreVersion(t *testing.T) {
	s := begin(t, memstore.New(), namespace.DefaultSettings())
	must(t, s.Volume.SetBucketConfig(t.Context(), s.Root, func(b *namespace.BucketRecord) error {
		b.Versioning = namespace.VersioningEnabled
		return nil
	}))
	write(t, s, "f", letters("1"))
	replace(t, s, "f", letters("2"))
	must(t, s.Unlink("f"))
	if got := what(t, s, "home/f"); got != "MXR" {
		t.Fatalf("history is %s", got)
	}
	all, err := s.Volume.History(t.Context(), "home/f")
	must(t, err)
	restore(t, s, "home/f", namespace.Restore{Version: all[2].ID})
	same(t, s, "f", letters("1"))
	restore(t, s, "home/f", namespace.Restore{To: "home/g"})
	same(t, s, "g", letters("2"))
	if got := what(t, s, "home/f"); got != "CMXR" {
		t.Errorf("history is %s", got)
	}
}

// TestTrash lists and empties what is kept for a while.
func TestTrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		s := begin(t, store, namespace.DefaultSettings())
		for _, name := range []string{"a", "b", "bb", "c"} {
			write(t, s, name, letters(name))
		}
		time.Sleep(time.Hour)
		must(t, s.Unlink("a"))
		replace(t, s, "b", letters("x"))
		cut := namespace.Now()
		time.Sleep(time.Hour)
		must(t, s.Unlink("bb"))
		list := func(path string) string {
			var b strings.Builder
			for p, err := range s.Volume.Trash(t.Context(), path) {
				must(t, err)
				b.WriteString(p.Path)
				if p.Removed {
					b.WriteString("(removed)")
				}
				b.WriteString(" ")
			}
			return b.String()
		}
		if got := list(""); got != "home/a(removed) home/b home/bb(removed) " {
			t.Errorf("the trash has %s", got)
		}
		if got := list("home/b"); got != "home/b home/bb(removed) " {
			t.Errorf("below home/b the trash has %s", got)
		}
		n, size, err := s.Volume.EmptyTrash(t.Context(), "home/b", cut)
		if err != nil || n != 1 || size != 100_000 {
			t.Errorf("%d files of %d bytes were given up, %v", n, size, err)
		}
		if got := list(""); got != "home/a(removed) home/bb(removed) " {
			t.Errorf("the trash has %s", got)
		}
		n, _, err = s.Volume.EmptyTrash(t.Context(), "", namespace.Now())
		if err != nil || n != 2 {
			t.Errorf("%d files were given up, %v", n, err)
		}
		must(t, s.Unlink("b"))
		must(t, s.Unlink("c"))
		_, _, err = s.Volume.EmptyTrash(t.Context(), "", namespace.Now())
		must(t, err)
		empty(t, store, s)
	})
}

// TestScarceRoom: what is kept for a while makes room for what is written, the
// oldest first; versions stay.
func TestScarceRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const piece = 1 << 20
		store := memstore.NewWith(memstore.Options{Capacity: 10 * piece})
		s := begin(t, store, namespace.DefaultSettings())
		kept, err := s.Volume.CreateBucket(t.Context(), "kept", namespace.NewNode{Mode: 0755})
		must(t, err)
		must(t, s.Volume.SetBucketConfig(t.Context(), kept.ID, func(b *namespace.BucketRecord) error {
			b.Versioning = namespace.VersioningEnabled
			return nil
		}))
		versioned := namespacetest.Direct{Door: s.Door, Root: kept.ID}
		write(t, versioned, "version", make([]byte, piece))
		time.Sleep(time.Hour)
		must(t, versioned.Unlink("version"))
		for i, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
			write(t, s, name, bytes.Repeat([]byte{byte(i)}, piece))
			time.Sleep(time.Hour)
			must(t, s.Unlink(name))
		}
		if got := what(t, s, "home/a") + what(t, s, "home/k") + what(t, s, "home/l"); got != "XX" {
			t.Errorf("what is left of a, k, l: %s", got)
		}
		if got := what(t, s, "kept/version"); got != "MX" {
			t.Errorf("history of the versioned bucket is %s", got)
		}
		f := open(t, s, "large", unix.O_CREAT|unix.O_WRONLY)
		for i := range 8 {
			if _, err := f.Pwrite(bytes.Repeat([]byte{byte(i)}, piece), int64(i*piece)); err != nil {
				t.Fatal(err)
			}
		}
		must(t, f.Fsync())
		must(t, f.Close())
	})
}

// TestCheckHistory: a history record in the wrong place, or twice, is found.
func TestCheckHistory(t *testing.T) {
	store := memstore.New()
	s := begin(t, store, namespace.DefaultSettings())
	m := &versionModel{t: t, s: s}
	m.version(namespace.VersioningEnabled)
	write(t, s, "f", letters("1"))
	must(t, s.Unlink("f"))
	must(t, s.Check())
	w := blockstore.NewWriter(store, blockstore.NewID())
	var copied []string
	for r, err := range store.Scan(t.Context(), "h", "") {
		must(t, err)
		for _, other := range []string{r.Key[:len(r.Key)-1] + "x", strings.Replace(r.Key, "f\x00", "g\x00", 1)} {
			_, err := w.Update(t.Context(), blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
				tx.Put(other, r.Value)
				return nil
			})
			must(t, err)
			copied = append(copied, other)
		}
	}
	err := s.Check()
	for _, want := range []string{"twice", "is of the key f", "same content id"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the check does not say %q but %v", want, err)
		}
	}
	_, err = w.Update(t.Context(), blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
		for _, key := range copied {
			tx.Delete(key)
		}
		return nil
	})
	must(t, err)
}
