//go:build soak

package integration

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/cairnfs/cairn/integration/testenv"
)

// TestKillAnywhere kills also while the process starts and ends, and while nobody
// but the collector works.
func TestKillAnywhere(t *testing.T) {
	e := testenv.New(t)
	e.Must("format", "--history-time", "0s")
	m := e.Mount()
	want := pattern(1, 10<<20)
	write(t, filepath.Join(m.Dir, "kept"), want)
	m.Unmount()
	random := rand.New(rand.NewPCG(rand.Uint64(), 0))
	for range killRounds {
		e.KillDuring(random, "mount", e.Point)
		e.KillDuring(random, "gc")
		m := e.Mount()
		if !bytes.Equal(read(t, filepath.Join(m.Dir, "kept")), want) {
			t.Fatal("the file is not what it was")
		}
		for i := range 50 {
			write(t, filepath.Join(m.Dir, fmt.Sprintf("garbage%d", i)), pattern(i, random.IntN(1<<20)))
		}
		if err := os.RemoveAll(filepath.Join(m.Dir, "garbage0")); err != nil {
			t.Fatal(err)
		}
		m.Signal(os.Interrupt)
		m.KillSoon(random)
		if r := e.Cairn("fsck", "--data"); r.Status != 0 {
			t.Fatal(r)
		}
	}
}
