package namespacetest

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// OS is a directory of this machine as an FS. The tests need root to be other
// users and to make devices.
type OS struct {
	Root string
	// UID and GID are whom the calls are made as; the zero value is root.
	UID, GID uint32
}

var _ FS = OS{}

func (o OS) path(p string) string { return o.Root + "/" + p }

// call makes a system call as the user, again whenever a signal came first.
func (o OS) call(f func() error) error {
	if o.UID != 0 || o.GID != 0 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer become(0, 0)
		become(o.UID, o.GID)
	}
	for {
		err := f()
		if err != unix.EINTR {
			return bare(err)
		}
	}
}

// become changes whom this thread accesses files as. The kernel takes the
// privileges over files from every user but 0.
func become(uid, gid uint32) {
	syscall.RawSyscall(unix.SYS_SETFSGID, uintptr(gid), 0, 0)
	syscall.RawSyscall(unix.SYS_SETFSUID, uintptr(uid), 0, 0)
}

// bare returns the errno in err.
func bare(err error) error {
	var errno syscall.Errno
	if err == nil || !errors.As(err, &errno) {
		return err
	}
	return errno
}

// As is the same directory seen by another user.
func (o OS) As(uid, gid uint32) FS { return OS{o.Root, uid, gid} }

// Mkdir is mkdir(2).
func (o OS) Mkdir(path string, mode uint32) error {
	return o.call(func() error { return unix.Mkdir(o.path(path), mode) })
}

// Mknod is mknod(2).
func (o OS) Mknod(path string, mode, rdev uint32) error {
	return o.call(func() error { return unix.Mknod(o.path(path), mode, int(rdev)) })
}

// Symlink is symlink(2).
func (o OS) Symlink(target, path string) error {
	return o.call(func() error { return unix.Symlink(target, o.path(path)) })
}

// Readlink is readlink(2).
func (o OS) Readlink(path string) (string, error) {
	p := make([]byte, namespace.MaxTarget+1)
	n := 0
	err := o.call(func() (err error) { n, err = unix.Readlink(o.path(path), p); return err })
	return string(p[:max(n, 0)]), err
}

// Link is link(2).
func (o OS) Link(old, path string) error {
	return o.call(func() error { return unix.Link(o.path(old), o.path(path)) })
}

// Unlink is unlink(2).
func (o OS) Unlink(path string) error {
	return o.call(func() error { return unix.Unlink(o.path(path)) })
}

// Rmdir is rmdir(2).
func (o OS) Rmdir(path string) error {
	return o.call(func() error { return unix.Rmdir(o.path(path)) })
}

// Rename is rename(2).
func (o OS) Rename(old, path string) error {
	return o.call(func() error { return unix.Rename(o.path(old), o.path(path)) })
}

// Stat is stat(2).
func (o OS) Stat(path string) (Stat, error) {
	var st unix.Stat_t
	err := o.call(func() error { return unix.Stat(o.path(path), &st) })
	return osStat(st), err
}

// Lstat is lstat(2).
func (o OS) Lstat(path string) (Stat, error) {
	var st unix.Stat_t
	err := o.call(func() error { return unix.Lstat(o.path(path), &st) })
	return osStat(st), err
}

func osStat(st unix.Stat_t) Stat {
	moment := func(t unix.Timespec) namespace.Time { return namespace.Time(t.Sec*1e9 + t.Nsec) }
	return Stat{
		Ino: st.Ino, Mode: st.Mode, Nlink: uint64(st.Nlink), UID: st.Uid, GID: st.Gid,
		Rdev: uint64(st.Rdev), Size: st.Size,
		Atime: moment(st.Atim), Mtime: moment(st.Mtim), Ctime: moment(st.Ctim),
	}
}

// Chmod is chmod(2).
func (o OS) Chmod(path string, mode uint32) error {
	return o.call(func() error { return unix.Chmod(o.path(path), mode) })
}

// Lchown is lchown(2).
func (o OS) Lchown(path string, uid, gid uint32) error {
	return o.call(func() error { return unix.Lchown(o.path(path), int(uid), int(gid)) })
}

// Utimens is utimensat(2) without following links.
func (o OS) Utimens(path string, atime, mtime *namespace.Time) error {
	spec := func(t *namespace.Time) unix.Timespec {
		if t == nil {
			return unix.Timespec{Nsec: unix.UTIME_OMIT}
		}
		sec, nsec := int64(*t)/1e9, int64(*t)%1e9
		if nsec < 0 {
			sec, nsec = sec-1, nsec+1e9
		}
		return unix.Timespec{Sec: sec, Nsec: nsec}
	}
	times := []unix.Timespec{spec(atime), spec(mtime)}
	return o.call(func() error {
		return unix.UtimesNanoAt(unix.AT_FDCWD, o.path(path), times, unix.AT_SYMLINK_NOFOLLOW)
	})
}

// Truncate is truncate(2).
func (o OS) Truncate(path string, size int64) error {
	return o.call(func() error { return unix.Truncate(o.path(path), size) })
}

// Getxattr is lgetxattr(2).
func (o OS) Getxattr(path, name string, p []byte) (n int, err error) {
	err = o.call(func() (err error) { n, err = unix.Lgetxattr(o.path(path), name, p); return err })
	return max(n, 0), err
}

// Setxattr is lsetxattr(2).
func (o OS) Setxattr(path, name string, value []byte, flags int) error {
	return o.call(func() error { return unix.Lsetxattr(o.path(path), name, value, flags) })
}

// Listxattr is llistxattr(2).
func (o OS) Listxattr(path string) ([]string, error) {
	p := make([]byte, 64<<10)
	n := 0
	err := o.call(func() (err error) { n, err = unix.Llistxattr(o.path(path), p); return err })
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range bytes.Split(p[:n], []byte{0}) {
		if strings.HasPrefix(string(name), "user.") {
			names = append(names, string(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

// Removexattr is lremovexattr(2).
func (o OS) Removexattr(path, name string) error {
	return o.call(func() error { return unix.Lremovexattr(o.path(path), name) })
}

// Statfs is statfs(2).
func (o OS) Statfs() (Statfs, error) {
	var st unix.Statfs_t
	err := o.call(func() error { return unix.Statfs(o.Root, &st) })
	return Statfs{
		Total:     int64(st.Blocks) * st.Frsize,
		Free:      int64(st.Bfree) * st.Frsize,
		Available: int64(st.Bavail) * st.Frsize,
		MaxName:   st.Namelen,
	}, err
}

// Sync is fsync(2) of the root.
func (o OS) Sync() error {
	return o.call(func() error {
		fd, err := unix.Open(o.Root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Fsync(fd)
	})
}
