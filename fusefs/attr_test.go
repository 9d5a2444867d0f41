package fusefs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func lstat(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Lstat(path, &st))
	return st
}

func TestModesAndKinds(t *testing.T) { each(t, testModesAndKinds) }

func testModesAndKinds(t *testing.T, dir string) {
	old := unix.Umask(0)
	defer unix.Umask(old)
	for i, mode := range []uint32{unix.S_IFREG, unix.S_IFIFO, unix.S_IFSOCK, unix.S_IFCHR, unix.S_IFBLK} {
		path := fmt.Sprintf("%s/%d", dir, i)
		dev := 0
		if mode == unix.S_IFCHR || mode == unix.S_IFBLK {
			dev = int(unix.Mkdev(7, 300))
		}
		must(t, unix.Mknod(path, mode|0o640, dev))
		if st := lstat(t, path); st.Mode != mode|0o640 || st.Rdev != uint64(dev) {
			t.Errorf("mode %o rdev %x, want %o %x", st.Mode, st.Rdev, mode|0o640, dev)
		}
	}
	must(t, unix.Mkdir(dir+"/sticky", 0o777))
	for _, mode := range []uint32{0o1777, 0o2755, 0o4711, 0o7777, 0} {
		must(t, unix.Chmod(dir+"/sticky", mode))
		if st := lstat(t, dir+"/sticky"); st.Mode != unix.S_IFDIR|mode {
			t.Errorf("after chmod %o: %o", mode, st.Mode)
		}
	}
}

func TestTimes(t *testing.T) { each(t, testTimes) }

func testTimes(t *testing.T, dir string) {
	must(t, os.WriteFile(dir+"/f", nil, 0o600))
	for _, at := range []unix.Timespec{{Sec: 0, Nsec: 1}, {Sec: -1, Nsec: 999_999_999}, {Sec: -86400, Nsec: 500}, {Sec: 1 << 32, Nsec: 123_456_789}} {
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, dir+"/f", []unix.Timespec{at, at}, 0))
		if st := lstat(t, dir+"/f"); st.Atim != at || st.Mtim != at {
			t.Errorf("set %v, got %v and %v", at, st.Atim, st.Mtim)
		}
	}
	before := lstat(t, dir+"/f")
	now := unix.Timespec{Nsec: unix.UTIME_NOW}
	must(t, unix.UtimesNanoAt(unix.AT_FDCWD, dir+"/f", []unix.Timespec{{Nsec: unix.UTIME_OMIT}, now}, 0))
	if st := lstat(t, dir+"/f"); st.Atim != before.Atim || st.Mtim.Nano() < before.Ctim.Nano() {
		t.Errorf("mtime now: %v and %v", st.Atim, st.Mtim)
	}
}

// asNobody runs a shell command without privileges.
func asNobody(t *testing.T, command string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", command, err, out)
	}
}

// TestPrivilegesAreCleared: setuid goes when someone without privileges writes,
// truncates or chowns, and stays when root writes.
func TestPrivilegesAreCleared(t *testing.T) { each(t, testPrivilegesAreCleared) }

func testPrivilegesAreCleared(t *testing.T, dir string) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root: it becomes another user")
	}
	openUp(t, dir)
	path := dir + "/f"
	privileged := func() {
		t.Helper()
		must(t, os.WriteFile(path, []byte("x"), 0o777))
		must(t, unix.Chmod(path, 0o6777))
	}
	check := func(what string, want uint32) {
		t.Helper()
		if st := lstat(t, path); st.Mode&0o7777 != want {
			t.Errorf("after %s: %o, want %o", what, st.Mode&0o7777, want)
		}
	}
	privileged()
	must(t, os.WriteFile(path, []byte("root"), 0))
	check("root's write", 0o6777)
	asNobody(t, "printf y >> '"+path+"'")
	check("nobody's write", 0o777)
	privileged()
	asNobody(t, ": > '"+path+"'")
	check("nobody's truncate", 0o777)
	privileged()
	must(t, os.Chown(path, 1, 1))
	check("chown", 0o777)
}

// openUp lets everybody reach a directory.
func openUp(t *testing.T, dir string) {
	t.Helper()
	for up := dir; up != os.TempDir(); up = filepath.Dir(up) {
		must(t, os.Chmod(up, 0o777))
	}
}

func TestPermissionsAreChecked(t *testing.T) { each(t, testPermissionsAreChecked) }

func testPermissionsAreChecked(t *testing.T, dir string) {
	openUp(t, dir)
	must(t, os.WriteFile(dir+"/secret", []byte("x"), 0o600))
	must(t, unix.Mkdir(dir+"/shared", 0o777))
	must(t, unix.Chmod(dir+"/shared", 0o1777))
	must(t, os.WriteFile(dir+"/shared/mine", []byte("x"), 0o666))
	asNobody(t, "! cat '"+dir+"/secret' 2>/dev/null")
	asNobody(t, "! rm -f '"+dir+"/shared/mine' 2>/dev/null")
	asNobody(t, "cd '"+dir+"' && : > own && rm own")
}

func TestXattrs(t *testing.T) { each(t, testXattrs) }

func testXattrs(t *testing.T, dir string) {
	path := dir + "/f"
	must(t, os.WriteFile(path, nil, 0o600))
	must(t, unix.Setxattr(path, "user.a", []byte("hello"), unix.XATTR_CREATE))
	must(t, unix.Setxattr(path, "user.empty", nil, 0))
	must(t, unix.Setxattr(path, "trusted.t", []byte{0, 1}, 0))
	wantErr(t, "create again", unix.Setxattr(path, "user.a", nil, unix.XATTR_CREATE), unix.EEXIST)
	wantErr(t, "replace nothing", unix.Setxattr(path, "user.b", nil, unix.XATTR_REPLACE), unix.ENODATA)
	_, err := unix.Getxattr(path, "system.posix_acl_access", nil)
	wantErr(t, "acl", err, unix.EOPNOTSUPP)
	if n, err := unix.Getxattr(path, "user.a", nil); n != 5 || err != nil {
		t.Errorf("size of user.a: %d, %v", n, err)
	}
	_, err = unix.Getxattr(path, "user.a", make([]byte, 4))
	wantErr(t, "too little room", err, unix.ERANGE)
	_, err = unix.Getxattr(path, "user.none", make([]byte, 4))
	wantErr(t, "none", err, unix.ENODATA)
	buf := make([]byte, 100)
	n, err := unix.Listxattr(path, buf)
	must(t, err)
	got := strings.Split(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00")
	if slices.Sort(got); !slices.Equal(got, []string{"trusted.t", "user.a", "user.empty"}) {
		t.Errorf("listxattr: %q", got)
	}
	must(t, unix.Removexattr(path, "user.a"))
	wantErr(t, "remove again", unix.Removexattr(path, "user.a"), unix.ENODATA)
}

func TestStatfs(t *testing.T) { each(t, testStatfs) }

func testStatfs(t *testing.T, dir string) {
	var st unix.Statfs_t
	must(t, unix.Statfs(dir, &st))
	if st.Namelen != 255 || st.Blocks == 0 || st.Bavail > st.Blocks || st.Ffree == 0 {
		t.Errorf("statfs: %+v", st)
	}
}
