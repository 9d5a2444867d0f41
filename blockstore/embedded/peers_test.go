package embedded

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cairnfs/cairn/blockstore"
)

// TestAdopt: a block that one process put before it was killed, and that another one
// commits, is whole after a power cut if the commit is there.
func TestAdopt(t *testing.T) {
	mem := vfs.NewCrashableMem()
	open := func(fs vfs.FS, boot string) *Store {
		s, err := Open("/store", Options{Create: true, FS: fs, Boot: boot, Logger: testLog(t)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	killed := open(mem, "one")
	id := blockstore.BlockID{Segment: blockstore.NewID()}
	data := bytes.Repeat([]byte("block"), 30_000)
	if err := killed.PutBlock(t.Context(), id, data); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(killed.closeFiles(), killed.unlock()); err != nil {
		t.Fatal(err)
	}
	heir := open(mem, "one")
	defer heir.Close()
	c := put(blockstore.ID{1}, 1, "key", []byte("value"))
	c.Needs = []blockstore.SegmentID{id.Segment}
	for n := uint64(1); n <= 6; n++ { // the later ones make the log come out of the buffer
		if _, err := heir.Commit(t.Context(), c, blockstore.Lazy); err != nil {
			t.Fatal(err)
		}
		c = put(blockstore.ID{1}, n+1, "other", make([]byte, 20_000))
	}
	for logged(t, mem) < 64<<10 {
		runtime.Gosched()
	}
	survived := 0
	for seed := range uint64(10) {
		s := open(mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 80, RNG: rand.New(rand.NewPCG(seed, 0))}), "another")
		_, v, err := s.Get(t.Context(), "key")
		if err == nil && !v.IsZero() {
			survived++
			var got []byte
			if got, err = s.GetBlock(t.Context(), id, 0, len(data)); !bytes.Equal(got, data) {
				t.Errorf("cut %d left %d bytes of the block", seed, len(got))
			}
		}
		if err := errors.Join(err, s.Close()); err != nil {
			t.Errorf("cut %d: %v", seed, err)
		}
	}
	if survived == 0 {
		t.Error("the commit never survived")
	}
}

// logged is how much of the logs has been written.
func logged(t *testing.T, fs vfs.FS) (size int64) {
	t.Helper()
	names, err := fs.List("/store/records")
	for _, name := range names {
		if info, statErr := fs.Stat("/store/records/" + name); isLog(name) {
			size += info.Size()
			err = errors.Join(err, statErr)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// TestHolder: the lock file says who has the store and where to ask, and the next one
// takes both away.
func TestHolder(t *testing.T) {
	dir := t.TempDir()
	for _, address := range []string{"/run/some.sock", ""} {
		s, err := Open(dir, Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		if address != "" {
			err = s.Announce(address)
		}
		process, at, bad := Holder(dir)
		if err := errors.Join(err, bad, s.Close()); err != nil {
			t.Fatal(err)
		}
		if at != address || !strings.HasPrefix(process, "process ") {
			t.Errorf("%q at %q, want it at %q", process, at, address)
		}
	}
}

// TestReader reads blocks of a store that is open, as another process does.
func TestReader(t *testing.T) {
	s := openServed(t, t.TempDir(), Options{})
	defer s.Close()
	r := NewReader(s.dir)
	id := blockstore.BlockID{Segment: blockstore.NewID(), Number: 3}
	if _, err := r.GetBlock(id, 0, 1); err == nil {
		t.Error("read a block that is not there")
	}
	data := bytes.Repeat([]byte("block"), 30_000)
	if err := s.PutBlock(t.Context(), id, data); err != nil {
		t.Fatal(err)
	}
	if got, err := r.GetBlock(id, 7, len(data)); err != nil || !bytes.Equal(got, data[7:]) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	flip(t, s.segs.path(id.Segment), slotOffset(id.Number)+100)
	if got, err := r.GetBlock(id, 0, 10); err == nil {
		t.Errorf("read %q of a damaged block", got)
	}
}
