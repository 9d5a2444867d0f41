package integration

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cairnfs/cairn/integration/testenv"
)

// besideCache is what a mount may need besides its cache; the README says so.
const besideCache = 512 << 20

// TestMemoryBound writes and reads far more than may be kept in memory.
func TestMemoryBound(t *testing.T) {
	const fileSize, cache = 512 << 20, 64 << 20
	e := testenv.New(t)
	m := e.Mount("--cache-size", fmt.Sprint(cache))
	for i := range throughput / fileSize {
		path := filepath.Join(m.Dir, "file")
		stream(t, path, i, fileSize)
		compare(t, path, i, fileSize)
	}
	if peak := m.PeakMemory(); peak > cache+besideCache {
		t.Errorf("the process took %d MiB of memory, and may take %d", peak>>20, (cache+besideCache)>>20)
	} else {
		t.Logf("at most %d MiB of memory", peak>>20)
	}
}

const piece = 1 << 20

// stream writes a file piece by piece; over what was there.
func stream(t *testing.T, path string, seed, length int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range length / piece {
		if _, err := f.Write(pattern(seed*1000+i, piece)); err != nil {
			t.Fatal(err)
		}
	}
	forget(t, f)
}

// compare reads what stream wrote.
func compare(t *testing.T, path string, seed, length int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := make([]byte, piece)
	for i := range length / piece {
		if _, err := f.ReadAt(got, int64(i)*piece); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, pattern(seed*1000+i, piece)) {
			t.Fatalf("piece %d is not what was written", i)
		}
	}
}
