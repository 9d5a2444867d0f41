package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
)

// flip inverts one byte of a file.
func flip(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0xff
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedBlock inverts any byte of a block on disk: what reads it must fail with
// Corrupt, all other granules and blocks must be as they were.
func TestDamagedBlock(t *testing.T) {
	s, err := Open(t.TempDir(), Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rng := rand.New(rand.NewPCG(1, 1))
	segment := blockstore.NewID()
	whole := benchContent(3*granule + 100)
	for number := range uint32(2) {
		if err := s.PutBlock(t.Context(), blockstore.BlockID{Segment: segment, Number: number}, whole); err != nil {
			t.Fatal(err)
		}
	}
	for range 200 {
		damaged := int64(rng.IntN(4*frameSize + len(whole)))
		g := int(damaged / (frameSize + granule))
		flip(t, s.segs.path(segment), damaged)
		_, err := s.GetBlock(t.Context(), blockstore.BlockID{Segment: segment}, g*granule, 1)
		if !errors.Is(err, blockstore.Corrupt) || !strings.Contains(err.Error(), segment.String()+"/0") {
			t.Fatalf("byte %d inverted: %v", damaged, err)
		}
		checkOthers(t, s, segment, whole, g)
		flip(t, s.segs.path(segment), damaged)
	}
}

// checkOthers reads every granule but granule g of block 0.
func checkOthers(t *testing.T, s *Store, segment blockstore.SegmentID, whole []byte, g int) {
	t.Helper()
	for number := range uint32(2) {
		for other := range granules(len(whole)) {
			if number == 0 && other == g {
				continue
			}
			id := blockstore.BlockID{Segment: segment, Number: number}
			got, err := s.GetBlock(t.Context(), id, other*granule, granule)
			if err != nil || !bytes.Equal(got, span(whole, other)) {
				t.Fatalf("granule %d of block %v: %d bytes, %v", other, id, len(got), err)
			}
		}
	}
}

// TestDamagedTable inverts bytes in the middle of the tables: records are right, or
// Corrupt by name, and nothing ends the process.
func TestDamagedTable(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	const records = 2000
	value := func(i int) []byte { return fmt.Appendf(benchContent(64), "%d", i) }
	want := make(map[string][]byte)
	c := &blockstore.Change{Session: blockstore.NewID(), Seq: 1}
	for i := range records {
		w := blockstore.Write{Key: fmt.Sprintf("key %d", i), Value: value(i)}
		want[w.Key], c.Writes = w.Value, append(c.Writes, w)
	}
	if _, err := s.Commit(t.Context(), c, blockstore.Lazy); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := largestTable(t, dir)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	flip(t, path, info.Size()/3)

	if s, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	right, corrupt := 0, 0
	for key, value := range want {
		got, _, err := s.Get(t.Context(), key)
		switch {
		case err == nil && bytes.Equal(got, value):
			right++
		case errors.Is(err, blockstore.Corrupt) && strings.Contains(err.Error(), key):
			corrupt++
		default:
			t.Fatalf("%s: %d bytes, %v", key, len(got), err)
		}
	}
	if corrupt == 0 || right < records/2 {
		t.Fatalf("%d records right, %d corrupt", right, corrupt)
	}
	if _, err := s.Commit(t.Context(), put(c.Session, 2, "new", nil), blockstore.Sync); err != nil {
		t.Fatal(err)
	}
}

func largestTable(t *testing.T, dir string) (path string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, recordsName, "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, p := range tables {
		if info, err := os.Stat(p); err == nil && info.Size() > size {
			path, size = p, info.Size()
		}
	}
	return path
}
