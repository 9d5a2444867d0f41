package namespacetest

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// excerpt shows where two byte sequences begin to differ.
func excerpt(got, want []byte) string {
	const n = 16
	return fmt.Sprintf("%x, want %x", got[:min(n, len(got))], want[:min(n, len(want))])
}

// same says how the outcomes of an operation differ.
func same(op string, got, want outcome) error {
	either := func(errs []error) bool {
		return slices.Contains(errs, got.err) && slices.Contains(errs, want.err)
	}
	if got.err != want.err && !slices.ContainsFunc(alike[op], either) {
		return fmt.Errorf("error %v, want %v", got.err, want.err)
	}
	if got.text != want.text {
		return fmt.Errorf("%s, want %s", got.text, want.text)
	}
	if i := differ(got.data, want.data); i < len(got.data) {
		return fmt.Errorf("wrong bytes from %d on: %s", i, excerpt(got.data[i:], want.data[i:]))
	}
	return nil
}

// compareTouched compares the attributes of all that a step can have changed.
func (l *lockstep) compareTouched(s Step) error {
	if _, ok := fileOps[s.Op]; ok {
		return l.compareFile(s.Slot)
	}
	if s.Path == "" {
		return nil
	}
	for _, p := range []string{s.Path, path.Dir(s.Path), s.To, path.Dir(s.To)} {
		if err := l.compareStat(p); err != nil {
			return err
		}
	}
	return nil
}

func (l *lockstep) compareFile(slot int) error {
	ours, theirs := l.ours.files[slot], l.theirs.files[slot]
	if ours == nil {
		return nil
	}
	st, err := theirs.Fstat()
	if err != nil {
		return fmt.Errorf("fstat: %w", err)
	}
	return l.compareNode(ours.(*modelFile).node, st)
}

func (l *lockstep) compareStat(path string) error {
	n, want := l.model.walker().node(path, false)
	st, err := l.theirs.fs.Lstat(path)
	if err != want {
		return fmt.Errorf("lstat %s: %v, want %v", path, err, want)
	}
	if err != nil {
		return nil
	}
	if err := l.compareNode(n, st); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// compareNode compares attributes. Times are adopted: from now on the model
// has exactly what the file system said, which must not change its mind.
func (l *lockstep) compareNode(n *node, got Stat) error {
	want := n.stat()
	got.Ino, got.Atime = want.Ino, want.Atime
	if n.isDir() {
		got.Size = want.Size
	}
	if !n.looseMtime && !l.within(got.Mtime, want.Mtime) {
		return fmt.Errorf("mtime %v, want %v", got.Mtime.Time(), want.Mtime.Time())
	}
	if !n.looseCtime && !l.within(got.Ctime, want.Ctime) {
		return fmt.Errorf("ctime %v, want %v", got.Ctime.Time(), want.Ctime.Time())
	}
	n.mtime, n.ctime, n.looseMtime, n.looseCtime = got.Mtime, got.Ctime, false, false
	want.Mtime, want.Ctime = got.Mtime, got.Ctime
	if got != want {
		return fmt.Errorf("%+v, want %+v", got, want)
	}
	return nil
}

// coarse is how far the clock of a file system may lag behind.
const coarse = namespace.Time(20 * time.Millisecond)

// within says whether a time is the wanted one: any of its step, if it is of a
// step.
func (l *lockstep) within(got, want namespace.Time) bool {
	end, ofStep := l.moments[want]
	return got == want || ofStep && got >= want-coarse && got <= end
}

// paths are those of all that is below a directory.
func (n *node) paths(dir string) []string {
	var all []string
	for _, name := range n.names() {
		p := path.Join(dir, name)
		all = append(append(all, p), n.entries[name].paths(p)...)
	}
	return all
}

// compareAll compares everything that has a name.
func (l *lockstep) compareAll() error {
	if err := l.turn(); err != nil {
		return err
	}
	if err := compareTree(l.model.root, ".", l.theirs.fs); err != nil {
		return err
	}
	for _, p := range append(l.model.root.paths(""), ".") {
		if err := l.compareStat(p); err != nil {
			return err
		}
	}
	return nil
}

func compareTree(n *node, path string, fs FS) error {
	st, err := fs.Lstat(path)
	if err != nil {
		return fmt.Errorf("lstat %s: %w", path, err)
	}
	if st.Mode != n.mode || st.Nlink != n.nlink {
		return fmt.Errorf("%s: mode %o, %d links, want %o, %d", path, st.Mode, st.Nlink, n.mode, n.nlink)
	}
	if err := compareXattrs(n, path, fs); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	switch n.kind() {
	case unix.S_IFDIR:
		return compareDir(n, path, fs)
	case unix.S_IFREG:
		err = compareContent(n, path, fs)
	case unix.S_IFLNK:
		if target, rerr := fs.Readlink(path); target != n.link || rerr != nil {
			err = fmt.Errorf("leads to %q (%v), want %q", target, rerr, n.link)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func compareDir(n *node, dir string, fs FS) error {
	names, err := list(fs, dir)
	if err != nil || !slices.Equal(names, n.names()) {
		return fmt.Errorf("%s holds %q (%v), want %q", dir, names, err, n.names())
	}
	for _, name := range names {
		if err := compareTree(n.entries[name], path.Join(dir, name), fs); err != nil {
			return err
		}
	}
	return nil
}

func compareXattrs(n *node, path string, fs FS) error {
	names, err := fs.Listxattr(path)
	if err != nil || !slices.Equal(names, n.xattrNames()) {
		return fmt.Errorf("extended attributes %q (%v), want %q", names, err, n.xattrNames())
	}
	for name, want := range n.xattrs {
		p := make([]byte, len(want)+1)
		got, err := fs.Getxattr(path, name, p)
		if err != nil || string(p[:got]) != want {
			return fmt.Errorf("extended attribute %s: %x (%v), want %x", name, p[:got], err, want)
		}
	}
	return nil
}

// Content is compared in pieces; of files with more than wholeUpTo bytes only
// where the model has some.
const (
	piece     = 256 << 10
	wholeUpTo = 64 << 20
)

func compareContent(n *node, path string, fs FS) error {
	f, err := fs.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Fstat()
	if err != nil || st.Size != n.content.size {
		return fmt.Errorf("%d bytes (%v), want %d", st.Size, err, n.content.size)
	}
	if st.Size <= wholeUpTo {
		for off := int64(0); off < st.Size; off += piece {
			if err := comparePiece(&n.content, f, off); err != nil {
				return err
			}
		}
		return nil
	}
	var wrong error
	seen := make(map[int64]bool)
	for number := range n.content.pages {
		off := number * int64(len(page{})) / piece * piece
		if !seen[off] {
			wrong = errors.Join(wrong, comparePiece(&n.content, f, off))
		}
		seen[off] = true
	}
	return wrong
}

func comparePiece(c *content, f File, off int64) error {
	got, want := make([]byte, piece), make([]byte, piece)
	want = want[:c.readAt(want, off)]
	n, err := f.Pread(got, off)
	if err != nil || n != len(want) {
		return fmt.Errorf("%d bytes at %d (%v), want %d", n, off, err, len(want))
	}
	if !bytes.Equal(got[:n], want) {
		i := differ(got[:n], want)
		return fmt.Errorf("wrong bytes from %d on: %s", off+int64(i), excerpt(got[i:n], want[i:]))
	}
	return nil
}
