package fusefs_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"
)

// eventually waits for a condition that another door's change brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestHintsReachTheKernel changes files through one mount and sees it through
// another, whose kernel side has everything cached for minutes.
func TestHintsReachTheKernel(t *testing.T) { eachWorld(t, testHintsReachTheKernel) }

func testHintsReachTheKernel(t *testing.T, w world) {
	a, b := w.mount(t), w.mount(t)
	reads := func(name, want string) func() bool {
		return func() bool {
			got, err := os.ReadFile(b + "/" + name)
			return err == nil && string(got) == want
		}
	}
	gone := func(name string) func() bool {
		return func() bool {
			_, err := os.Stat(b + "/" + name)
			return errors.Is(err, fs.ErrNotExist)
		}
	}
	if !gone("f")() {
		t.Fatal("there is an f already")
	}
	must(t, os.WriteFile(a+"/f", []byte("one"), 0o600))
	eventually(t, "a name that was known to be absent", reads("f", "one"))
	must(t, os.WriteFile(a+"/f", []byte("two"), 0o600))
	eventually(t, "new content of the same size", reads("f", "two"))
	must(t, os.Chmod(a+"/f", 0o751))
	eventually(t, "mode", func() bool { return lstat(t, b+"/f").Mode&0o777 == 0o751 })

	open, err := os.Open(b + "/f")
	must(t, err)
	defer open.Close()
	must(t, os.WriteFile(a+"/f", []byte("six"), 0o600))
	eventually(t, "content of an open file", func() bool {
		buf := make([]byte, 3)
		_, err := open.ReadAt(buf, 0)
		return err == nil && string(buf) == "six"
	})

	must(t, os.WriteFile(a+"/new", []byte("new"), 0o600))
	must(t, os.Rename(a+"/new", a+"/f"))
	eventually(t, "a name that leads elsewhere", reads("f", "new"))
	eventually(t, "the name that it had", gone("new"))
	must(t, os.Mkdir(a+"/d", 0o755))
	eventually(t, "links of the directory", func() bool { return lstat(t, b).Nlink == 3 })
	must(t, os.Remove(a+"/f"))
	eventually(t, "a removed name", gone("f"))
}

// TestHintsKeepWorkingDirectories: a hint about the name of a directory that stays
// does not take it from under a program.
func TestHintsKeepWorkingDirectories(t *testing.T) { eachWorld(t, testHintsKeepWorkingDirectories) }

func testHintsKeepWorkingDirectories(t *testing.T, w world) {
	a, b := w.mount(t), w.mount(t)
	must(t, os.Mkdir(a+"/d", 0o755))
	eventually(t, "the directory", func() bool { _, err := os.Stat(b + "/d"); return err == nil })
	t.Chdir(b + "/d")
	must(t, os.Rename(a+"/d", a+"/e"))
	must(t, os.Rename(a+"/e", a+"/d"))
	must(t, os.WriteFile(a+"/d/f", nil, 0o600))
	eventually(t, "a file in it", func() bool { _, err := os.Stat("f"); return err == nil })
	eventually(t, "its path", func() bool {
		wd, err := os.Readlink("/proc/self/cwd")
		return err == nil && wd == b+"/d"
	})
}
