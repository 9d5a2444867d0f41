package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cairnfs/cairn/integration/testenv"
)

// TestFlippedBlock: a flipped byte in a block gives EIO and a line in the log, the
// check names it, and the other files can be read.
func TestFlippedBlock(t *testing.T) {
	e := testenv.New(t)
	e.Damaged = true
	m := e.Mount()
	files := map[string][]byte{"a": pattern(1, 3<<20), "b": pattern(2, 3<<20), "c": pattern(3, 100)}
	for name, content := range files {
		write(t, filepath.Join(m.Dir, name), content)
	}
	m.Unmount()
	flip(t, find(t, e.Store, files["a"][1<<20:][:64]))

	m = e.Mount()
	_, err := os.ReadFile(filepath.Join(m.Dir, "a"))
	if !errors.Is(err, syscall.EIO) {
		t.Errorf("read of the damaged file: %v, want EIO", err)
	}
	if log := m.Log(); !strings.Contains(log, "checksum") && !strings.Contains(log, "corrupt") {
		t.Errorf("the log doesn't tell of the damage:\n%s", log)
	}
	for _, name := range []string{"b", "c"} {
		if !bytes.Equal(read(t, filepath.Join(m.Dir, name)), files[name]) {
			t.Errorf("file %s is not what it was", name)
		}
	}
	m.Unmount()
	r := e.Cairn("fsck", "--data")
	if r.Status != 6 || !strings.Contains(r.Out, "used by home/a ") {
		t.Errorf("the check has to name home/a: %s", r)
	}
}

// place is a byte of a file.
type place struct {
	path string
	at   int64
}

// find finds the one file of the store that holds the bytes.
func find(t *testing.T, store string, content []byte) place {
	t.Helper()
	for _, path := range storeFiles(t, store) {
		if i := bytes.Index(read(t, path), content); i >= 0 {
			return place{path, int64(i)}
		}
	}
	t.Fatal("no file of the store holds the content")
	return place{}
}

func storeFiles(t *testing.T, store string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(store, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// flip changes one byte. Flipped twice it is what it was.
func flip(t *testing.T, p place) {
	t.Helper()
	f, err := os.OpenFile(p.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, p.at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x40
	if _, err := f.WriteAt(b, p.at); err != nil {
		t.Fatal(err)
	}
}

// TestFlippedAnywhere flips bytes all over copies of a store, one at a time: whatever is
// hit, each file reads as it was or not at all, and what can't be read
// is EIO, or a store that doesn't open and says so in one line.
func TestFlippedAnywhere(t *testing.T) {
	e := testenv.New(t)
	e.Damaged = true
	m := e.Mount()
	for i := range 300 {
		write(t, filepath.Join(m.Dir, fmt.Sprintf("file%d", i)), pattern(i, 1+i*i))
	}
	m.Unmount()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	whole := filepath.Join(e.Dir, "whole")
	e.Sh(e.Dir, `mv store whole`)
	for range flips {
		e.Sh(e.Dir, `rm -rf store; cp -a --sparse=always whole store`)
		p := somewhere(t, whole, random)
		p.path = strings.Replace(p.path, whole, e.Store, 1)
		flip(t, p)
		if err := readable(e); err != nil {
			name, _ := filepath.Rel(e.Store, p.path)
			t.Errorf("byte %d of %s flipped: %v", p.at, name, err)
		}
	}
}

// somewhere is a random byte of a random file with tables of records or with
// blocks.
func somewhere(t *testing.T, store string, random *rand.Rand) place {
	t.Helper()
	var files []string
	for _, path := range storeFiles(t, store) {
		if ext := filepath.Ext(path); ext == ".sst" || strings.Contains(path, "/segments/") {
			files = append(files, path)
		}
	}
	for {
		path := files[random.IntN(len(files))]
		if content := read(t, path); len(content) > 0 {
			return place{path, int64(random.IntN(len(content)))}
		}
	}
}

// readable mounts a damaged store and reads all of it.
func readable(e *testenv.Env) error {
	m, line := e.Start("mount", e.Point)
	if line == "" {
		return m.Refused()
	}
	defer m.Unmount()
	for i := range 300 {
		got, err := os.ReadFile(filepath.Join(m.Dir, fmt.Sprintf("file%d", i)))
		if err != nil && !errors.Is(err, syscall.EIO) {
			return err
		}
		if err == nil && !bytes.Equal(got, pattern(i, 1+i*i)) {
			return fmt.Errorf("file %d: wrong data", i)
		}
	}
	return nil
}
