package fusefs

import (
	"encoding/binary"
	"io/fs"
	"math"
	"os"
	"time"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"golang.org/x/sys/unix"
)

// The replies, as the kernel's fuse.h (protocol 7.33) lays them out. They are
// made here and not by the library because its attributes lose the sticky bit
// and break times before 1970, its directory entries carry no cookies, and it
// allocates and copies every reply.

// headerSize is the size of struct fuse_out_header.
const headerSize = 16

// blockSize is what st_blksize says: a program that buffers that much sends
// the largest requests there are.
const blockSize = 128 << 10

var wire = binary.NativeEndian

// putHeader fills in struct fuse_out_header at the start of b.
func putHeader(b []byte, size int, code int32, unique uint64) {
	wire.PutUint32(b[0:], uint32(size))
	wire.PutUint32(b[4:], uint32(code))
	wire.PutUint64(b[8:], unique)
}

// appendEntry appends struct fuse_entry_out.
func appendEntry(b []byte, node, generation uint64, valid time.Duration, a *namespace.Attr) []byte {
	sec, nsec := uint64(valid/time.Second), uint32(valid%time.Second)
	b = wire.AppendUint64(b, node)
	b = wire.AppendUint64(b, generation)
	b = wire.AppendUint64(b, sec) // of the name
	b = wire.AppendUint64(b, sec) // of the attributes
	b = wire.AppendUint32(b, nsec)
	b = wire.AppendUint32(b, nsec)
	return appendAttr(b, a)
}

// appendAttrOut appends struct fuse_attr_out.
func appendAttrOut(b []byte, valid time.Duration, a *namespace.Attr) []byte {
	b = wire.AppendUint64(b, uint64(valid/time.Second))
	b = wire.AppendUint32(b, uint32(valid%time.Second))
	b = wire.AppendUint32(b, 0)
	return appendAttr(b, a)
}

// appendAttr appends struct fuse_attr.
func appendAttr(b []byte, a *namespace.Attr) []byte {
	asec, ansec := split(a.Atime)
	msec, mnsec := split(a.Mtime)
	csec, cnsec := split(a.Ctime)
	b = wire.AppendUint64(b, namespace.Ino(a.ID))
	b = wire.AppendUint64(b, uint64(a.Size))
	b = wire.AppendUint64(b, uint64(a.Stored+511)/512)
	b = wire.AppendUint64(b, asec)
	b = wire.AppendUint64(b, msec)
	b = wire.AppendUint64(b, csec)
	b = wire.AppendUint32(b, ansec)
	b = wire.AppendUint32(b, mnsec)
	b = wire.AppendUint32(b, cnsec)
	b = wire.AppendUint32(b, typeBits(a.Kind)|a.Mode&0o7777)
	b = wire.AppendUint32(b, a.Links)
	b = wire.AppendUint32(b, a.UID)
	b = wire.AppendUint32(b, a.GID)
	b = wire.AppendUint32(b, a.Rdev)
	b = wire.AppendUint32(b, blockSize)
	return wire.AppendUint32(b, 0) // flags
}

// split is a time as the kernel has it: nanoseconds are never negative.
func split(t namespace.Time) (sec uint64, nsec uint32) {
	s, n := int64(t)/1e9, int64(t)%1e9
	if n < 0 {
		s, n = s-1, n+1e9
	}
	return uint64(s), uint32(n)
}

// appendOpen appends struct fuse_open_out.
func appendOpen(b []byte, handle uint64, flags uint32) []byte {
	b = wire.AppendUint64(b, handle)
	b = wire.AppendUint32(b, flags)
	return wire.AppendUint32(b, 0)
}

// appendSize appends struct fuse_write_out or fuse_getxattr_out.
func appendSize(b []byte, n int) []byte {
	b = wire.AppendUint32(b, uint32(n))
	return wire.AppendUint32(b, 0)
}

// direntSize is the room that struct fuse_dirent takes with a name.
func direntSize(name string) int { return (24 + len(name) + 7) &^ 7 }

// appendDirent appends struct fuse_dirent.
func appendDirent(b []byte, e *namespace.Entry, next uint64) []byte {
	b = wire.AppendUint64(b, namespace.Ino(e.ID))
	b = wire.AppendUint64(b, next)
	b = wire.AppendUint32(b, uint32(len(e.Name)))
	b = wire.AppendUint32(b, typeBits(e.Kind)>>12)
	b = append(b, e.Name...)
	return append(b, make([]byte, direntSize(e.Name)-24-len(e.Name))...)
}

// appendStatfs appends struct fuse_statfs_out. The store has no fixed number of
// nodes: as many are free as programs can count.
func appendStatfs(b []byte, u *namespace.Usage) []byte {
	const unit = 4096
	b = wire.AppendUint64(b, uint64(u.Total/unit))
	b = wire.AppendUint64(b, uint64(u.Free/unit))
	b = wire.AppendUint64(b, uint64(u.Available/unit))
	b = wire.AppendUint64(b, uint64(u.Files)+math.MaxUint32)
	b = wire.AppendUint64(b, math.MaxUint32)
	b = wire.AppendUint32(b, unit)
	b = wire.AppendUint32(b, namespace.MaxName)
	b = wire.AppendUint32(b, unit)
	return append(b, make([]byte, 4+6*4)...)
}

// typeBits is the S_IFMT part of a mode.
func typeBits(k namespace.Kind) uint32 {
	switch k {
	case namespace.Dir:
		return unix.S_IFDIR
	case namespace.Symlink:
		return unix.S_IFLNK
	case namespace.Fifo:
		return unix.S_IFIFO
	case namespace.CharDevice:
		return unix.S_IFCHR
	case namespace.BlockDevice:
		return unix.S_IFBLK
	case namespace.Socket:
		return unix.S_IFSOCK
	}
	return unix.S_IFREG
}

// kindOf is the kind that a mode from the library stands for.
func kindOf(m os.FileMode) namespace.Kind {
	switch {
	case m&fs.ModeDir != 0:
		return namespace.Dir
	case m&fs.ModeCharDevice != 0:
		return namespace.CharDevice
	case m&fs.ModeDevice != 0:
		return namespace.BlockDevice
	case m&fs.ModeNamedPipe != 0:
		return namespace.Fifo
	case m&fs.ModeSocket != 0:
		return namespace.Socket
	case m&fs.ModeSymlink != 0:
		return namespace.Symlink
	}
	return namespace.File
}

// modeBits is the low 12 bits of a mode from the library.
func modeBits(m os.FileMode) uint32 {
	bits := uint32(m.Perm())
	if m&fs.ModeSetuid != 0 {
		bits |= unix.S_ISUID
	}
	if m&fs.ModeSetgid != 0 {
		bits |= unix.S_ISGID
	}
	if m&fs.ModeSticky != 0 {
		bits |= unix.S_ISVTX
	}
	return bits
}
