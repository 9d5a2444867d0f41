package embedded

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cairnfs/cairn/blockstore"
)

// TestTailFiles writes batches of random sizes in random portions, tears the files
// at random places, and expects what comes right after some batch, up to where a
// batch is missing for the first time.
func TestTailFiles(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 0))
		disk := vfs.NewMem()
		tail := newTestTail(t, disk, "boot")
		const first, count = 100, 40
		lost := make(map[uint64]bool)
		for n := uint64(first); n < first+count; n++ {
			tail.add(n, tailContent(n))
			if (n == first+count-1 || rng.IntN(4) == 0) && !tail.write(0) {
				t.Fatal("nothing was written")
			}
			if rng.IntN(10) == 0 {
				tail.end()
			}
		}
		if rng.IntN(2) == 0 {
			tearTail(t, disk, rng, lost)
		}
		last := first - 1 + rng.Uint64N(count)
		got, err := newTestTail(t, disk, "boot").read(last)
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range got {
			if want := last + 1 + uint64(i); b.number != want || string(b.repr) != string(tailContent(want)) || lost[want] {
				t.Fatalf("seed %d: batch %d is %d with %d bytes", seed, want, b.number, len(b.repr))
			}
		}
		if next := last + 1 + uint64(len(got)); next < first+count && !lost[next] {
			t.Fatalf("seed %d: batch %d is not there", seed, next)
		}
		if got, err := newTestTail(t, disk, "other").read(last); err != nil || len(got) > 0 {
			t.Fatalf("in another boot: %d batches, %v", len(got), err)
		}
	}
}

func newTestTail(t *testing.T, disk vfs.FS, boot string) *tail {
	tail := newTail(disk, "/tail", boot, testLog(t))
	if _, err := tail.names(); err != nil {
		t.Fatal(err)
	}
	return tail
}

func tailContent(n uint64) []byte { return []byte(strings.Repeat(fmt.Sprint(n), int(n%17))) }

// tearTail cuts a file, or spoils a byte of it, and tells which batches that takes.
func tearTail(t *testing.T, disk vfs.FS, rng *rand.Rand, lost map[uint64]bool) {
	names, err := disk.List("/tail")
	if err != nil || len(names) == 0 {
		return
	}
	path := "/tail/" + names[rng.IntN(len(names))]
	data, err := readFile(disk, path)
	if err != nil {
		t.Fatal(err)
	}
	before := parseTail(data, "boot")
	if at := rng.IntN(len(data)); rng.IntN(2) == 0 {
		data = data[:at]
	} else {
		data[at] ^= 1 << rng.IntN(8)
	}
	for _, b := range before[len(parseTail(data, "boot")):] {
		lost[b.number] = true
	}
	f, err := disk.Create(path, diskCategory)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
}

// TestTailBounds fills a tail that is never synced, and then syncs it.
func TestTailBounds(t *testing.T) {
	disk := vfs.NewMem()
	tail := newTestTail(t, disk, "boot")
	n, asked := uint64(0), false
	for written := true; written; {
		n++
		tail.add(n, make([]byte, 1<<20))
		if written = tail.write(0); written && len(tail.long) > 0 {
			asked = true
		}
	}
	if size := int(n) << 20; !asked || size > maxTail+1<<20 || size < tailLong {
		t.Fatalf("the tail ended at %d bytes, a sync was asked for: %v", size, asked)
	}
	if !tail.write(n) || len(tail.files) > 1 {
		t.Fatalf("%d files stay when all is synced", len(tail.files))
	}
	tail.add(n+1, make([]byte, maxTailBuffer+1))
	if tail.write(n) {
		t.Fatal("a batch that is too large counts as written")
	}
	if err := tail.clear(); err != nil {
		t.Fatal(err)
	}
	if names, err := disk.List("/tail"); err != nil || len(names) > 0 {
		t.Fatalf("%v stay, %v", names, err)
	}
}

// TestPushDuringSync holds up a sync of the log. What is pushed meanwhile must be
// there for the next process of the same boot; in another boot there may be less.
func TestPushDuringSync(t *testing.T) {
	disk := vfs.NewCrashableMem()
	var held atomic.Bool
	holding, release := make(chan struct{}, 100), make(chan struct{})
	s, err := Open(crashDir, Options{Create: true, Boot: "boot", Logger: testLog(t), FS: hookedFS{disk, func() {
		if held.Load() {
			holding <- struct{}{}
			<-release
		}
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	held.Store(true)
	synced := make(chan error, 1)
	go func() {
		_, err := s.Commit(t.Context(), put(blockstore.ID{1}, 1, "synced", nil), blockstore.Sync)
		synced <- err
	}()
	<-holding
	const count = 50
	for n := uint64(1); n <= count; n++ {
		if _, err := s.Commit(t.Context(), put(blockstore.ID{2}, n, fmt.Sprint(n), []byte("value")), blockstore.Lazy); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.push(); err != nil {
		t.Fatal(err)
	}
	killed := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	rebooted := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	held.Store(false)
	close(release)
	if err := <-synced; err != nil {
		t.Fatal(err)
	}
	if n := countPushed(t, killed, "boot"); n != count {
		t.Fatalf("%d of %d commits survive a kill during a sync", n, count)
	}
	if n := countPushed(t, rebooted, "other"); n == count {
		t.Fatal("the log was not held up")
	}
}

// countPushed counts the first commits that a disk has, and leaves no tail on it.
func countPushed(t *testing.T, disk vfs.FS, boot string) (n int) {
	t.Helper()
	s, err := Open(crashDir, Options{FS: disk, Boot: boot, Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for ; ; n++ {
		_, v, err := s.Get(t.Context(), fmt.Sprint(n+1))
		if err != nil {
			t.Fatal(err)
		}
		if v.IsZero() {
			break
		}
	}
	if names, err := s.tail.names(); err != nil || len(names) > 0 {
		t.Fatalf("the old tail stays: %v, %v", names, err)
	}
	return n
}

// fullTailFS has no room for a tail.
type fullTailFS struct{ vfs.FS }

func (f fullTailFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.Contains(name, "/"+tailName+"/") {
		return nil, syscall.ENOSPC
	}
	return f.FS.Create(name, c)
}

// TestNoTail pushes where no tail can be written: the log is synced instead.
func TestNoTail(t *testing.T) {
	s, err := Open("/store", Options{Create: true, FS: fullTailFS{vfs.NewMem()}, Boot: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for n := uint64(1); n < 4; n++ {
		v, err := s.Commit(t.Context(), put(blockstore.ID{1}, n, "key", nil), blockstore.Lazy)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.push(); err != nil || s.synced.Load() < v.N {
			t.Fatalf("commit %d is not safe after a push: %v", n, err)
		}
	}
}
