package namespacetest

import (
	"maps"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

func (n *node) stat() Stat {
	size := n.content.size
	if n.kind() == unix.S_IFLNK {
		size = int64(len(n.link))
	}
	return Stat{
		Ino: n.ino, Mode: n.mode, Nlink: n.nlink, UID: n.uid, GID: n.gid, Rdev: n.rdev, Size: size,
		Atime: n.atime, Mtime: n.mtime, Ctime: n.ctime,
	}
}

// Stat follows a symbolic link.
func (m Model) Stat(path string) (Stat, error) {
	n, err := m.walker().node(path, true)
	if err != nil {
		return Stat{}, err
	}
	return n.stat(), nil
}

// Lstat does not.
func (m Model) Lstat(path string) (Stat, error) {
	n, err := m.walker().node(path, false)
	if err != nil {
		return Stat{}, err
	}
	return n.stat(), nil
}

// Chmod sets the mode.
func (m Model) Chmod(path string, mode uint32) error {
	n, err := m.walker().node(path, true)
	if err != nil {
		return err
	}
	n.mode = n.kind() | mode
	m.changed(n)
	return nil
}

// Lchown sets owner and group.
func (m Model) Lchown(path string, uid, gid uint32) error {
	n, err := m.walker().node(path, false)
	if err != nil {
		return err
	}
	n.uid, n.gid = uid, gid
	n.dropPrivileges()
	m.changed(n)
	return nil
}

// dropPrivileges clears setuid, and setgid where it is one: on a file that its
// group can't execute it means something else.
func (n *node) dropPrivileges() {
	if n.isDir() {
		return
	}
	n.mode &^= unix.S_ISUID
	if n.mode&unix.S_IXGRP != 0 {
		n.mode &^= unix.S_ISGID
	}
}

// Utimens sets times.
func (m Model) Utimens(path string, atime, mtime *namespace.Time) error {
	n, err := m.walker().node(path, false)
	if err != nil {
		return err
	}
	if atime != nil {
		n.atime = *atime
	}
	if mtime != nil {
		n.mtime, n.looseMtime = *mtime, false
	}
	m.changed(n)
	return nil
}

// xattrNode is the node for a call on an extended attribute of user.*; others
// is what is said of nodes that have none.
func (m Model) xattrNode(path, name string, others error) (*node, error) {
	n, err := m.walker().node(path, false)
	switch {
	case err != nil:
		return nil, err
	case len(name) > maxXattrName:
		return nil, syscall.ERANGE
	case n.kind() != unix.S_IFREG && !n.isDir():
		return nil, others
	}
	return n, nil
}

// Getxattr reads an extended attribute.
func (m Model) Getxattr(path, name string, p []byte) (int, error) {
	n, err := m.xattrNode(path, name, syscall.ENODATA)
	if err != nil {
		return 0, err
	}
	v, found := n.xattrs[name]
	switch {
	case !found:
		return 0, syscall.ENODATA
	case len(p) > 0 && len(v) > len(p):
		return 0, syscall.ERANGE
	}
	copy(p, v)
	return len(v), nil
}

// Setxattr sets an extended attribute.
func (m Model) Setxattr(path, name string, value []byte, flags int) error {
	n, err := m.xattrNode(path, name, syscall.EPERM)
	if err != nil {
		return err
	}
	old, found := n.xattrs[name]
	size := len(name) + len(value)
	for k, v := range n.xattrs {
		if k != name {
			size += len(k) + len(v)
		}
	}
	switch {
	case len(value) > maxXattrValue:
		return syscall.E2BIG
	case found && flags&unix.XATTR_CREATE != 0:
		return syscall.EEXIST
	case !found && flags&unix.XATTR_REPLACE != 0:
		return syscall.ENODATA
	case size > namespace.MaxXattr:
		return syscall.ENOSPC
	}
	n.xattrs[name] = string(value)
	m.changed(n)
	n.looseCtime = found && old == string(value)
	return nil
}

// Listxattr lists the extended attributes.
func (m Model) Listxattr(path string) ([]string, error) {
	n, err := m.walker().node(path, false)
	if err != nil {
		return nil, err
	}
	return n.xattrNames(), nil
}

func (n *node) xattrNames() []string { return slices.Sorted(maps.Keys(n.xattrs)) }

// Removexattr removes an extended attribute.
func (m Model) Removexattr(path, name string) error {
	n, err := m.xattrNode(path, name, syscall.EPERM)
	if err != nil {
		return err
	}
	if _, found := n.xattrs[name]; !found {
		return syscall.ENODATA
	}
	delete(n.xattrs, name)
	m.changed(n)
	return nil
}
