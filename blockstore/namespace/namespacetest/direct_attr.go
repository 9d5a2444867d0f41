package namespacetest

import (
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// kindBits are the S_IFMT bits of each kind.
var kindBits = [...]uint32{
	namespace.File:        unix.S_IFREG,
	namespace.Dir:         unix.S_IFDIR,
	namespace.Symlink:     unix.S_IFLNK,
	namespace.Fifo:        unix.S_IFIFO,
	namespace.CharDevice:  unix.S_IFCHR,
	namespace.BlockDevice: unix.S_IFBLK,
	namespace.Socket:      unix.S_IFSOCK,
}

func directStat(a namespace.Attr) Stat {
	if a.Kind == 0 {
		return Stat{}
	}
	return Stat{
		Ino: namespace.Ino(a.ID), Mode: kindBits[a.Kind] | a.Mode, Nlink: uint64(a.Links),
		UID: a.UID, GID: a.GID, Rdev: uint64(a.Rdev), Size: a.Size,
		Atime: a.Atime, Mtime: a.Mtime, Ctime: a.Ctime,
	}
}

func (d Direct) stat(path string, follow bool) (Stat, error) {
	id, err := d.node(path, follow)
	if err != nil {
		return Stat{}, err
	}
	a, err := d.Door.Attr(background(), id)
	return directStat(a), errno(err)
}

// Stat follows a symbolic link.
func (d Direct) Stat(path string) (Stat, error) { return d.stat(path, true) }

// Lstat does not.
func (d Direct) Lstat(path string) (Stat, error) { return d.stat(path, false) }

func (d Direct) setAttr(path string, follow bool, s namespace.SetAttr) error {
	id, err := d.node(path, follow)
	if err != nil {
		return err
	}
	_, err = d.Door.SetAttr(background(), id, s)
	return errno(err)
}

// Chmod sets the mode.
func (d Direct) Chmod(path string, mode uint32) error {
	return d.setAttr(path, true, namespace.SetAttr{Mode: &mode})
}

// Lchown sets owner and group.
func (d Direct) Lchown(path string, uid, gid uint32) error {
	return d.setAttr(path, false, namespace.SetAttr{UID: &uid, GID: &gid})
}

// Utimens sets times.
func (d Direct) Utimens(path string, atime, mtime *namespace.Time) error {
	return d.setAttr(path, false, namespace.SetAttr{Atime: atime, Mtime: mtime})
}

// Truncate sets the size. The kernel refuses what is no file.
func (d Direct) Truncate(path string, size int64) error {
	a, err := d.walker().node(path, true)
	if err != nil {
		return err
	}
	if err := regular(a.Kind); err != nil {
		return err
	}
	_, err = d.Door.SetAttr(background(), a.ID, namespace.SetAttr{Size: &size})
	return errno(err)
}

// regular is why a kind of node can't be opened or truncated.
func regular(k namespace.Kind) error {
	switch k {
	case namespace.File:
		return nil
	case namespace.Dir:
		return syscall.EISDIR
	}
	return syscall.EINVAL
}

// The most bytes of an extended attribute's name and value, by the kernel.
const (
	maxXattrName  = 255
	maxXattrValue = 64 << 10
)

// xattrNode is the node for a call on an attribute of user.*, which only files
// and directories have; others is what the kernel says of the rest.
func (d Direct) xattrNode(path, name string, others error) (namespace.NodeID, error) {
	a, err := d.walker().node(path, false)
	switch {
	case err != nil:
		return a.ID, err
	case len(name) > maxXattrName:
		return a.ID, syscall.ERANGE
	case a.Kind != namespace.File && a.Kind != namespace.Dir:
		return a.ID, others
	}
	return a.ID, nil
}

// Getxattr reads an extended attribute.
func (d Direct) Getxattr(path, name string, p []byte) (int, error) {
	id, err := d.xattrNode(path, name, syscall.ENODATA)
	if err != nil {
		return 0, err
	}
	v, err := d.Door.GetXattr(background(), id, name)
	switch {
	case err != nil:
		return 0, errno(err)
	case len(p) > 0 && len(v) > len(p):
		return 0, syscall.ERANGE
	}
	copy(p, v)
	return len(v), nil
}

// Setxattr sets an extended attribute.
func (d Direct) Setxattr(path, name string, value []byte, flags int) error {
	id, err := d.xattrNode(path, name, syscall.EPERM)
	if err != nil {
		return err
	}
	if len(value) > maxXattrValue {
		return syscall.E2BIG
	}
	err = errno(d.Door.SetXattr(background(), id, name, value,
		flags&unix.XATTR_CREATE != 0, flags&unix.XATTR_REPLACE != 0))
	if err == syscall.EFBIG {
		return syscall.ENOSPC
	}
	return err
}

// Listxattr lists the extended attributes.
func (d Direct) Listxattr(path string) ([]string, error) {
	id, err := d.node(path, false)
	if err != nil {
		return nil, err
	}
	names, err := d.Door.ListXattr(background(), id)
	return slices.DeleteFunc(names, func(s string) bool { return !strings.HasPrefix(s, "user.") }), errno(err)
}

// Removexattr removes an extended attribute.
func (d Direct) Removexattr(path, name string) error {
	id, err := d.xattrNode(path, name, syscall.EPERM)
	if err != nil {
		return err
	}
	return errno(d.Door.RemoveXattr(background(), id, name))
}
