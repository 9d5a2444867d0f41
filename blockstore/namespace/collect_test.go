package namespace_test

import (
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// TestCollect does random things in sessions of which some end without notice,
// removes everything, and wants every block back.
func TestCollect(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			store := open(t)
			rng := rand.New(rand.NewPCG(*firstSeed, 3))
			for round := range 6 {
				disorder(t, store, rng, uint64(round))
			}
			s := begin(t, store, noHistory)
			if err := namespacetest.Clear(s, "."); err != nil {
				t.Fatal(err)
			}
			empty(t, store, s)
		})
	}
}

// disorder is a session of random steps that may end in the midst of them.
func disorder(t *testing.T, store blockstore.Store, rng *rand.Rand, seed uint64) {
	t.Helper()
	s, err := namespacetest.Begin(store, noHistory, namespace.Options{Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	p := namespacetest.NewPlayer(s)
	for _, step := range namespacetest.Script(*firstSeed+seed, 1000) {
		if step.Op != "reopen" {
			p.Play(step)
		}
		if rng.IntN(300) > 0 {
			continue
		}
		if _, err := s.Volume.Collect(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if rng.IntN(3) > 0 {
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := s.End(); err != nil {
		t.Error(err)
	}
}

// empty says that after a collection nothing is left of any content.
func empty(t *testing.T, store blockstore.Store, s *namespacetest.Session) {
	t.Helper()
	if _, err := s.Volume.Collect(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if n, bytes := blocks(t, store); n > 0 {
		t.Errorf("%d blocks with %d bytes are left", n, bytes)
	}
	info, err := s.Volume.Info(t.Context())
	if err != nil || info.Bytes != 0 || info.Files != 0 || info.Sessions != 1 {
		t.Errorf("%d bytes in %d files, %d sessions, %v", info.Bytes, info.Files, info.Sessions, err)
	}
}

// blocks counts all blocks and their bytes.
func blocks(t *testing.T, store blockstore.Store) (n int, bytes int64) {
	t.Helper()
	for b, err := range store.ListBlocks(t.Context(), blockstore.BlockID{}) {
		if err != nil {
			t.Fatal(err)
		}
		n, bytes = n+1, bytes+int64(b.Size)
	}
	return n, bytes
}

// TestFragmented writes little pieces into a large file, each committed: the
// records stay small while that goes on, and compaction leaves about as many
// bytes as the file has.
func TestFragmented(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			store := open(t)
			s := begin(t, store, noHistory)
			content := make([]byte, 9<<20)
			rng := rand.NewChaCha8([32]byte{1})
			rng.Read(content)
			write(t, s, "f", content)
			pieces(t, s.Direct, "f", content, 4000)
			same(t, s, "f", content)
			for r, err := range store.Scan(t.Context(), "", "") {
				if err != nil || len(r.Value) > 16<<10 {
					t.Fatalf("a record of %d bytes, %v", len(r.Value), err)
				}
			}
			done, err := s.Volume.Collect(t.Context(), nil)
			if err != nil || done.Compacted == 0 {
				t.Errorf("%+v, %v", done, err)
			}
			same(t, s, "f", content)
			if _, bytes := blocks(t, store); bytes > int64(2*len(content)) {
				t.Errorf("%d bytes of blocks for a file of %d", bytes, len(content))
			}
		})
	}
}

// pieces writes and commits pieces of 4 KiB at random places.
func pieces(t *testing.T, fs namespacetest.Direct, path string, content []byte, n int) {
	t.Helper()
	f, err := fs.Open(path, unix.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range n {
		off := rng.IntN(len(content)/4096) * 4096
		p := content[off : off+4096]
		for j := range p {
			p[j] = byte(rng.Uint32())
		}
		if _, err := f.Pwrite(p, int64(off)); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			continue
		}
		if err := fs.Door.Flush(t.Context(), blockstore.Lazy); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFullStore fills a store: what was acknowledged stays readable, and room
// comes back.
func TestFullStore(t *testing.T) {
	store := memstore.NewWith(memstore.Options{Capacity: 4 << 20})
	s := begin(t, store, noHistory)
	content := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{2}).Read(content)
	names := []string{"a", "b", "c", "d", "e", "f"}
	full := false
	for _, name := range names {
		err := try(s, name, content)
		if err != nil && err != unix.ENOSPC {
			t.Fatal(err)
		}
		if full = err != nil; full {
			if err := s.Unlink(name); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if !full {
		t.Fatal("the store was never full")
	}
	same(t, s, "a", content)
	if err := s.Unlink("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Volume.Collect(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	write(t, s, "again", content[:len(content)-1])
	same(t, s, "again", content[:len(content)-1])
}
