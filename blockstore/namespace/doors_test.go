package namespace_test

import (
	"context"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// ways calls a test with two ways into one volume: two doors of one session,
// and doors of two sessions. settle waits until each has heard of the other.
func ways(t *testing.T, test func(t *testing.T, a, b namespacetest.Direct, settle func())) {
	t.Run("two doors", func(t *testing.T) {
		s := begin(t, memstore.New(), noHistory)
		test(t, s.Direct, s.NewDoor(), func() {})
	})
	t.Run("two sessions", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			store := memstore.New()
			a, b := share(t, store), share(t, store)
			test(t, a.Direct, b.Direct, synctest.Wait)
		})
	})
}

// share begins a session beside others.
func share(t *testing.T, store blockstore.Store) *namespacetest.Session {
	t.Helper()
	s, err := namespacetest.Begin(store, noHistory, namespace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.End(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What one door has closed or flushed, an open file of the other reads.
func TestDoorSeesTheOther(t *testing.T) {
	ways(t, func(t *testing.T, a, b namespacetest.Direct, settle func()) {
		write(t, a, "f", []byte("one"))
		settle()
		same(t, b, "f", []byte("one"))
		f := open(t, b, "f", unix.O_RDWR)
		defer f.Close()
		write(t, a, "f", []byte("two and more"))
		settle()
		reads(t, f, []byte("two and more"))
		g := open(t, a, "f", unix.O_WRONLY)
		_, err := g.Pwrite([]byte("TWO"), 0)
		must(t, err)
		must(t, a.Door.Flush(t.Context(), blockstore.Lazy))
		settle()
		reads(t, f, []byte("TWO and more"))
		_, err = f.Pwrite([]byte("MORE"), 8)
		must(t, err)
		must(t, f.Fsync())
		must(t, g.Close())
		settle()
		same(t, a, "f", []byte("TWO and MORE"))
	})
}

// Both write at once, each somewhere else: nothing is lost.
func TestDoorsWriteOneFile(t *testing.T) {
	ways(t, func(t *testing.T, a, b namespacetest.Direct, settle func()) {
		write(t, a, "f", make([]byte, 100_000))
		f, g := open(t, a, "f", unix.O_WRONLY), open(t, b, "f", unix.O_WRONLY)
		want := make([]byte, 300_000)
		for i := range 30 {
			p := []byte{byte(i), byte(i + 1)}
			copy(want[i*10_000:], p)
			_, err := []namespacetest.File{f, g}[i%2].Pwrite(p, int64(i*10_000))
			must(t, err)
		}
		must(t, f.Close())
		settle()
		must(t, g.Close())
		settle()
		same(t, a, "f", want[:290_002])
		same(t, b, "f", want[:290_002])
	})
}

// A file that the other door removes or replaces goes on for who has it open,
// and nothing of it comes back.
func TestOpenFileOutlivesItsName(t *testing.T) {
	s := begin(t, memstore.New(), noHistory)
	a, b := s.Direct, s.NewDoor()
	big := make([]byte, 3<<20)
	for i := range big {
		big[i] = byte(i >> 8)
	}
	write(t, a, "removed", big)
	write(t, a, "replaced", []byte("old"))
	f, g := open(t, b, "removed", unix.O_RDWR), open(t, b, "replaced", unix.O_RDWR)
	must(t, a.Unlink("removed"))
	write(t, a, "new", []byte("new"))
	must(t, a.Rename("new", "replaced"))
	reads(t, f, big)
	reads(t, g, []byte("old"))
	_, err := f.Pwrite([]byte("still"), 0)
	must(t, err)
	copy(big, "still")
	must(t, f.Fsync())
	reads(t, f, big)
	must(t, f.Close())
	must(t, g.Close())
	if _, err := a.Lstat("removed"); err != unix.ENOENT {
		t.Errorf("removed: %v", err)
	}
	same(t, a, "replaced", []byte("new"))
}

// Two doors make one name: one wins.
func TestDoorsRace(t *testing.T) {
	s := begin(t, memstore.New(), noHistory)
	doors := []namespacetest.Direct{s.Direct, s.NewDoor(), s.NewDoor()}
	for range 100 {
		won := make(chan error, len(doors))
		for _, d := range doors {
			go func() { won <- d.Mkdir("d", 0755) }()
		}
		made := 0
		for range doors {
			switch err := <-won; err {
			case nil:
				made++
			case unix.EEXIST:
			default:
				t.Fatal(err)
			}
		}
		if made != 1 {
			t.Fatalf("the directory was made %d times", made)
		}
		must(t, s.Rmdir("d"))
	}
}

// A door hears of what the other did, and not of itself.
func TestHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		a, b := share(t, store), share(t, store)
		ctx, stop := context.WithCancel(t.Context())
		heard := make(chan []namespace.Hint)
		go func() {
			var hints []namespace.Hint
			for h, err := range b.Door.Hints(ctx) {
				if err != nil {
					t.Error(err)
				}
				hints = append(hints, h)
			}
			heard <- hints
		}()
		synctest.Wait()
		write(t, b, "mine", []byte("x"))
		write(t, a, "theirs", []byte("x"))
		attr, err := a.Door.Lookup(ctx, a.Root, "theirs")
		must(t, err)
		must(t, a.Chmod("theirs", 0600))
		must(t, a.Unlink("theirs"))
		synctest.Wait()
		stop()
		name, node := 0, 0
		hints := <-heard
		if !hints[0].All {
			t.Errorf("the first hint is %+v; what changed before was missed", hints[0])
		}
		for _, h := range hints[1:] {
			switch {
			case h.Dir == a.Root && h.Name == "theirs":
				name++
			case h.Node == attr.ID:
				node++
			case h.Name == "mine" || h.All:
				t.Errorf("hint %+v", h)
			}
		}
		if name < 2 || node < 1 {
			t.Errorf("%d hints of the name, %d of the node", name, node)
		}
	})
}
