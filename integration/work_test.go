package integration

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/integration/testenv"
)

// work is what people do on a mount: each in a directory of its own.
var work = []struct {
	name string
	do   func(t *testing.T, e *testenv.Env, dir string)
}{
	{"git", gitClone},
	{"tar", tarAndDiff},
	{"build", goBuild},
	{"sqlite-journal", func(t *testing.T, e *testenv.Env, dir string) { sqlite(t, e, dir, "delete") }},
	{"sqlite-wal", func(t *testing.T, e *testenv.Env, dir string) { sqlite(t, e, dir, "wal") }},
	{"rsync", rsyncTwice},
	{"big", bigFileRead},
	{"mmap", mappedWrites},
	{"append", appenders},
	{"many", manyInOne},
	{"save", saves},
	{"unlinked", unlinkedStays},
}

// TestWork does it all on one mount; afterwards another mount shows the same.
func TestWork(t *testing.T) {
	e := testenv.New(t)
	m := e.Mount()
	for _, w := range work {
		t.Run(w.name, func(t *testing.T) {
			dir := filepath.Join(m.Dir, w.name)
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			w.do(t, e, dir)
		})
	}
	before := testenv.Snapshot(t, m.Dir)
	m.Unmount()
	m = e.Mount()
	before.Same(t, testenv.Snapshot(t, m.Dir))
	m.Unmount()
	t.Logf("%d paths, the same after another mount", len(before))
}

// sourceTree is a directory with thousands of files that every machine with Go has.
func sourceTree(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "src")
}

// gitClone clones a repository of thousands of files, and works in the clone.
func gitClone(t *testing.T, e *testenv.Env, dir string) {
	origin := filepath.Join(e.Dir, "origin")
	e.Sh(e.Dir, `git init -q "$1"; cd "$1"
		for i in {1..3}; do
			for d in {1..20}; do mkdir -p dir$d; for f in {1..60}; do echo "$i $d $f $RANDOM" > dir$d/$i-$f; done; done
			git add -A; git commit -qm "commit $i"
		done`, origin)
	e.Sh(dir, `git clone -q --no-hardlinks "$1" clone; cd clone
		git fsck --full --strict
		test -z "$(git status --porcelain)"
		git checkout -qb work
		for d in {1..20}; do git mv dir$d/1-1 dir$d/moved; echo changed >> dir$d/2-2; done
		git commit -qam changes; git gc -q; git fsck --full --strict
		git push -q origin work; git -C "$1" fsck --full
		test -z "$(git status --porcelain)"`, origin)
}

// tarAndDiff unpacks thousands of files and compares them with the original.
func tarAndDiff(t *testing.T, e *testenv.Env, dir string) {
	e.Sh(dir, `tar -C "$1" -cf "$2/src.tar" cmd/compile net crypto internal runtime
		mkdir src; tar -C src -xf "$2/src.tar"; rm "$2/src.tar"
		for d in cmd/compile net crypto internal runtime; do diff -r "$1/$d" "src/$d"; done`, sourceTree(t), e.Dir)
}

// goBuild builds a module whose sources and build cache are on the mount.
func goBuild(t *testing.T, e *testenv.Env, dir string) {
	const program = `package main

import ("encoding/json"; "fmt"; "text/template"; "os")

func main() {
	b, _ := json.Marshal(map[string]int{"a": 1})
	template.Must(template.New("t").Parse("{{.}}\n")).Execute(os.Stdout, fmt.Sprintf("%s", b))
}
`
	write(t, filepath.Join(dir, "main.go"), []byte(program))
	write(t, filepath.Join(dir, "go.mod"), []byte("module example.org/m\n\ngo 1.26\n"))
	build := `export GOCACHE=$PWD/cache GOFLAGS=-mod=mod GOWORK=off; `
	out := e.Sh(dir, build+`go build -o m . && ./m && go vet . && cp m m.first && go build -o m -v . && cmp m m.first`)
	if out != `{&#34;a&#34;:1}`+"\n" && out != `{"a":1}`+"\n" {
		t.Errorf("the program, and a second build that has nothing to do, print %q", out)
	}
}

// sqlite makes 5,000 durable transactions.
func sqlite(t *testing.T, e *testenv.Env, dir, mode string) {
	var script strings.Builder
	fmt.Fprintf(&script, "pragma journal_mode=%s; pragma synchronous=full; create table t(i integer primary key, x text);\n", mode)
	for i := range 5000 {
		fmt.Fprintf(&script, "insert into t values(%d, 'row %d');\n", i, i)
	}
	input := filepath.Join(e.Dir, "sql")
	write(t, input, []byte(script.String()))
	e.Sh(dir, `sqlite3 db < "$1" > out`, input)
	check := e.Sh(dir, `sqlite3 db 'pragma integrity_check; select count(*), sum(i) from t'`)
	if check != "ok\n5000|12497500\n" {
		t.Errorf("sqlite says %q", check)
	}
}

// rsyncTwice: the second run finds nothing to transfer.
func rsyncTwice(t *testing.T, e *testenv.Env, dir string) {
	e.Sh(dir, `rsync -a "$1/" copy/`, filepath.Join(sourceTree(t), "net"))
	if again := e.Sh(dir, `rsync -ai "$1/" copy/`, filepath.Join(sourceTree(t), "net")); again != "" {
		t.Errorf("the second rsync transfers:\n%s", again)
	}
	if differ := e.Sh(dir, `rsync -anic "$1/" copy/`, filepath.Join(sourceTree(t), "net")); differ != "" {
		t.Errorf("rsync by checksum finds:\n%s", differ)
	}
}

// bigFileRead writes a long file, and reads it back from cairn.
func bigFileRead(t *testing.T, e *testenv.Env, dir string) {
	path := filepath.Join(dir, "big")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	h, random, buf := sha256.New(), rand.NewChaCha8([32]byte{1}), make([]byte, 1<<20)
	for range bigFile / len(buf) {
		random.Read(buf)
		h.Write(buf)
		if _, err := f.Write(buf); err != nil {
			t.Fatal(err)
		}
	}
	forget(t, f)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if sum, err := testenv.Sum(path); err != nil || sum != hex.EncodeToString(h.Sum(nil)) {
		t.Errorf("read back: %s, %v", sum, err)
	}
}

// mappedWrites writes through a mapping, here and there, and reads with read(2).
func mappedWrites(t *testing.T, _ *testenv.Env, dir string) {
	const length = 8 << 20
	path := filepath.Join(dir, "mapped")
	want := pattern(1, length)
	write(t, path, want)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mapped, err := unix.Mmap(int(f.Fd()), 0, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(mapped, want) {
		t.Error("the mapping shows other bytes than were written")
	}
	for i := range 500 {
		at := rand.IntN(length - 10_000)
		n := copy(mapped[at:at+rand.IntN(10_000)], pattern(100+i, 10_000))
		copy(want[at:], mapped[at:at+n])
	}
	if err := unix.Msync(mapped, unix.MS_SYNC); err != nil {
		t.Fatal(err)
	}
	if err := unix.Munmap(mapped); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); !bytes.Equal(got, want) {
		t.Error("read(2) shows other bytes than were written through the mapping")
	}
}

// appenders: four processes append to one file, and no line is lost.
func appenders(t *testing.T, e *testenv.Env, dir string) {
	const each = 2000
	var g errgroup.Group
	for p := range 4 {
		g.Go(func() error {
			e.Sh(dir, `for ((i = 0; i < $2; i++)); do echo "$1 $i $RANDOM"; done >> log`, fmt.Sprint(p), fmt.Sprint(each))
			return nil
		})
	}
	g.Wait()
	next := make(map[string]int)
	for line := range strings.Lines(string(read(t, filepath.Join(dir, "log")))) {
		f := strings.Fields(line)
		if len(f) != 3 || f[1] != fmt.Sprint(next[f[0]]) {
			t.Fatalf("after %v comes %q", next, line)
		}
		next[f[0]]++
	}
	for p := range 4 {
		if n := next[fmt.Sprint(p)]; n != each {
			t.Errorf("process %d: %d lines of %d", p, n, each)
		}
	}
}

// manyInOne makes, lists and removes a directory of many files.
func manyInOne(t *testing.T, e *testenv.Env, dir string) {
	sub := filepath.Join(dir, "d")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range manyFiles {
		f, err := os.Create(filepath.Join(sub, fmt.Sprintf("file-%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	if n := strings.TrimSpace(e.Sh(sub, `ls | sort -u | wc -l; ls -l | wc -l`)); n != fmt.Sprintf("%d\n%d", manyFiles, manyFiles+1) {
		t.Errorf("ls shows %q of %d files", n, manyFiles)
	}
	e.Sh(dir, `rm -r d; test -z "$(ls)"`)
}

// saves does what editors do; whoever reads meanwhile sees a whole version.
func saves(t *testing.T, _ *testenv.Env, dir string) {
	const versions, length = 200, 20_000
	path := filepath.Join(dir, "document")
	write(t, path, pattern(0, length))
	var g errgroup.Group
	saved := make(chan struct{})
	g.Go(func() error {
		defer close(saved)
		for v := 1; v <= versions; v++ {
			if err := save(path, pattern(v, length)); err != nil {
				return err
			}
		}
		return nil
	})
	g.Go(func() error { return readWhole(path, length, saved) })
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	if got := read(t, path); !bytes.Equal(got, pattern(versions, length)) {
		t.Error("the last version is not there")
	}
}

// save writes a file anew beside the old one, syncs it, and renames it over.
func save(path string, content []byte) error {
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

func readWhole(path string, length int, until chan struct{}) error {
	for {
		got, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if len(got) != length || !bytes.Equal(got, pattern(version(got), length)) {
			return fmt.Errorf("a reader saw %d bytes that are no version", len(got))
		}
		select {
		case <-until:
			return nil
		default:
		}
	}
}

// unlinkedStays: an open file without a name is there until it is closed.
func unlinkedStays(t *testing.T, _ *testenv.Env, dir string) {
	f, err := os.Create(filepath.Join(dir, "gone"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := pattern(7, 100_000)
	if _, err := f.Write(want[:50_000]); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(want[50_000:]); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := f.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
		t.Errorf("an open file without a name: %v", err)
	}
}
