package namespacetest

import (
	"io"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

// directFile is an open file of a door as a File.
type directFile struct {
	f     *namespace.OpenFile
	flags int
}

// Open opens or creates a file. Exclusive creation is left to the door alone.
func (d Direct) Open(path string, flags int, mode uint32) (File, error) {
	const exclusive = unix.O_CREAT | unix.O_EXCL
	dir, name, err := d.walker().locate(path, flags&exclusive != exclusive)
	if err != nil {
		return nil, err
	}
	if flags&exclusive == exclusive {
		return d.create(dir, name, flags, mode)
	}
	a, err := d.walker().node(path, true)
	if err == syscall.ENOENT && flags&unix.O_CREAT != 0 {
		return d.create(dir, name, flags, mode)
	}
	if err == nil {
		err = regular(a.Kind)
	}
	if err != nil {
		return nil, err
	}
	f, err := d.Door.Open(background(), a.ID, openFlags(flags))
	if err != nil {
		return nil, errno(err)
	}
	return &directFile{f, flags}, nil
}

func (d Direct) create(dir namespace.Attr, name string, flags int, mode uint32) (File, error) {
	if dir.Kind != namespace.Dir {
		return nil, syscall.ENOTDIR
	}
	n := namespace.NewNode{Kind: namespace.File, Mode: mode, UID: d.UID, GID: d.GID}
	f, _, err := d.Door.Create(background(), dir.ID, name, n, openFlags(flags))
	if err != nil {
		return nil, errno(err)
	}
	return &directFile{f, flags}, nil
}

func openFlags(flags int) namespace.OpenFlags {
	f := map[int]namespace.OpenFlags{
		unix.O_RDONLY: namespace.OpenRead,
		unix.O_WRONLY: namespace.OpenWrite,
		unix.O_RDWR:   namespace.OpenRead | namespace.OpenWrite,
	}[flags&unix.O_ACCMODE]
	if flags&unix.O_APPEND != 0 {
		f |= namespace.OpenAppend
	}
	if flags&unix.O_TRUNC != 0 {
		f |= namespace.OpenTruncate
	}
	return f
}

// Pread reads by ReadAt at even offsets and by Read at odd ones: both must do.
func (f *directFile) Pread(p []byte, off int64) (int, error) {
	if f.flags&unix.O_ACCMODE == unix.O_WRONLY {
		return 0, syscall.EBADF
	}
	if off%2 == 1 {
		return f.readPieces(p, off)
	}
	n, err := f.f.ReadAt(background(), p, off)
	if err == io.EOF {
		err = nil
	}
	return n, errno(err)
}

func (f *directFile) readPieces(p []byte, off int64) (int, error) {
	pieces, err := f.f.Read(background(), off, len(p))
	n := 0
	for _, piece := range pieces {
		if len(piece) > len(p)-n {
			return n, syscall.EOVERFLOW // more than was asked for
		}
		n += copy(p[n:], piece)
	}
	return n, errno(err)
}

func (f *directFile) Pwrite(p []byte, off int64) (int, error) {
	if !f.writable() {
		return 0, syscall.EBADF
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := f.f.WriteAt(background(), p, off)
	return n, errno(err)
}

func (f *directFile) writable() bool { return f.flags&unix.O_ACCMODE != unix.O_RDONLY }

func (f *directFile) Ftruncate(size int64) error {
	if !f.writable() {
		return syscall.EINVAL
	}
	return errno(f.f.Truncate(background(), size))
}

func (f *directFile) Fallocate(mode uint32, off, length int64) error {
	if !f.writable() {
		return syscall.EBADF
	}
	var m namespace.AllocateMode
	for bit, flag := range map[uint32]namespace.AllocateMode{
		unix.FALLOC_FL_KEEP_SIZE:  namespace.AllocateKeepSize,
		unix.FALLOC_FL_PUNCH_HOLE: namespace.AllocatePunchHole,
		unix.FALLOC_FL_ZERO_RANGE: namespace.AllocateZeroRange,
	} {
		if mode&bit != 0 {
			m |= flag
		}
	}
	return errno(f.f.Allocate(background(), off, length, m))
}

func (f *directFile) Fstat() (Stat, error) {
	a, err := f.f.Attr(background())
	return directStat(a), errno(err)
}

func (f *directFile) Fsync() error { return errno(f.f.Sync(background())) }

// Close is close(2) and the release that follows.
func (f *directFile) Close() error {
	err := f.f.Flush(background())
	if closed := f.f.Close(background()); err == nil {
		err = closed
	}
	return errno(err)
}

var errnos = map[blockstore.Kind]syscall.Errno{
	blockstore.NotFound:     syscall.ENOENT,
	blockstore.Exists:       syscall.EEXIST,
	blockstore.NotDirectory: syscall.ENOTDIR,
	blockstore.IsDirectory:  syscall.EISDIR,
	blockstore.NotEmpty:     syscall.ENOTEMPTY,
	blockstore.Invalid:      syscall.EINVAL,
	blockstore.NameTooLong:  syscall.ENAMETOOLONG,
	blockstore.TooLarge:     syscall.EFBIG,
	blockstore.TooManyLinks: syscall.EMLINK,
	blockstore.Permission:   syscall.EPERM,
	blockstore.CrossBucket:  syscall.EXDEV,
	blockstore.NoAttribute:  syscall.ENODATA,
	blockstore.NoSpace:      syscall.ENOSPC,
	blockstore.Unsupported:  syscall.EOPNOTSUPP,
	blockstore.Busy:         syscall.EBUSY,
	blockstore.Stale:        syscall.ESTALE,
	blockstore.ReadOnly:     syscall.EROFS,
}

// errno translates an error of a door. What has no errno of its own stays as
// it is: a test that meets it must show it.
func errno(err error) error {
	if e, ok := errnos[blockstore.KindOf(err)]; ok && err != nil {
		return e
	}
	return err
}
