package namespacetest

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// modelFile is an open file of a Model.
type modelFile struct {
	m     Model
	node  *node
	flags int
}

// Open opens or creates a file.
func (m Model) Open(path string, flags int, mode uint32) (File, error) {
	exclusive := flags&unix.O_CREAT != 0 && flags&unix.O_EXCL != 0
	p, err := m.place(path, !exclusive)
	switch {
	case err != nil:
		return nil, err
	case p.node == nil && flags&unix.O_CREAT == 0:
		return nil, syscall.ENOENT
	case p.node == nil:
		return &modelFile{m, m.addAt(p, unix.S_IFREG|mode), flags}, nil
	case exclusive:
		return nil, syscall.EEXIST
	}
	if err := p.node.regular(); err != nil {
		return nil, err
	}
	if flags&unix.O_TRUNC != 0 {
		err = m.resize(p.node, 0)
	}
	return &modelFile{m, p.node, flags}, err
}

func (n *node) regular() error {
	switch n.kind() {
	case unix.S_IFREG:
		return nil
	case unix.S_IFDIR:
		return syscall.EISDIR
	}
	return syscall.EINVAL
}

// Truncate sets the size.
func (m Model) Truncate(path string, size int64) error {
	n, err := m.walker().node(path, true)
	if err != nil {
		return err
	}
	if err := n.regular(); err != nil {
		return err
	}
	return m.resize(n, size)
}

func (m Model) resize(n *node, size int64) error {
	if size > namespace.MaxSize {
		return syscall.EFBIG
	}
	same := size == n.content.size
	n.content.truncate(size)
	m.written(n)
	n.looseMtime, n.looseCtime = same, same
	return nil
}

// written is what every change of content does besides.
func (m Model) written(n *node) {
	m.modified(n)
	if m.uid != 0 {
		n.dropPrivileges()
	}
}

func (f *modelFile) writable() bool { return f.flags&unix.O_ACCMODE != unix.O_RDONLY }

func (f *modelFile) Pread(p []byte, off int64) (int, error) {
	if f.flags&unix.O_ACCMODE == unix.O_WRONLY {
		return 0, syscall.EBADF
	}
	return f.node.content.readAt(p, off), nil
}

func (f *modelFile) Pwrite(p []byte, off int64) (int, error) {
	if !f.writable() {
		return 0, syscall.EBADF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if f.flags&unix.O_APPEND != 0 {
		off = f.node.content.size
	}
	if off+int64(len(p)) > namespace.MaxSize {
		return 0, syscall.EFBIG
	}
	f.node.content.writeAt(p, off)
	f.m.written(f.node)
	return len(p), nil
}

func (f *modelFile) Ftruncate(size int64) error {
	if !f.writable() {
		return syscall.EINVAL
	}
	return f.m.resize(f.node, size)
}

// Fallocate knows keep-size, punch-hole and zero-range.
func (f *modelFile) Fallocate(mode uint32, off, length int64) error {
	switch {
	case !f.writable():
		return syscall.EBADF
	case length <= 0:
		return syscall.EINVAL
	case off+length > namespace.MaxSize:
		return syscall.EFBIG
	case mode&unix.FALLOC_FL_PUNCH_HOLE != 0 && mode&unix.FALLOC_FL_KEEP_SIZE == 0:
		return syscall.EOPNOTSUPP
	}
	c := &f.node.content
	if mode&unix.FALLOC_FL_KEEP_SIZE == 0 && off+length > c.size {
		c.truncate(off + length)
	}
	if mode&(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_ZERO_RANGE) != 0 {
		c.zero(off, off+length)
	}
	f.m.written(f.node)
	f.node.looseMtime, f.node.looseCtime = true, true
	return nil
}

func (f *modelFile) Fstat() (Stat, error) { return f.node.stat(), nil }
func (f *modelFile) Fsync() error         { return nil }
func (f *modelFile) Close() error         { return nil }

// page is the unit in which a model keeps content, so that files can have holes.
type page [4 << 10]byte

// content is the bytes of a file. A page that is missing is all zeros, and so
// is everything past the size.
type content struct {
	size  int64
	pages map[int64]*page
}

// each calls f with the part of each page that lies in from..to.
func (c *content) each(from, to int64, f func(number, start, end int64)) {
	for from < to {
		number, start := from/int64(len(page{})), from%int64(len(page{}))
		end := min(int64(len(page{})), start+to-from)
		f(number, start, end)
		from += end - start
	}
}

func (c *content) readAt(p []byte, off int64) int {
	n := min(int64(len(p)), max(0, c.size-off))
	clear(p[:n])
	done := int64(0)
	c.each(off, off+n, func(number, start, end int64) {
		if pg := c.pages[number]; pg != nil {
			copy(p[done:], pg[start:end])
		}
		done += end - start
	})
	return int(n)
}

func (c *content) writeAt(p []byte, off int64) {
	if c.pages == nil {
		c.pages = make(map[int64]*page)
	}
	c.size = max(c.size, off+int64(len(p)))
	c.each(off, off+int64(len(p)), func(number, start, end int64) {
		if c.pages[number] == nil {
			c.pages[number] = new(page)
		}
		p = p[copy(c.pages[number][start:end], p):]
	})
}

// zero looks at the pages that are there: the range may be a hole of terabytes.
func (c *content) zero(from, to int64) {
	for number, pg := range c.pages {
		start := number * int64(len(page{}))
		a, b := max(from-start, 0), min(to-start, int64(len(page{})))
		switch {
		case a >= b:
		case b-a == int64(len(page{})):
			delete(c.pages, number)
		default:
			clear(pg[a:b])
		}
	}
}

func (c *content) truncate(size int64) {
	c.zero(size, max(size, c.size))
	c.size = size
}
