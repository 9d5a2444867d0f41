package namespacetest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Posix holds a file system to the rules of POSIX, and to those of Linux where
// programs count on them. It works in directories of its own, which it leaves
// behind. A mount must admit other users (of the tests' process: the user
// changes for file access only).
func Posix(t *testing.T, fs FS) {
	groups := []struct {
		name  string
		rules []rule
	}{
		{"rename", renameRules},
		{"link", linkRules},
		{"names", nameRules},
		{"mode", modeRules},
		{"times", timeRules},
		{"file", fileRules},
		{"holes", holeRules},
		{"xattr", xattrRules},
		{"special", specialRules},
		{"readdir", readdirRules},
	}
	for _, g := range groups {
		if err := fs.Mkdir(g.name, 0755); err != nil {
			t.Fatalf("mkdir %s: %v", g.name, err)
		}
		for _, rule := range g.rules {
			t.Run(g.name+"/"+rule.name, func(t *testing.T) {
				r := &rules{T: t, fs: fs, dir: g.name + "/" + strings.ReplaceAll(rule.name, " ", "-")}
				r.must(fs.Mkdir(r.dir, 0755))
				rule.check(r)
			})
		}
	}
}

// rule is one thing that a file system must do.
type rule struct {
	name  string
	check func(r *rules)
}

// rules is what the check of a rule works with.
type rules struct {
	*testing.T
	fs  FS
	dir string // an empty directory
}

// at is a path in the rule's directory.
func (r *rules) at(name string) string { return r.dir + "/" + name }

func (r *rules) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatalf("unexpected error: %v", err)
	}
}

func (r *rules) want(err error, errno syscall.Errno) {
	r.Helper()
	if !errors.Is(err, errno) {
		r.Errorf("error %v, want %v (%s)", err, errno, unix.ErrnoName(errno))
	}
}

// mkdir makes directories and returns the path of the last.
func (r *rules) mkdir(names ...string) string {
	r.Helper()
	for _, name := range names {
		r.must(r.fs.Mkdir(r.at(name), 0755))
	}
	return r.at(names[len(names)-1])
}

// open opens a file, and closes it at the end of the rule.
func (r *rules) open(path string, flags int) File {
	r.Helper()
	return r.openAs(r.fs, path, flags)
}

func (r *rules) openAs(fs FS, path string, flags int) File {
	r.Helper()
	f, err := fs.Open(path, flags, 0644)
	r.must(err)
	r.Cleanup(func() { f.Close() })
	return f
}

// file makes a file with this content and returns its path.
func (r *rules) file(name, content string) string {
	r.Helper()
	f, err := r.fs.Open(r.at(name), unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY, 0644)
	r.must(err)
	r.write(f, []byte(content), 0)
	r.must(f.Close())
	return r.at(name)
}

func (r *rules) write(f File, p []byte, off int64) {
	r.Helper()
	n, err := f.Pwrite(p, off)
	if n != len(p) || err != nil {
		r.Fatalf("wrote %d of %d bytes at %d: %v", n, len(p), off, err)
	}
}

// reads says that a file has these bytes at an offset.
func (r *rules) reads(f File, off int64, want []byte) {
	r.Helper()
	got := make([]byte, len(want))
	n, err := f.Pread(got, off)
	r.must(err)
	if n != len(want) {
		r.Errorf("read %d bytes at %d, want %d", n, off, len(want))
	}
	if i := differ(got[:n], want[:n]); i < n {
		r.Errorf("at %d: wrong bytes from offset %d on: %s", off, off+int64(i), excerpt(got[i:n], want[i:n]))
	}
}

// holds says that the file at a path has this content and no more.
func (r *rules) holds(path, content string) {
	r.Helper()
	f, err := r.fs.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		r.Errorf("open %s: %v", path, err)
		return
	}
	defer f.Close()
	r.reads(f, 0, []byte(content))
	if st := r.stat(path); st.Size != int64(len(content)) {
		r.Errorf("%s has %d bytes, want %d", path, st.Size, len(content))
	}
}

func (r *rules) stat(path string) Stat {
	r.Helper()
	st, err := r.fs.Lstat(path)
	if err != nil {
		r.Fatalf("lstat %s: %v", path, err)
	}
	return st
}

func (r *rules) gone(paths ...string) {
	r.Helper()
	for _, path := range paths {
		if _, err := r.fs.Lstat(path); err != unix.ENOENT {
			r.Errorf("lstat %s: %v, want ENOENT", path, err)
		}
	}
}

func (r *rules) nlink(path string, want uint64) {
	r.Helper()
	if got := r.stat(path).Nlink; got != want {
		r.Errorf("%s has %d links, want %d", path, got, want)
	}
}

func (r *rules) mode(path string, want uint32) {
	r.Helper()
	if got := r.stat(path).Mode & 07777; got != want {
		r.Errorf("%s has mode %04o, want %04o", path, got, want)
	}
}

// noise is bytes that are no one else's, the same for the same seed.
func noise(seed uint64, n int) []byte {
	p := make([]byte, n)
	src := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24),
		byte(seed >> 32), byte(seed >> 40), byte(seed >> 48), byte(seed >> 56)})
	src.Read(p)
	return p
}

// differ is the first place where a and b, of one length, differ.
func differ(a, b []byte) int {
	if bytes.Equal(a, b) {
		return len(a)
	}
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return len(a)
}
