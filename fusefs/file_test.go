package fusefs_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// appendChild appends args[1] numbered lines to args[0] through O_APPEND.
func appendChild(args []string) error {
	var count int
	if _, err := fmt.Sscan(args[1], &count); err != nil {
		return err
	}
	f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Println("started")
	for i := range count {
		if _, err := fmt.Fprintf(f, "%s %d\n", args[2], i); err != nil {
			return err
		}
	}
	return nil
}

func TestAppendByManyProcesses(t *testing.T) { each(t, testAppendByManyProcesses) }

func testAppendByManyProcesses(t *testing.T, dir string) {
	path := dir + "/log"
	must(t, os.WriteFile(path, nil, 0o600))
	const writers, lines = 4, 500
	var wait []func() error
	for i := range writers {
		cmd, _ := child(t, "append", path, fmt.Sprint(lines), fmt.Sprintf("writer%d", i))
		wait = append(wait, cmd.Wait)
	}
	for _, w := range wait {
		must(t, w())
	}
	got, err := os.ReadFile(path)
	must(t, err)
	next := make(map[string]int)
	for line := range strings.Lines(string(got)) {
		var who string
		var n int
		if _, err := fmt.Sscanf(line, "%s %d\n", &who, &n); err != nil || n != next[who] {
			t.Fatalf("line %q, want number %d: %v", line, next[who], err)
		}
		next[who]++
	}
	if len(next) != writers || next["writer0"] != lines {
		t.Errorf("lines: %v", next)
	}
}

func TestOpenUnlinked(t *testing.T) { each(t, testOpenUnlinked) }

func testOpenUnlinked(t *testing.T, dir string) {
	f, err := os.OpenFile(dir+"/f", os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	defer f.Close()
	must(t, os.Remove(dir+"/f"))
	_, err = f.WriteString("nobody sees me")
	must(t, err)
	must(t, f.Chmod(0o640))
	must(t, f.Truncate(6))
	st, err := f.Stat()
	must(t, err)
	if st.Size() != 6 || st.Mode() != 0o640 {
		t.Errorf("size %d mode %v", st.Size(), st.Mode())
	}
	buf := make([]byte, 20)
	if n, _ := f.ReadAt(buf, 0); string(buf[:n]) != "nobody" {
		t.Errorf("read %q", buf[:n])
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestMmap(t *testing.T) { each(t, testMmap) }

func testMmap(t *testing.T, dir string) {
	path := dir + "/m"
	cmd, _ := child(t, "mmap", path)
	must(t, cmd.Wait())
	dropCaches(t)
	if got, err := os.ReadFile(path); !bytes.Equal(got, mapped()) {
		t.Errorf("content differs (%v)", err)
	}
}

// mapped is what mmapChild writes.
func mapped() []byte {
	b := make([]byte, 300<<10)
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		b[rnd.IntN(len(b))] = 'x'
	}
	return b
}

// mmapChild writes to args[0] through a mapping. A process must not do that to
// a mount of its own: a page fault stops the garbage collector, and that stops
// the workers that would end it.
func mmapChild(args []string) error {
	want := mapped()
	f, err := os.OpenFile(args[0], os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Truncate(int64(len(want))); err != nil {
		return err
	}
	m, err := unix.Mmap(int(f.Fd()), 0, len(want), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	for i, c := range want {
		if c != 0 {
			m[i] = c
		}
	}
	fmt.Println("written")
	return errors.Join(unix.Msync(m, unix.MS_SYNC), unix.Munmap(m), f.Close())
}

// dropCaches makes the kernel ask for everything again.
func dropCaches(t *testing.T) {
	t.Helper()
	must(t, os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0))
}

// TestRandomFileOperations does the same to a file and to a slice of bytes.
func TestRandomFileOperations(t *testing.T) { each(t, testRandomFileOperations) }

func testRandomFileOperations(t *testing.T, dir string) {
	path := dir + "/f"
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	defer f.Close()
	rnd := rand.New(rand.NewPCG(5, 6))
	var model []byte
	const limit = 700 << 10
	for step := range 600 {
		at, n := rnd.IntN(limit), 1+rnd.IntN(1<<uint(rnd.IntN(18)))
		switch rnd.IntN(6) {
		case 0, 1:
			p := bytes.Repeat([]byte{byte(step)}, n)
			_, err = f.WriteAt(p, int64(at))
			model = grow(model, at+n)
			copy(model[at:], p)
		case 2:
			err = f.Truncate(int64(at))
			model = grow(model, at)[:at:at]
		case 3:
			err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, int64(at), int64(n))
			clear(model[min(at, len(model)):min(at+n, len(model))])
		case 4:
			err = unix.Fallocate(int(f.Fd()), 0, int64(at), int64(n))
			model = grow(model, at+n)
		case 5:
			if step%20 == 0 {
				dropCaches(t)
			}
			got := make([]byte, n)
			m, _ := f.ReadAt(got, int64(at))
			if want := model[min(at, len(model)):min(at+n, len(model))]; !bytes.Equal(got[:m], want) {
				t.Fatalf("step %d: read of %d at %d differs", step, n, at)
			}
		}
		must(t, err)
	}
	must(t, f.Sync())
	got, err := os.ReadFile(path)
	must(t, err)
	if sha256.Sum256(got) != sha256.Sum256(model) {
		t.Errorf("%d bytes differ from the model's %d", len(got), len(model))
	}
}

func grow(b []byte, n int) []byte {
	if n > len(b) {
		b = append(b, make([]byte, n-len(b))...)
	}
	return b
}

func TestOpenTruncate(t *testing.T) { each(t, testOpenTruncate) }

func testOpenTruncate(t *testing.T, dir string) {
	path := dir + "/f"
	must(t, os.WriteFile(path, []byte("a long text"), 0o600))
	must(t, os.WriteFile(path, []byte("short"), 0o600))
	if got, err := os.ReadFile(path); string(got) != "short" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDirectIO(t *testing.T) { each(t, testDirectIO) }

func testDirectIO(t *testing.T, dir string) {
	path := dir + "/f"
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_DIRECT, 0o600)
	must(t, err)
	defer unix.Close(fd)
	buf, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	must(t, err)
	defer unix.Munmap(buf)
	for i := range buf {
		buf[i] = byte(i >> 8)
	}
	want := bytes.Clone(buf)
	_, err = unix.Pwrite(fd, buf, 0)
	must(t, err)
	clear(buf)
	n, err := unix.Pread(fd, buf, 0)
	if n != len(want) || !bytes.Equal(buf, want) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}
