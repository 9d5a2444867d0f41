package embedded

import (
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// quotaFS is a file system of a limited size. It counts every byte that is ever
// written to a file, until the file is removed.
type quotaFS struct {
	vfs.FS
	total int64

	mu    sync.Mutex
	taken map[string]int64
	used  int64
}

func newQuotaFS(fs vfs.FS, total int64) *quotaFS {
	return &quotaFS{FS: fs, total: total, taken: make(map[string]int64)}
}

// take charges the file for n bytes, or for what is left if that is less.
func (q *quotaFS) take(name string, n int64) (int64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var err error
	if left := q.total - q.used; n > left {
		n, err = max(left, 0), syscall.ENOSPC
	}
	q.taken[name] += n
	q.used += n
	return n, err
}

// fill leaves only that many bytes to everybody.
func (q *quotaFS) fill(left int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken["others"] += q.total - q.used - left
	q.used = q.total - left
}

// free takes the file's bytes off the account.
func (q *quotaFS) free(name string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.used -= q.taken[name]
	delete(q.taken, name)
}

func (q *quotaFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return vfs.DiskUsage{AvailBytes: uint64(q.total - q.used), TotalBytes: uint64(q.total), UsedBytes: uint64(q.used)}, nil
}

func (q *quotaFS) wrap(name string, f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return quotaFile{f, q, name}, nil
}

func (q *quotaFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	q.free(name)
	f, err := q.FS.Create(name, c)
	return q.wrap(name, f, err)
}

func (q *quotaFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := q.FS.OpenReadWrite(name, c, o...)
	return q.wrap(name, f, err)
}

func (q *quotaFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	q.rename(old, name)
	f, err := q.FS.ReuseForWrite(old, name, c)
	return q.wrap(name, f, err)
}

func (q *quotaFS) Rename(old, name string) error {
	q.rename(old, name)
	return q.FS.Rename(old, name)
}

func (q *quotaFS) rename(old, name string) {
	q.free(name)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken[name] = q.taken[old]
	delete(q.taken, old)
}

func (q *quotaFS) Remove(name string) error {
	err := q.FS.Remove(name)
	if err == nil {
		q.free(name)
	}
	return err
}

type quotaFile struct {
	vfs.File
	q    *quotaFS
	name string
}

func (f quotaFile) Write(p []byte) (int, error) {
	n, short := f.q.take(f.name, int64(len(p)))
	written, err := f.File.Write(p[:n])
	if err == nil {
		err = short
	}
	return written, err
}

func (f quotaFile) WriteAt(p []byte, at int64) (int, error) {
	n, short := f.q.take(f.name, int64(len(p)))
	written, err := f.File.WriteAt(p[:n], at)
	if err == nil {
		err = short
	}
	return written, err
}

func (f quotaFile) Preallocate(_, length int64) error {
	_, err := f.q.take(f.name, length)
	return err
}
