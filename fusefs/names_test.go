package fusefs_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// dirReader reads a directory with the system calls themselves, so that a test
// can seek and knows what one call returned.
type dirReader struct {
	t  *testing.T
	fd int
}

func openDir(t *testing.T, dir string) dirReader {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	return dirReader{t, fd}
}

// dirent is a name, and the place to seek to for what follows it.
type dirent struct {
	name string
	next int64
}

// sameName: a place may be told in other words each time.
func sameName(a, b dirent) bool { return a.name == b.name }

// some returns what one getdents returns; nothing at the end.
func (d dirReader) some() []dirent {
	d.t.Helper()
	buf := make([]byte, 4096)
	n, err := unix.Getdents(d.fd, buf)
	must(d.t, err)
	var found []dirent
	for rest := buf[:n]; len(rest) > 0; {
		size := int(rest[16]) | int(rest[17])<<8
		name, _, _ := strings.Cut(string(rest[19:size]), "\x00")
		var next int64
		for i := range 8 {
			next |= int64(rest[8+i]) << (8 * i)
		}
		if name != "." && name != ".." {
			found = append(found, dirent{name, next})
		}
		rest = rest[size:]
	}
	return found
}

// rest reads to the end.
func (d dirReader) rest() []dirent {
	d.t.Helper()
	var all []dirent
	for {
		got := d.some()
		if len(got) == 0 {
			return all
		}
		all = append(all, got...)
	}
}

func (d dirReader) seek(to int64) {
	d.t.Helper()
	_, err := unix.Seek(d.fd, to, unix.SEEK_SET)
	must(d.t, err)
}

func makeFiles(t *testing.T, dir string, n int) []string {
	t.Helper()
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("file %05d", i)
		fd, err := unix.Open(dir+"/"+names[i], unix.O_CREAT|unix.O_WRONLY, 0o600)
		must(t, err)
		unix.Close(fd)
	}
	return names
}

// TestDeletingWhileListing is rm -r: every name comes exactly once although those
// before it go meanwhile.
func TestDeletingWhileListing(t *testing.T) { each(t, testDeletingWhileListing) }

func testDeletingWhileListing(t *testing.T, dir string) {
	names := makeFiles(t, dir, 10_000)
	d := openDir(t, dir)
	var seen []string
	for {
		got := d.some()
		if len(got) == 0 {
			break
		}
		for _, e := range got {
			seen = append(seen, e.name)
			must(t, unix.Unlink(dir+"/"+e.name))
		}
	}
	slices.Sort(seen)
	if !slices.Equal(seen, names) {
		t.Errorf("saw %d names of %d", len(seen), len(names))
	}
	d.seek(0)
	if left := d.rest(); len(left) != 0 {
		t.Errorf("%d names are left", len(left))
	}

}

func TestSeekdir(t *testing.T) { each(t, testSeekdir) }

func testSeekdir(t *testing.T, dir string) {
	makeFiles(t, dir, 500)
	d := openDir(t, dir)
	all := d.rest()
	for i := 0; i < len(all); i += 37 {
		d.seek(all[i].next)
		if got := d.rest(); !slices.EqualFunc(got, all[i+1:], sameName) {
			t.Fatalf("after seeking past %q: %d names, want %d", all[i].name, len(got), len(all)-i-1)
		}
	}
}

func TestNames(t *testing.T) { each(t, testNames) }

func testNames(t *testing.T, dir string) {
	must(t, os.MkdirAll(dir+"/a/b", 0o755))
	must(t, os.WriteFile(dir+"/a/f", []byte("one"), 0o600))
	must(t, os.WriteFile(dir+"/g", []byte("two"), 0o600))
	must(t, os.Symlink("a/f", dir+"/link"))
	if got, err := os.ReadFile(dir + "/link"); string(got) != "one" {
		t.Errorf("through the link: %q, %v", got, err)
	}
	if got, err := os.Readlink(dir + "/link"); got != "a/f" {
		t.Errorf("readlink: %q, %v", got, err)
	}
	must(t, os.Rename(dir+"/a/f", dir+"/g"))
	if got, err := os.ReadFile(dir + "/g"); string(got) != "one" {
		t.Errorf("after rename over: %q, %v", got, err)
	}
	_, err := os.Stat(dir + "/a/f")
	wantErr(t, "stat of the old name", err, unix.ENOENT)
	wantErr(t, "rmdir of a parent", unix.Rmdir(dir+"/a"), unix.ENOTEMPTY)
	wantErr(t, "mkdir again", unix.Mkdir(dir+"/a", 0o755), unix.EEXIST)
	wantErr(t, "rename into itself", unix.Rename(dir+"/a", dir+"/a/b/c"), unix.EINVAL)
	wantErr(t, "unlink of a directory", unix.Unlink(dir+"/a"), unix.EISDIR)
	wantErr(t, "a long name", unix.Mkdir(dir+"/"+strings.Repeat("x", 256), 0o755), unix.ENAMETOOLONG)
	wantErr(t, "exchange", unix.Renameat2(unix.AT_FDCWD, dir+"/a", unix.AT_FDCWD, dir+"/g", unix.RENAME_EXCHANGE), unix.EINVAL)
}

// TestKernelHearsOfOwnChanges: after each change by name, what stat says of the
// others that it touched is right although the kernel caches for minutes.
func TestKernelHearsOfOwnChanges(t *testing.T) { each(t, testKernelHearsOfOwnChanges) }

func testKernelHearsOfOwnChanges(t *testing.T, dir string) {
	links := func(name string) uint64 {
		t.Helper()
		var st unix.Stat_t
		must(t, unix.Lstat(dir+"/"+name, &st))
		return uint64(st.Nlink)
	}
	expect := func(name string, want uint64) {
		t.Helper()
		if got := links(name); got != want {
			t.Errorf("%s has %d links, want %d", name, got, want)
		}
	}
	must(t, unix.Mkdir(dir+"/d", 0o755))
	expect("d", 2)
	must(t, unix.Mkdir(dir+"/d/e", 0o755))
	expect("d", 3)
	must(t, os.WriteFile(dir+"/d/f", nil, 0o600))
	expect("d/f", 1)
	must(t, os.Link(dir+"/d/f", dir+"/g"))
	must(t, os.Link(dir+"/d/f", dir+"/h"))
	expect("d/f", 3)
	expect("g", 3)
	must(t, os.WriteFile(dir+"/other", nil, 0o600))
	must(t, os.Rename(dir+"/other", dir+"/g"))
	expect("h", 2)
	must(t, unix.Unlink(dir+"/h"))
	expect("d/f", 1)
	must(t, os.Rename(dir+"/d/e", dir+"/e"))
	expect("d", 2)
	must(t, unix.Rmdir(dir+"/e"))
	expect("", 3)
}
