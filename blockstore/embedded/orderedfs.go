package embedded

import (
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// orderedFS is the file system that Pebble sees. It keeps an order that Pebble does
// not know of: before a log, table, blob file or manifest is synced, the segments
// that commits need are. And it does not let Pebble meet a full disk where Pebble
// would give up.
type orderedFS struct {
	vfs.FS
	segs   *segments
	room   *room
	health *health
}

// isOrdered says whether the file holds commits.
func isOrdered(name string) bool {
	for _, suffix := range []string{".log", ".sst", ".blob"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return strings.Contains(name, "MANIFEST-")
}

// isVital says whether Pebble can't go on if a write to the file fails.
func isVital(name string) bool {
	return strings.HasSuffix(name, ".log") || strings.Contains(name, "MANIFEST-")
}

func (o *orderedFS) wrap(name string, f vfs.File) vfs.File {
	name = o.PathBase(name)
	if !isOrdered(name) {
		return f
	}
	return &orderedFile{File: f, fs: o, vital: isVital(name)}
}

// open makes a file by one of the ways there are.
func (o *orderedFS) open(name string, open func() (vfs.File, error)) (f vfs.File, err error) {
	if !isVital(o.PathBase(name)) {
		f, err = open()
	} else {
		err = o.room.insist(func() (err error) {
			f, err = open()
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	return o.wrap(name, f), nil
}

// Create is as in vfs.FS. Pebble's markers name other files by being there, so the
// names of those must be durable first.
func (o *orderedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(o.PathBase(name), "marker.") {
		if err := syncDir(o.FS, o.PathDir(name)); err != nil {
			return nil, err
		}
	}
	return o.open(name, func() (vfs.File, error) { return o.FS.Create(name, category) })
}

// OpenReadWrite is as in vfs.FS.
func (o *orderedFS) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return o.open(name, func() (vfs.File, error) { return o.FS.OpenReadWrite(name, category, opts...) })
}

// ReuseForWrite is as in vfs.FS.
func (o *orderedFS) ReuseForWrite(old, name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return o.open(name, func() (vfs.File, error) { return o.FS.ReuseForWrite(old, name, category) })
}

// Unwrap is as in vfs.FS.
func (o *orderedFS) Unwrap() vfs.FS { return o.FS }

// orderedFile is a file of the database that holds commits.
type orderedFile struct {
	vfs.File
	fs    *orderedFS
	vital bool
}

// Write waits for space if the file is vital.
func (f *orderedFile) Write(p []byte) (int, error) {
	if !f.vital {
		return f.File.Write(p)
	}
	done := 0
	err := f.fs.room.insist(func() error {
		n, err := f.File.Write(p[done:])
		done += n
		return err
	})
	return done, f.lost(err)
}

// Sync syncs what the commits in the file need, and then the file.
func (f *orderedFile) Sync() error { return f.after(f.File.Sync) }

// SyncData is to Sync what fdatasync is to fsync.
func (f *orderedFile) SyncData() error { return f.after(f.File.SyncData) }

// SyncTo promises nothing, so it needs no order where the system can merely begin
// to write. Where it can't, SyncTo may sync the whole file.
func (f *orderedFile) SyncTo(length int64) (full bool, err error) {
	if fd := f.Fd(); fd != vfs.InvalidFd {
		return false, unix.SyncFileRange(int(fd), 0, length, unix.SYNC_FILE_RANGE_WRITE)
	}
	err = f.after(func() error {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

func (f *orderedFile) after(sync func() error) error {
	err := f.fs.segs.syncOwed()
	if err != nil {
		f.fs.health.fail(err) // the system has dropped the data: a repeat would lie
		return err
	}
	return f.lost(sync())
}

// lost remembers that a vital file is not what it should be.
func (f *orderedFile) lost(err error) error {
	if err != nil && f.vital {
		f.fs.health.fail(err)
	}
	return err
}
