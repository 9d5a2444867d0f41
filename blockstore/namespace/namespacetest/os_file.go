package namespacetest

import (
	"encoding/binary"
	"strings"

	"golang.org/x/sys/unix"
)

// osFile is a file descriptor as a File.
type osFile struct {
	fs OS
	fd int
}

// Open is open(2). It looks first, because opening a FIFO would wait.
func (o OS) Open(path string, flags int, mode uint32) (File, error) {
	st, err := o.Stat(path)
	if err == nil && flags&unix.O_EXCL == 0 {
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFDIR:
			return nil, unix.EISDIR
		case unix.S_IFREG:
		default:
			return nil, unix.EINVAL
		}
	}
	f := &osFile{fs: o}
	err = o.call(func() (err error) {
		f.fd, err = unix.Open(o.path(path), flags|unix.O_CLOEXEC, mode)
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// all transfers what a system call may do in parts.
func (f *osFile) all(p []byte, off int64, call func(int, []byte, int64) (int, error)) (int, error) {
	for done := 0; ; {
		n := 0
		err := f.fs.call(func() (err error) { n, err = call(f.fd, p[done:], off+int64(done)); return err })
		done += max(n, 0)
		if err != nil || n == 0 || done == len(p) {
			return done, err
		}
	}
}

func (f *osFile) Pread(p []byte, off int64) (int, error)  { return f.all(p, off, unix.Pread) }
func (f *osFile) Pwrite(p []byte, off int64) (int, error) { return f.all(p, off, unix.Pwrite) }

func (f *osFile) Ftruncate(size int64) error {
	return f.fs.call(func() error { return unix.Ftruncate(f.fd, size) })
}

func (f *osFile) Fallocate(mode uint32, off, length int64) error {
	return f.fs.call(func() error { return unix.Fallocate(f.fd, mode, off, length) })
}

func (f *osFile) Fstat() (Stat, error) {
	var st unix.Stat_t
	err := f.fs.call(func() error { return unix.Fstat(f.fd, &st) })
	return osStat(st), err
}

func (f *osFile) Fsync() error {
	return f.fs.call(func() error { return unix.Fsync(f.fd) })
}

// Close never closes twice: a descriptor is gone even when close(2) was
// interrupted.
func (f *osFile) Close() error {
	if err := unix.Close(f.fd); err != unix.EINTR {
		return bare(err)
	}
	return nil
}

// osDir is a directory's descriptor as a Dir.
type osDir struct {
	osFile
	at int64 // the cookie where the descriptor stands
}

// OpenDir is opendir(3).
func (o OS) OpenDir(path string) (Dir, error) {
	d := &osDir{osFile: osFile{fs: o}}
	err := o.call(func() (err error) {
		d.fd, err = unix.Open(o.path(path), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Read seeks only when it has to, so that plain scans stay plain.
func (d *osDir) Read(cookie int64, n int) ([]DirEntry, error) {
	p := make([]byte, 4<<10)
	got := 0
	err := d.fs.call(func() (err error) {
		if cookie != d.at || cookie == 0 {
			if _, err := unix.Seek(d.fd, cookie, 0); err != nil {
				return err
			}
			d.at = cookie
		}
		got, err = unix.Getdents(d.fd, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	entries := parseDirents(p[:got])
	if len(entries) > 0 {
		d.at = entries[len(entries)-1].Next
	}
	return entries[:min(n, len(entries))], nil
}

// parseDirents reads struct linux_dirent64: inode, cookie, length, type, name.
func parseDirents(p []byte) []DirEntry {
	var entries []DirEntry
	for len(p) > 0 {
		length := binary.NativeEndian.Uint16(p[16:])
		name, _, _ := strings.Cut(string(p[19:length]), "\x00")
		entries = append(entries, DirEntry{
			Name: name,
			Type: uint32(p[18]) << 12,
			Next: int64(binary.NativeEndian.Uint64(p[8:])),
		})
		p = p[length:]
	}
	return entries
}
