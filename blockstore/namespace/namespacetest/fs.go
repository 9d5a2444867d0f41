package namespacetest

import "github.com/cairnfs/cairn/blockstore/namespace"

// FS is a file system as a program sees it. Paths are relative to its root and
// have no leading slash; "." is the root. Every error is a bare syscall.Errno.
// Symbolic links are followed as the system call of the same name does.
type FS interface {
	// As is the same file system seen by another user and group.
	As(uid, gid uint32) FS

	Mkdir(path string, mode uint32) error
	Mknod(path string, mode, rdev uint32) error // mode with the S_IFMT bits
	Symlink(target, path string) error
	Readlink(path string) (string, error)
	Link(old, path string) error
	Unlink(path string) error
	Rmdir(path string) error
	Rename(old, path string) error

	Stat(path string) (Stat, error)
	Lstat(path string) (Stat, error)
	Chmod(path string, mode uint32) error
	Lchown(path string, uid, gid uint32) error
	// Utimens sets the times that are not nil. It does not follow links.
	Utimens(path string, atime, mtime *namespace.Time) error
	Truncate(path string, size int64) error

	// Getxattr fills p and fails with ERANGE if it is too short, but tells the
	// size of the value if it is empty.
	Getxattr(path, name string, p []byte) (int, error)
	Setxattr(path, name string, value []byte, flags int) error
	Listxattr(path string) ([]string, error) // sorted; those of user.* only
	Removexattr(path, name string) error

	// Open opens a regular file with O_ flags. Directories are EISDIR, what is
	// neither is EINVAL.
	Open(path string, flags int, mode uint32) (File, error)
	OpenDir(path string) (Dir, error)
	Statfs() (Statfs, error)
	// Sync makes everything durable that was done so far.
	Sync() error
}

// File is an open file.
type File interface {
	Pread(p []byte, off int64) (int, error) // 0 at the end
	// Pwrite writes at the end, wherever off is, if the file was opened with
	// O_APPEND.
	Pwrite(p []byte, off int64) (int, error)
	Ftruncate(size int64) error
	Fallocate(mode uint32, off, length int64) error // FALLOC_FL_ bits
	Fstat() (Stat, error)
	Fsync() error
	Close() error
}

// Dir is an open directory.
type Dir interface {
	// Read returns at most n entries from the cookie on; none at the end. The
	// start is cookie 0, which sees the directory afresh.
	Read(cookie int64, n int) ([]DirEntry, error)
	Close() error
}

// DirEntry is what readdir tells of a name.
type DirEntry struct {
	Name string
	Type uint32 // the S_IFMT bits
	Next int64  // the cookie to continue after this entry
}

// Stat is what stat tells of a node.
type Stat struct {
	Ino                 uint64
	Mode                uint32 // with the S_IFMT bits
	Nlink               uint64
	UID, GID            uint32
	Rdev                uint64
	Size                int64
	Atime, Mtime, Ctime namespace.Time
}

// Statfs is what statfs tells, in bytes.
type Statfs struct {
	Total, Free, Available int64
	MaxName                int64
}
