package namespacetest

import (
	"context"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

// Direct is a door of a volume as an FS. It does what the kernel does above a
// mount, and no more: it resolves paths, knows what each descriptor may do, and
// translates errors. It does not check permissions, and leaves to the door
// every rule that the door must keep when two doors meet.
type Direct struct {
	Door *namespace.Door
	Root namespace.NodeID // the bucket
	// UID and GID are whom new nodes belong to; the zero value is root.
	UID, GID uint32
}

var _ FS = Direct{}

// As is the same door used by another user.
func (d Direct) As(uid, gid uint32) FS { return Direct{d.Door, d.Root, uid, gid} }

// background: nothing that an FS is asked for is ever given up.
func background() context.Context { return context.Background() }

// directTree is a door as a tree. Of the root only the id and kind are known.
type directTree struct{ door *namespace.Door }

func (t directTree) lookup(dir namespace.Attr, name string) (namespace.Attr, error) {
	if dir.Kind != namespace.Dir {
		return namespace.Attr{}, syscall.ENOTDIR
	}
	a, err := t.door.Lookup(background(), dir.ID, name)
	return a, errno(err)
}

func (t directTree) target(n namespace.Attr) (string, bool, error) {
	if n.Kind != namespace.Symlink {
		return "", false, nil
	}
	target, err := t.door.Readlink(background(), n.ID)
	return target, true, errno(err)
}

func (d Direct) walker() walker[namespace.Attr] {
	return walker[namespace.Attr]{directTree{d.Door}, namespace.Attr{ID: d.Root, Kind: namespace.Dir}}
}

// node returns the id of what is at a path.
func (d Direct) node(path string, follow bool) (namespace.NodeID, error) {
	a, err := d.walker().node(path, follow)
	return a.ID, err
}

// parent returns the directory of a path, and the last name.
func (d Direct) parent(path string) (namespace.NodeID, string, error) {
	dir, name, err := d.walker().locate(path, false)
	if err == nil && dir.Kind != namespace.Dir {
		err = syscall.ENOTDIR
	}
	return dir.ID, name, err
}

func (d Direct) make(path string, n namespace.NewNode) error {
	dir, name, err := d.parent(path)
	if err != nil {
		return err
	}
	if name == "." {
		return syscall.EEXIST
	}
	n.UID, n.GID = d.UID, d.GID
	_, err = d.Door.Make(background(), dir, name, n)
	return errno(err)
}

// Mkdir makes a directory.
func (d Direct) Mkdir(path string, mode uint32) error {
	return d.make(path, namespace.NewNode{Kind: namespace.Dir, Mode: mode})
}

// Mknod makes a special file.
func (d Direct) Mknod(path string, mode, rdev uint32) error {
	i := slices.Index(kindBits[:], mode&unix.S_IFMT)
	return d.make(path, namespace.NewNode{Kind: namespace.Kind(i), Mode: mode & 07777, Rdev: rdev})
}

// Symlink makes a symbolic link.
func (d Direct) Symlink(target, path string) error {
	if target == "" {
		return syscall.ENOENT
	}
	return d.make(path, namespace.NewNode{Kind: namespace.Symlink, Mode: 0777, Target: target})
}

// Readlink reads a symbolic link.
func (d Direct) Readlink(path string) (string, error) {
	id, err := d.node(path, false)
	if err != nil {
		return "", err
	}
	target, err := d.Door.Readlink(background(), id)
	return target, errno(err)
}

// Link gives a node one more name.
func (d Direct) Link(old, path string) error {
	id, err := d.node(old, false)
	if err != nil {
		return err
	}
	dir, name, err := d.parent(path)
	if err != nil {
		return err
	}
	_, err = d.Door.Link(background(), id, dir, name)
	return errno(err)
}

// Unlink removes a name that is not a directory's.
func (d Direct) Unlink(path string) error {
	dir, name, err := d.parent(path)
	if err != nil {
		return err
	}
	return errno(d.Door.Unlink(background(), dir, name))
}

// Rmdir removes an empty directory.
func (d Direct) Rmdir(path string) error {
	dir, name, err := d.parent(path)
	if err != nil {
		return err
	}
	return errno(d.Door.Rmdir(background(), dir, name))
}

// Rename moves a name.
func (d Direct) Rename(old, path string) error {
	dir, name, err := d.parent(old)
	if err != nil {
		return err
	}
	newDir, newName, err := d.parent(path)
	if err != nil {
		return err
	}
	return errno(d.Door.Rename(background(), dir, name, newDir, newName))
}

// OpenDir opens a directory.
func (d Direct) OpenDir(path string) (Dir, error) {
	a, err := d.walker().node(path, true)
	if err != nil {
		return nil, err
	}
	if a.Kind != namespace.Dir {
		return nil, syscall.ENOTDIR
	}
	s, err := d.Door.OpenDir(background(), a.ID)
	if err != nil {
		return nil, errno(err)
	}
	return directDir{s}, nil
}

type directDir struct{ s *namespace.DirStream }

func (d directDir) Read(cookie int64, n int) ([]DirEntry, error) {
	var entries []DirEntry
	err := d.s.Read(background(), uint64(cookie), func(e namespace.Entry, next uint64) bool {
		if len(entries) == n {
			return false
		}
		entries = append(entries, DirEntry{strings.Clone(e.Name), kindBits[e.Kind], int64(next)})
		return true
	})
	return entries, errno(err)
}

func (d directDir) Close() error {
	d.s.Close()
	return nil
}

// Statfs tells of the room.
func (d Direct) Statfs() (Statfs, error) {
	u, err := d.Door.Usage(background(), d.Root)
	return Statfs{u.Total, u.Free, u.Available, namespace.MaxName}, errno(err)
}

// Sync makes all files and all names durable.
func (d Direct) Sync() error {
	if err := d.Door.Flush(background(), blockstore.Sync); err != nil {
		return errno(err)
	}
	return errno(d.Door.Sync(background()))
}
