package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/cairnfs/cairn/integration/testenv"
)

// fails runs a command that must fail with this status and one line that has all
// of the words.
func fails(t *testing.T, r testenv.Result, status int, words ...string) {
	t.Helper()
	line, rest, _ := strings.Cut(r.Stderr, "\n")
	if r.Status != status || !strings.HasPrefix(line, "cairn: ") || rest != "" || r.Out != "" {
		t.Errorf("want exit %d and one line: %s", status, r)
	}
	for _, word := range words {
		if !strings.Contains(line, word) {
			t.Errorf("%q doesn't say %q", line, word)
		}
	}
}

func TestRefusals(t *testing.T) {
	e := testenv.New(t)
	full := filepath.Join(e.Dir, "full")
	write(t, filepath.Join(mkdir(t, full), "in the way"), nil)
	broken := mkdir(t, filepath.Join(e.Dir, "broken"))
	file := filepath.Join(e.Dir, "file")
	write(t, file, nil)
	e.Must("bucket", "create", "photos")
	for _, c := range []struct {
		args   []string
		status int
		words  []string
	}{
		{[]string{"mount", full}, 4, []string{full, "not empty", "in the way", "choose"}},
		{[]string{"mount", filepath.Join(e.Dir, "none")}, 3, []string{"none", "mkdir"}},
		{[]string{"mount", file}, 4, []string{file, "not a directory"}},
		{[]string{"mount", "nosuch", e.Point}, 3, []string{"nosuch", "bucket create nosuch"}},
		{[]string{"mount", "-d", "nosuch", e.Point}, 3, []string{"nosuch", "bucket create nosuch"}},
		{[]string{"mount", "--root", "home", e.Point}, 2, []string{"--root"}},
		{[]string{"mount", "-o", "ro,colour=red", e.Point}, 2, []string{"colour=red"}},
		{[]string{"mount"}, 2, []string{"--help"}},
		{[]string{"unmount", e.Point}, 3, []string{e.Point, "no cairn is mounted"}},
		{[]string{"bucket", "create", "photos"}, 4, []string{"photos", "exists"}},
		{[]string{"bucket", "create", "a/b"}, 2, []string{"a/b"}},
		{[]string{"bucket", "remove", "nosuch"}, 3, []string{"nosuch"}},
		{[]string{"config", "get", "colour"}, 2, []string{"colour", "history-time"}},
		{[]string{"config", "set", "history-time", "soon"}, 2, []string{"history-time", "soon"}},
		{[]string{"--store", filepath.Join(e.Dir, "none"), "info"}, 3, []string{"none", "cairn format"}},
		{[]string{"--store", "riak://host:8087/v", "info"}, 2, []string{"riak://host:8087/v", "not in this version"}},
		{[]string{"--config", filepath.Join(e.Dir, "none"), "info"}, 2, []string{"none"}},
		{[]string{"--cache-size", "lots", "info"}, 2, []string{"lots"}},
		{[]string{"format"}, 4, []string{"exists"}},
		{[]string{"nonsense"}, 2, []string{"nonsense"}},
		{[]string{"info", "--nonsense"}, 2, []string{"nonsense"}},
	} {
		fails(t, e.Cairn(c.args...), c.status, c.words...)
	}
	write(t, filepath.Join(broken, "FORMAT"), []byte("cairn embedded store 999\n"))
	fails(t, e.Cairn("--store", broken, "info"), 9, broken, "newer version")
	write(t, filepath.Join(broken, "FORMAT"), []byte("no such thing\n"))
	fails(t, e.Cairn("--store", broken, "info"), 6, broken, "corrupt")
}

func mkdir(t *testing.T, dir string) string {
	t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestWithoutFUSE: the one line says what to install.
func TestWithoutFUSE(t *testing.T) {
	e := testenv.New(t)
	cmd := e.Command("mount", e.Point)
	cmd.Env = append(cmd.Env, "PATH="+e.Home)
	fails(t, e.Run(cmd), 1, "fusermount3", "install package fuse3")
}

// TestNoPermission: a store and a mount point that the user may not use.
func TestNoPermission(t *testing.T) {
	e := testenv.New(t)
	e.Must("format")
	closed := mkdir(t, filepath.Join(e.Dir, "closed"))
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	anybodys := mkdir(t, filepath.Join(e.Dir, "anybodys"))
	if err := os.Chmod(anybodys, 0o777); err != nil {
		t.Fatal(err)
	}
	fails(t, e.Run(asNobody(t, e, "--store", filepath.Join(anybodys, "store"), "mount", closed)), 8, closed, "permission denied")
	if err := os.Chmod(e.Store, 0); err != nil {
		t.Fatal(err)
	}
	fails(t, e.Run(asNobody(t, e, "info")), 8, e.Store, "permission denied")
	if err := os.Chmod(e.Store, 0o700); err != nil {
		t.Fatal(err)
	}
}

// asNobody is a command by somebody who is not root; that may be us.
func asNobody(t *testing.T, e *testenv.Env, args ...string) *exec.Cmd {
	t.Helper()
	cmd := e.Command(args...)
	if os.Getuid() != 0 {
		return cmd
	}
	// nobody has to reach the test's directory, and a binary that he may run.
	for dir := e.Dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	copied := filepath.Join(e.Dir, "cairn")
	write(t, copied, read(t, cmd.Path))
	if err := os.Chmod(copied, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd.Path = copied
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return cmd
}

// TestDaemon: -d returns when files can be written, and unmount ends it all.
func TestDaemon(t *testing.T) {
	e := testenv.New(t)
	e.Must("mount", "-d", e.Point)
	write(t, filepath.Join(e.Point, "file"), []byte("content"))
	e.Must("unmount", e.Point)
	e.Must("bucket", "list")
	m := e.Mount()
	if got := read(t, filepath.Join(m.Dir, "file")); string(got) != "content" {
		t.Errorf("the file holds %q", got)
	}
}

// TestBusy: a signal flushes and takes the mount away though it is in use, and
// the line about it says by whom.
func TestBusy(t *testing.T) {
	e := testenv.New(t)
	m := e.Mount()
	user := exec.Command("sleep", "1000")
	user.Dir = m.Dir
	if err := user.Start(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(m.Dir, "open"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(pattern(1, 100_000)); err != nil {
		t.Fatal(err)
	}
	fails(t, e.Cairn("unmount", m.Dir), 4, m.Dir, "sleep", strconv.Itoa(user.Process.Pid))
	m.Signal(syscall.SIGTERM)
	m.End()
	f.Close()
	user.Process.Kill()
	user.Wait()
	if log := m.Log(); !strings.Contains(log, fmt.Sprintf("sleep (pid %d)", user.Process.Pid)) {
		t.Errorf("the log doesn't say who uses the mount:\n%s", log)
	}
	m = e.Mount()
	if !bytes.Equal(read(t, filepath.Join(m.Dir, "open")), pattern(1, 100_000)) {
		t.Error("what was written to the open file is not there")
	}
}

// TestFullDisk: a program gets ENOSPC, what was there can be read, and when there
// is room again everything works.
func TestFullDisk(t *testing.T) {
	e := testenv.New(t)
	mkdir(t, e.Store)
	e.Root(`mount -t tmpfs -o size=160m,mode=777 tmpfs "$1"`, e.Store)
	t.Cleanup(func() { e.Root(`umount -l "$1"`, e.Store) })
	e.Must("format", "--history-time", "0s")
	m := e.Mount()
	write(t, filepath.Join(m.Dir, "first"), pattern(1, 1<<20))
	full := false
	for i := 0; i < 400 && !full; i++ {
		full = os.WriteFile(filepath.Join(m.Dir, fmt.Sprintf("file%d", i)), pattern(i, 1<<20), 0o644) != nil
	}
	err := os.WriteFile(filepath.Join(m.Dir, "more"), pattern(2, 20<<20), 0o644)
	if !full || !strings.Contains(fmt.Sprint(err), "no space left") {
		t.Errorf("writing more than there is room for: %v", err)
	}
	e.Sh(m.Dir, `rm -f file* more`)
	m.Unmount()
	e.Must("gc")
	m = e.Mount()
	if !bytes.Equal(read(t, filepath.Join(m.Dir, "first")), pattern(1, 1<<20)) {
		t.Error("the first file is not what it was")
	}
	write(t, filepath.Join(m.Dir, "again"), pattern(3, 20<<20))
	m.Unmount()
	e.Fsck()
	e.Damaged = true // checked; the store goes with its file system
}

// TestBuckets: each is a directory of the mount of all, and can be mounted alone.
func TestBuckets(t *testing.T) {
	e := testenv.New(t)
	e.Must("bucket", "create", "photos")
	m, line := e.Start("mount", "--root", e.Point)
	if line != "mounted all buckets on "+e.Point+"\n" {
		t.Fatalf("mount --root said %q", line)
	}
	mkdir(t, filepath.Join(m.Dir, "music"))
	mkdir(t, filepath.Join(m.Dir, "music", "live"))
	write(t, filepath.Join(m.Dir, "music", "live", "song"), []byte("la"))
	m.Unmount()
	fails(t, e.Cairn("bucket", "remove", "music"), 4, "music", "not empty")
	e.Must("bucket", "remove", "photos")
	var list []struct {
		Name         string
		Files, Bytes int64
	}
	if err := json.Unmarshal([]byte(e.Must("bucket", "list", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Name != "music" || list[0].Files != 1 || list[0].Bytes != 2 {
		t.Errorf("bucket list says %+v", list)
	}
	m, _ = e.Start("mount", "-o", "ro", "music/live", e.Point)
	if got := read(t, filepath.Join(m.Dir, "song")); string(got) != "la" {
		t.Errorf("the song goes %q", got)
	}
	if err := os.Remove(filepath.Join(m.Dir, "song")); err == nil {
		t.Error("a read-only mount removes files")
	}
}

// TestUp: with no config, home is on ~/Cairn; with one, what it lists is mounted.
func TestUp(t *testing.T) {
	e := testenv.New(t)
	e.Point = filepath.Join(e.Home, "Cairn")
	m, line := e.Start("up")
	if line != "mounted bucket home on "+e.Point+"\n" {
		t.Fatalf("up said %q\n%s", line, m.Log())
	}
	write(t, filepath.Join(e.Point, "file"), []byte("content"))
	m.Unmount()

	e.Must("bucket", "create", "photos")
	e.Sh(e.Home, `mkdir -p .config/cairn; cat > .config/cairn/config.toml <<-END
		cache-size = "64MiB"
		[[mount]]
		bucket = "photos"
		at = "~/Photos"
		[[mount]]
		at = "~/All"
		options = "ro"
		END`)
	e.Start("up")
	write(t, filepath.Join(e.Home, "Photos", "one"), []byte("1"))
	if got := read(t, filepath.Join(e.Home, "All", "home", "file")); string(got) != "content" {
		t.Errorf("the file holds %q", got)
	}
	if got := read(t, filepath.Join(e.Home, "All", "photos", "one")); string(got) != "1" {
		t.Errorf("the photo holds %q", got)
	}
}

// TestSettings: what is set stays; flag before environment before file.
func TestSettings(t *testing.T) {
	e := testenv.New(t)
	e.Must("format", "--history-time", "7d")
	e.Must("config", "set", "block-size", "256K")
	if got := e.Must("config", "get", "history-time") + e.Must("config", "get", "block-size"); got != "168h0m0s\n256KiB\n" {
		t.Errorf("config get says %q", got)
	}
	other := filepath.Join(e.Dir, "other")
	config := filepath.Join(e.Dir, "config.toml")
	write(t, config, []byte(fmt.Sprintf("store = %q\n", other)))
	e.Must("--store", other, "format")
	for _, c := range []struct {
		env  []string
		args []string
		want string
	}{
		{nil, nil, e.Store},
		{[]string{"CAIRN_STORE="}, []string{"--config", config}, other},
		{[]string{"CAIRN_STORE=" + e.Store}, []string{"--config", config}, e.Store},
		{[]string{"CAIRN_STORE=" + e.Store}, []string{"--store", other}, other},
	} {
		cmd := e.Command(append(c.args, "info", "--json")...)
		cmd.Env = append(cmd.Env, c.env...)
		var info struct{ Store string }
		r := e.Run(cmd)
		if err := json.Unmarshal([]byte(r.Out), &info); err != nil || info.Store != c.want {
			t.Errorf("%v %v: store %q, want %q: %s", c.env, c.args, info.Store, c.want, r)
		}
	}
}

// TestHelp: every command has help with an example and the exit statuses.
func TestHelp(t *testing.T) {
	e := testenv.New(t)
	var visit func(path []string)
	visit = func(path []string) {
		help := e.Must(append(path, "--help")...)
		if !strings.Contains(help, "Examples:\n  cairn ") || !strings.Contains(help, "Exit status:") {
			t.Errorf("help of %v has no example or no exit statuses:\n%s", path, help)
		}
		for _, name := range subcommands(help) {
			visit(append(path[:len(path):len(path)], name))
		}
	}
	visit(nil)
}

// subcommands are the names under "Available Commands:".
func subcommands(help string) []string {
	_, list, _ := strings.Cut(help, "Available Commands:\n")
	var names []string
	for line := range strings.Lines(list) {
		f := strings.Fields(line)
		if len(f) == 0 {
			break
		}
		if f[0] != "help" {
			names = append(names, f[0])
		}
	}
	return names
}
