package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// room bounds the bytes in the directory of the disk tier. Others write there
// too, so that only a look at all its files tells what it holds: a room looks
// at most once per 1/lookShare of the bound that it let in, and then removes
// what was unused for longest until a spareShare is free. So up to
// lookShare/spareShare rooms of one directory keep the bound together.
type room struct {
	dir    string
	max    int64
	looked bool
	seen   int64 // bytes that were left after the last look
	since  int64 // bytes let in after it
}

const (
	lookShare  = 32
	spareShare = 8
)

func (r *room) bytes() int64 { return r.seen + r.since }

// make makes room for n bytes, and tells how many files it removed.
func (r *room) make(n int64) (evicted int, err error) {
	if !r.looked || r.since+n > r.max/lookShare {
		if evicted, err = r.evict(r.max - r.max/spareShare - n); err != nil {
			return evicted, err
		}
		r.looked, r.since = true, 0
	}
	r.since += n
	return evicted, nil
}

// file is a file of the directory.
type file struct {
	path string
	size int64
	used time.Time
}

// evict removes files until they have no more than the bytes given.
func (r *room) evict(limit int64) (evicted int, err error) {
	files, err := list(r.dir)
	if err != nil {
		return 0, err
	}
	r.seen = 0
	for _, f := range files {
		r.seen += f.size
	}
	slices.SortFunc(files, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range files {
		if r.seen <= limit {
			break
		}
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return evicted, err
		}
		r.seen -= f.size
		evicted++
	}
	return evicted, nil
}

// list returns the files of the tier, those being written too: what a crash left
// of them is old some day.
func list(dir string) ([]file, error) {
	all, err := names(dir)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, name := range all {
		path := filepath.Join(dir, name)
		info, err := os.Lstat(path)
		if err != nil { // somebody else removed it
			continue
		}
		files = append(files, file{path, onDisk(info.Size()), info.ModTime()})
	}
	return files, nil
}

// names returns the names of the files of the tier.
func names(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	all, err := f.Readdirnames(-1)
	_ = f.Close() // it was only read
	return slices.DeleteFunc(all, func(name string) bool {
		return !strings.HasSuffix(name, fileSuffix) && !strings.HasSuffix(name, tempSuffix)
	}), err
}
