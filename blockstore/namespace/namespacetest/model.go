package namespacetest

import (
	"maps"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// Model is the reference: a POSIX tree in memory, simple enough to be seen to
// be right. It is not safe for concurrent use.
type Model struct {
	*world
	uid, gid uint32
}

var _ FS = Model{}

// world is what all users of a Model share.
type world struct {
	root *node
	now  func() namespace.Time
	inos uint64
}

// node is a file, directory, link or special file.
type node struct {
	ino      uint64
	mode     uint32 // with the S_IFMT bits
	nlink    uint64
	uid, gid uint32
	rdev     uint64
	xattrs   map[string]string
	link     string           // of a symbolic link
	content  content          // of a file
	entries  map[string]*node // of a directory
	parent   *node            // of a directory that has a name

	atime, mtime, ctime namespace.Time
	// POSIX leaves open whether the last operations changed these times.
	looseMtime, looseCtime bool
}

// NewModel returns an empty tree.
func NewModel() Model {
	m := Model{world: &world{now: namespace.Now}}
	m.root = m.newNode(unix.S_IFDIR | 0755)
	m.root.nlink = 2
	return m
}

// As is the same tree seen by another user.
func (m Model) As(uid, gid uint32) FS { return Model{m.world, uid, gid} }

func (m Model) newNode(mode uint32) *node {
	m.inos++
	n := &node{ino: m.inos, mode: mode, nlink: 1, uid: m.uid, gid: m.gid}
	now := m.now()
	n.atime, n.mtime, n.ctime = now, now, now
	n.xattrs = make(map[string]string)
	if n.isDir() {
		n.entries = make(map[string]*node)
	}
	return n
}

func (n *node) kind() uint32 { return n.mode & unix.S_IFMT }
func (n *node) isDir() bool  { return n.kind() == unix.S_IFDIR }

// names are the names in a directory, in order.
func (n *node) names() []string { return slices.Sorted(maps.Keys(n.entries)) }

// modified and changed mark times.
func (m Model) modified(n *node) {
	n.mtime, n.looseMtime = m.now(), false
	m.changed(n)
}

func (m Model) changed(n *node) { n.ctime, n.looseCtime = m.now(), false }

// modelTree is the model as a tree.
type modelTree struct{}

func (modelTree) lookup(dir *node, name string) (*node, error) {
	switch {
	case !dir.isDir():
		return nil, syscall.ENOTDIR
	case len(name) > namespace.MaxName:
		return nil, syscall.ENAMETOOLONG
	case dir.entries[name] == nil:
		return nil, syscall.ENOENT
	}
	return dir.entries[name], nil
}

func (modelTree) target(n *node) (string, bool, error) {
	return n.link, n.kind() == unix.S_IFLNK, nil
}

func (m Model) walker() walker[*node] { return walker[*node]{modelTree{}, m.root} }

// place is where a name is or could be.
type place struct {
	dir  *node
	name string
	node *node // nil if there is none
}

func (m Model) place(path string, follow bool) (place, error) {
	p, err := m.free(path, follow)
	if err == nil {
		err = p.look()
	}
	return p, err
}

// free is the place without a look at what is there.
func (m Model) free(path string, follow bool) (place, error) {
	dir, name, err := m.walker().locate(path, follow)
	if err == nil && !dir.isDir() {
		err = syscall.ENOTDIR
	}
	return place{dir: dir, name: name}, err
}

func (p *place) look() (err error) {
	if p.name == "." {
		p.node = p.dir
		return nil
	}
	p.node, err = modelTree{}.lookup(p.dir, p.name)
	if err == syscall.ENOENT {
		err = nil
	}
	return err
}

// add makes a node under a name that must be free.
func (m Model) add(path string, mode uint32) (*node, error) {
	p, err := m.place(path, false)
	if err != nil {
		return nil, err
	}
	if p.node != nil {
		return nil, syscall.EEXIST
	}
	return m.addAt(p, mode), nil
}

func (m Model) addAt(p place, mode uint32) *node {
	n := m.newNode(mode)
	if p.dir.mode&unix.S_ISGID != 0 {
		n.gid = p.dir.gid
		if n.isDir() {
			n.mode |= unix.S_ISGID
		}
	}
	if n.isDir() {
		n.nlink = 2
	}
	m.attach(p, n)
	return n
}

// attach and detach put a node under a name and take it away.
func (m Model) attach(p place, n *node) {
	p.dir.entries[p.name] = n
	if n.isDir() {
		n.parent = p.dir
		p.dir.nlink++
	}
	m.modified(p.dir)
}

func (m Model) detach(p place) {
	delete(p.dir.entries, p.name)
	if p.node.isDir() {
		p.node.parent = nil
		p.dir.nlink--
	}
	m.modified(p.dir)
}

// Mkdir makes a directory.
func (m Model) Mkdir(path string, mode uint32) error {
	_, err := m.add(path, unix.S_IFDIR|mode)
	return err
}

// Mknod makes a special file.
func (m Model) Mknod(path string, mode, rdev uint32) error {
	n, err := m.add(path, mode)
	if err == nil && (n.kind() == unix.S_IFCHR || n.kind() == unix.S_IFBLK) {
		n.rdev = uint64(rdev)
	}
	return err
}

// Symlink makes a symbolic link.
func (m Model) Symlink(target, path string) error {
	switch {
	case target == "":
		return syscall.ENOENT
	case len(target) > namespace.MaxTarget:
		return syscall.ENAMETOOLONG
	}
	n, err := m.add(path, unix.S_IFLNK|0777)
	if err == nil {
		n.link = target
	}
	return err
}

// Readlink reads a symbolic link.
func (m Model) Readlink(path string) (string, error) {
	n, err := m.walker().node(path, false)
	if err == nil && n.kind() != unix.S_IFLNK {
		err = syscall.EINVAL
	}
	if err != nil {
		return "", err
	}
	return n.link, nil
}

// Link gives a node one more name.
func (m Model) Link(old, path string) error {
	n, err := m.walker().node(old, false)
	if err != nil {
		return err
	}
	p, err := m.place(path, false)
	switch {
	case err != nil:
		return err
	case p.node != nil:
		return syscall.EEXIST
	case n.isDir():
		return syscall.EPERM
	}
	n.nlink++
	m.changed(n)
	m.attach(p, n)
	return nil
}

// Unlink removes a name that is not a directory's.
func (m Model) Unlink(path string) error {
	p, err := m.place(path, false)
	switch {
	case err != nil:
		return err
	case p.node == nil:
		return syscall.ENOENT
	case p.node.isDir():
		return syscall.EISDIR
	}
	m.drop(p)
	return nil
}

// drop detaches a file, which loses a link.
func (m Model) drop(p place) {
	m.detach(p)
	p.node.nlink--
	m.changed(p.node)
}

// Rmdir removes an empty directory.
func (m Model) Rmdir(path string) error {
	p, err := m.place(path, false)
	switch {
	case err != nil:
		return err
	case p.node == nil:
		return syscall.ENOENT
	case !p.node.isDir():
		return syscall.ENOTDIR
	case len(p.node.entries) > 0:
		return syscall.ENOTEMPTY
	}
	m.detach(p)
	return nil
}

// OpenDir opens a directory. The scan sees it as it is at its start.
func (m Model) OpenDir(path string) (Dir, error) {
	n, err := m.walker().node(path, true)
	if err != nil {
		return nil, err
	}
	if !n.isDir() {
		return nil, syscall.ENOTDIR
	}
	return &modelDir{node: n}, nil
}

type modelDir struct {
	node    *node
	entries []DirEntry
}

func (d *modelDir) Read(cookie int64, n int) ([]DirEntry, error) {
	if cookie == 0 {
		d.entries = []DirEntry{{".", unix.S_IFDIR, 1}, {"..", unix.S_IFDIR, 2}}
		for i, name := range d.node.names() {
			d.entries = append(d.entries, DirEntry{name, d.node.entries[name].kind(), int64(i) + 3})
		}
	}
	rest := d.entries[cookie:]
	return rest[:min(n, len(rest))], nil
}

func (d *modelDir) Close() error { return nil }

// Statfs tells of endless room.
func (m Model) Statfs() (Statfs, error) {
	return Statfs{1 << 50, 1 << 49, 1 << 48, namespace.MaxName}, nil
}

// Sync has nothing to do.
func (m Model) Sync() error { return nil }
