package embedded

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cairnfs/cairn/blockstore"
)

// failingFS fails the syncs of files whose name ends like that.
type failingFS struct {
	vfs.FS
	suffix *atomic.Value
}

type failingFile struct {
	vfs.File
	name string
	fs   failingFS
}

func (f failingFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return failingFile{file, name, f}, err
}

func (f failingFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, c, o...)
	return failingFile{file, name, f}, err
}

func (f failingFile) Sync() error     { return f.unless(f.File.Sync) }
func (f failingFile) SyncData() error { return f.unless(f.File.SyncData) }

func (f failingFile) unless(sync func() error) error {
	if suffix := f.fs.suffix.Load().(string); suffix != "" && strings.HasSuffix(f.name, suffix) {
		return syscall.EIO
	}
	return sync()
}

// TestFailure lets the disk fail under a log, a segment or a manifest. Nothing
// after that is acknowledged, reads go on, nothing hangs, and the next Open finds
// what was acknowledged before.
func TestFailure(t *testing.T) {
	segment := blockstore.NewID()
	for name, suffix := range map[string]string{"log": ".log", "segment": segment.String(), "manifest": "MANIFEST-000001"} {
		t.Run(name, func(t *testing.T) {
			disk := failingFS{vfs.NewMem(), new(atomic.Value)}
			disk.suffix.Store("")
			s, err := Open("/store", Options{Create: true, FS: disk, Logger: testLog(t)})
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() { served <- s.Serve(t.Context()) }()
			if err := failureCommit(t, s, segment, 1); err != nil {
				t.Fatal(err)
			}
			disk.suffix.Store(suffix)
			err = failureCommit(t, s, segment, 2)
			if name == "manifest" {
				_, err = s.flush()
			}
			checkFailed(t, s, segment, err)
			if err := <-served; !errors.Is(err, blockstore.Unavailable) {
				t.Fatalf("serve: %v", err)
			}
			if err := s.Close(); !errors.Is(err, blockstore.Unavailable) {
				t.Fatalf("close: %v", err)
			}
			disk.suffix.Store("")
			checkReopened(t, disk)
		})
	}
}

// failureCommit syncs a record that needs a block and is large enough that the
// commit also makes a new log.
func failureCommit(t *testing.T, s *Store, segment blockstore.SegmentID, n uint64) error {
	t.Helper()
	id := blockstore.BlockID{Segment: segment, Number: uint32(n)}
	if err := s.PutBlock(t.Context(), id, []byte{byte(n)}); err != nil {
		t.Fatal(err)
	}
	c := put(blockstore.ID{1}, n, fmt.Sprint(n), make([]byte, blockstore.MaxValue))
	c.Needs = []blockstore.SegmentID{segment}
	_, err := s.Commit(t.Context(), c, blockstore.Sync)
	return err
}

func checkFailed(t *testing.T, s *Store, segment blockstore.SegmentID, err error) {
	t.Helper()
	if !errors.Is(err, blockstore.Unavailable) || !strings.Contains(err.Error(), syscall.EIO.Error()) {
		t.Fatalf("when the disk fails: %v", err)
	}
	if _, err := s.Commit(t.Context(), put(blockstore.ID{1}, 3, "3", nil), blockstore.Lazy); !errors.Is(err, blockstore.Unavailable) {
		t.Fatalf("after the failure: %v", err)
	}
	if err := s.Sync(t.Context()); !errors.Is(err, blockstore.Unavailable) {
		t.Fatalf("sync after the failure: %v", err)
	}
	if value, _, err := s.Get(t.Context(), "1"); err != nil || len(value) != blockstore.MaxValue {
		t.Fatalf("read after the failure: %d bytes, %v", len(value), err)
	}
	if _, err := s.GetBlock(t.Context(), blockstore.BlockID{Segment: segment, Number: 1}, 0, 1); err != nil {
		t.Fatal(err)
	}
}

func checkReopened(t *testing.T, disk vfs.FS) {
	t.Helper()
	s, err := Open("/store", Options{FS: disk, Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if value, _, err := s.Get(t.Context(), "1"); err != nil || len(value) != blockstore.MaxValue {
		t.Fatalf("after reopening: %d bytes, %v", len(value), err)
	}
	if _, v, err := s.Get(t.Context(), "3"); err != nil || !v.IsZero() {
		t.Fatalf("a refused commit is there: %v, %v", v, err)
	}
}

// TestManySegments uses more segments than files are kept open.
func TestManySegments(t *testing.T) {
	s, err := Open(t.TempDir(), Options{Create: true, Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before := openFiles(t)
	c := put(blockstore.ID{1}, 1, "key", nil)
	for i := range maxOpenSegments + 100 {
		id := blockstore.BlockID{Segment: blockstore.NewID()}
		if err := s.PutBlock(t.Context(), id, []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		c.Needs = append(c.Needs, id.Segment)
	}
	if _, err := s.Commit(t.Context(), c, blockstore.Sync); err != nil {
		t.Fatal(err)
	}
	for i, segment := range c.Needs {
		got, err := s.GetBlock(t.Context(), blockstore.BlockID{Segment: segment}, 0, 1)
		if err != nil || got[0] != byte(i) {
			t.Fatalf("segment %d: %v, %v", i, got, err)
		}
	}
	if n := openFiles(t) - before; n > maxOpenSegments+50 {
		t.Fatalf("%d more files are open", n)
	}
	if len(s.segs.known) > maxOpenSegments || len(s.segs.owed) > 0 {
		t.Fatalf("%d segments are known, %d owed", len(s.segs.known), len(s.segs.owed))
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
