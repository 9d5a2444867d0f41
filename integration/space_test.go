package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/integration/testenv"
)

// used is the room that a store takes on the disk.
func used(t *testing.T, store string) int64 {
	t.Helper()
	var sum int64
	for _, path := range storeFiles(t, store) {
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			t.Fatal(err)
		}
		sum += st.Blocks * 512
	}
	return sum
}

const (
	// filled is the least that fill writes.
	filled = 400 << 20
	// slack is what the database keeps for itself: logs that it will use again, and
	// tables that are not worth rewriting yet.
	slack = 128 << 20
)

// TestSpaceComesBack: of removed files, of files that were overwritten here and
// there, and of writes that a kill cut off.
func TestSpaceComesBack(t *testing.T) {
	e := testenv.New(t)
	e.Must("format", "--history-time", "0s")
	m := e.Mount()
	write(t, filepath.Join(m.Dir, "kept"), pattern(1, 5<<20))
	m.Unmount()
	e.Must("gc")
	empty := used(t, e.Store)

	m = e.Mount()
	fill(t, m.Dir)
	if n := used(t, e.Store); n < empty+filled {
		t.Errorf("the store takes %d bytes with %d more in it, and took %d before", n, filled, empty)
	}
	e.Sh(m.Dir, `rm -r [a-jl-z]*`)
	halfWritten(t, m)
	m = e.Mount()
	e.Sh(m.Dir, `rm -f half*`)
	m.Unmount()
	e.Must("gc")
	if n := used(t, e.Store); n > empty+slack {
		t.Errorf("the store takes %d bytes, and took %d before all that was removed", n, empty)
	}
	m = e.Mount()
	if got := read(t, filepath.Join(m.Dir, "kept")); string(got) != string(pattern(1, 5<<20)) {
		t.Error("the file that was not removed is not what it was")
	}
}

// fill writes large files, small ones, and one that is overwritten in places.
func fill(t *testing.T, dir string) {
	t.Helper()
	for i := range 40 {
		write(t, filepath.Join(dir, fmt.Sprintf("large%d", i)), pattern(i, 10<<20))
	}
	for i := range 3000 {
		write(t, filepath.Join(dir, fmt.Sprintf("small%d", i)), pattern(i, 5000))
	}
	f, err := os.Create(filepath.Join(dir, "scattered"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range 4000 {
		if _, err := f.WriteAt(pattern(i, 4096), int64(i*7919%1500)*4096); err != nil {
			t.Fatal(err)
		}
		if i%64 == 0 {
			if err := f.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// halfWritten kills the process in the middle of large writes.
func halfWritten(t *testing.T, m *testenv.Mount) {
	t.Helper()
	var g errgroup.Group
	started := make(chan struct{}, 4)
	for i := range 4 {
		g.Go(func() error {
			f, err := os.Create(filepath.Join(m.Dir, fmt.Sprintf("half%d", i)))
			if err != nil {
				return err
			}
			defer f.Close()
			for n := 0; ; n++ {
				if _, err := f.Write(pattern(n, 1<<20)); err != nil {
					return nil
				}
				if n == 8 {
					started <- struct{}{}
				}
			}
		})
	}
	for range 4 {
		<-started
	}
	m.Kill()
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}
