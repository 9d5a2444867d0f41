package embedded

import (
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// orderedFS is the file system that Pebble sees. It adds three things:
//
// Order: before a log, table, blob file or manifest is synced, the segments that
// commits need are.
//
// Patience: Pebble does not meet a full disk, where it would give up or try again
// without a pause; it waits.
//
// A frozen end: when a log can't be written or synced, Pebble would end the process
// in a way that can't be recovered from. So the store is marked as failed and Pebble
// is told that all went well, but nothing reaches the disk any more: it stays as
// after a power cut at that moment. Every acknowledgement asks health before it is
// given, so nobody else is deceived.
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

// isLog says whether Pebble can't bear an error of the file.
func isLog(name string) bool { return strings.HasSuffix(name, ".log") }

// open makes a file by one of the ways there are.
func (o *orderedFS) open(name string, open func() (vfs.File, error)) (f vfs.File, err error) {
	log := isLog(name)
	if frozen := o.health.frozen(); frozen && log {
		return o.nowhere(name)
	} else if frozen {
		return nil, fs.ErrClosed
	}
	err = o.room.insist(func() (err error) {
		f, err = open()
		return err
	})
	if err != nil && log {
		o.health.fail(err)
		return o.nowhere(name)
	}
	if err != nil || !isOrdered(o.PathBase(name)) {
		return f, err
	}
	return &orderedFile{File: f, fs: o, log: log}, nil
}

// nowhere is a file for what Pebble writes after the end.
func (o *orderedFS) nowhere(name string) (vfs.File, error) {
	f, err := vfs.NewMem().Create(o.PathBase(name), diskCategory)
	return &orderedFile{File: f, fs: o, log: true}, err
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

// OpenDir is as in vfs.FS. A new log needs its directory synced.
func (o *orderedFS) OpenDir(name string) (vfs.File, error) {
	f, err := o.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &orderedDir{f, o.health}, nil
}

// Remove is as in vfs.FS; in the end it keeps what the log is still needed for.
func (o *orderedFS) Remove(name string) error {
	if o.health.frozen() {
		return nil
	}
	return o.FS.Remove(name)
}

// Rename is as in vfs.FS.
func (o *orderedFS) Rename(old, name string) error {
	if o.health.frozen() {
		return fs.ErrClosed
	}
	return o.FS.Rename(old, name)
}

// Unwrap is as in vfs.FS.
func (o *orderedFS) Unwrap() vfs.FS { return o.FS }

// orderedFile is a file of the database that holds commits.
type orderedFile struct {
	vfs.File
	fs  *orderedFS
	log bool
}

// Write waits for space.
func (f *orderedFile) Write(p []byte) (int, error) {
	done := 0
	err := f.unlessFrozen(func() error {
		return f.fs.room.insist(func() error {
			n, err := f.File.Write(p[done:])
			done += n
			return err
		})
	})
	if err == nil {
		done = len(p)
	}
	return done, err
}

// Sync syncs what the commits in the file need, and then the file.
func (f *orderedFile) Sync() error { return f.inOrder(f.File.Sync) }

// SyncData is to Sync what fdatasync is to fsync.
func (f *orderedFile) SyncData() error { return f.inOrder(f.File.SyncData) }

// SyncTo promises nothing, so it needs no order where the system can merely begin
// to write. Where it can't, SyncTo may sync the whole file.
func (f *orderedFile) SyncTo(length int64) (full bool, err error) {
	if fd := f.Fd(); fd != vfs.InvalidFd {
		return false, unix.SyncFileRange(int(fd), 0, length, unix.SYNC_FILE_RANGE_WRITE)
	}
	err = f.inOrder(func() error {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

func (f *orderedFile) inOrder(sync func() error) error {
	return f.unlessFrozen(func() error {
		if err := f.fs.segs.syncOwed(); err != nil {
			f.fs.health.fail(err) // the system has dropped the data: a repeat would lie
			return err
		}
		return sync()
	})
}

// unlessFrozen writes to the file. A log that fails is the end.
func (f *orderedFile) unlessFrozen(write func() error) error {
	err := error(fs.ErrClosed)
	if !f.fs.health.frozen() {
		err = write()
	}
	if err != nil && f.log {
		f.fs.health.fail(err)
		return nil
	}
	return err
}

// orderedDir is a directory of the database.
type orderedDir struct {
	vfs.File
	health *health
}

// Sync is the end if it fails, as for a log.
func (d *orderedDir) Sync() error {
	if err := d.File.Sync(); err != nil {
		d.health.fail(err)
	}
	return nil
}
