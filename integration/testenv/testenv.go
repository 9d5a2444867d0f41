// Package testenv gives each end-to-end test a cairn of its own: a home, a store and a
// mount point in a temporary directory, and the binary, built once per test run.
//
// Its cleanup unmounts, checks the whole volume with `cairn fsck --data`, and fails
// the test if a mount or a process was left. What a test looks at has no place here. It
// may import the standard library and golang.org/x, nothing of the module: it
// knows cairn as a user does.
package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// binary is the path of the built cairn.
var binary string

// Run builds the binary and runs the tests of a package; TestMain passes its
// result to os.Exit.
func Run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cairn-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "cairn")
	args := append([]string{"build"}, buildFlags...)
	build := exec.Command("go", append(args, "-o", binary, "github.com/cairnfs/cairn/cmd/cairn")...)
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build cairn: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// Env is the world of one test.
type Env struct {
	t     testing.TB
	Dir   string // all of it, removed after the test
	Home  string
	Store string
	Point string // the mount point
	// Damaged turns off the check of the volume in the cleanup, for tests
	// that damage it.
	Damaged bool
	stops   []func() // of all that was started, in order
}

// New makes a world with nothing in it.
func New(t testing.TB) *Env {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e := &Env{
		t: t, Dir: dir, Home: filepath.Join(dir, "home"),
		Store: filepath.Join(dir, "store"), Point: filepath.Join(dir, "mnt"),
	}
	for _, d := range []string{e.Home, e.Point} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(e.finish)
	return e
}

// finish leaves nothing behind, and finds out what did.
func (e *Env) finish() {
	if e.t.Failed() {
		if log, err := os.ReadFile(filepath.Join(e.Dir, "log")); err == nil {
			e.t.Logf("the log ends:\n%s", tail(log))
		}
	}
	e.StopAll()
	if _, err := os.Stat(e.Store); err == nil && !e.Damaged {
		e.Fsck()
	}
	if left := Mounts(e.Dir); len(left) > 0 {
		e.t.Errorf("mounts left behind: %s", left)
		for _, m := range left {
			exec.Command("fusermount3", "-uz", m).Run()
		}
	}
	var left []string
	Await(e.t, "the end of all processes", func() bool {
		left = processes(e.Dir)
		return len(left) == 0
	})
}

// StopAll ends all that was started and still runs; each must end well.
func (e *Env) StopAll() {
	e.t.Helper()
	for _, stop := range slices.Backward(e.stops) {
		stop()
	}
	e.stops = nil
}

// Fsck checks the whole volume, with every byte of data.
func (e *Env) Fsck() {
	e.t.Helper()
	if r := e.Cairn("fsck", "--data"); r.Status != 0 {
		e.t.Errorf("fsck: %s", r)
	}
}

// Result is how a command of cairn ended.
type Result struct {
	Args        []string
	Status      int
	Out, Stderr string
}

func (r Result) String() string {
	return fmt.Sprintf("cairn %s: exit %d\n%s%s", strings.Join(r.Args, " "), r.Status, middleOut(r.Out), r.Stderr)
}

// Cairn runs one command on the test's store and returns how it ended.
func (e *Env) Cairn(args ...string) Result {
	e.t.Helper()
	return e.Run(e.Command(args...))
}

// Run runs a command that Command made.
func (e *Env) Run(cmd *exec.Cmd) Result {
	e.t.Helper()
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		e.t.Fatalf("%v: %v", cmd.Args, err)
	}
	return Result{cmd.Args[1:], cmd.ProcessState.ExitCode(), out.String(), stderr.String()}
}

// Must runs a command that has to succeed, and returns what it printed.
func (e *Env) Must(args ...string) string {
	e.t.Helper()
	r := e.Cairn(args...)
	if r.Status != 0 {
		e.t.Fatal(r)
	}
	return r.Out
}

// Command is cairn with the test's home and store, not started yet.
func (e *Env) Command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Env = e.environ()
	cmd.Dir = e.Dir
	return cmd
}

// private are the variables that no test gets from whoever runs it.
var private = []string{"XDG_", "CAIRN_", "HOME=", "AWS_", "RCLONE_", "RESTIC_"}

func (e *Env) environ() []string {
	var env []string
	for _, v := range os.Environ() {
		if !slices.ContainsFunc(private, func(prefix string) bool { return strings.HasPrefix(v, prefix) }) {
			env = append(env, v)
		}
	}
	return append(env, "HOME="+e.Home, "CAIRN_STORE="+e.Store, "CAIRN_LOG_LEVEL=info",
		"CAIRN_ACCESS_KEY="+AccessKey, "CAIRN_SECRET_KEY="+SecretKey)
}

// Sh runs a shell script in a directory and returns its output; any command of
// it that fails, fails the test.
func (e *Env) Sh(dir, script string, args ...string) string {
	e.t.Helper()
	cmd := exec.Command("bash", append([]string{"-euo", "pipefail", "-c", script, "sh"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(e.environ(), "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org")
	out, err := cmd.CombinedOutput()
	if err != nil {
		e.t.Fatalf("%s: %v\n%s", script, err, tail(out))
	}
	return string(out)
}

// middleOut leaves the first and last lines of an output.
func middleOut(out string) string {
	lines := strings.SplitAfter(out, "\n")
	if len(lines) <= 20 {
		return out
	}
	return strings.Join(lines[:10], "") + "...\n" + strings.Join(lines[len(lines)-10:], "")
}

// tail is as much of the end of an output as anybody reads.
func tail(out []byte) []byte { return out[max(0, len(out)-4000):] }

// patience is how long anything is awaited before the test fails: far longer
// than it ever takes.
const patience = time.Minute

// Await returns once the condition holds.
func Await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain for %s", patience, what)
		}
		time.Sleep(2 * time.Millisecond) // between two looks; nothing here can be waited on
	}
}

// Root runs a shell script as root.
func (e *Env) Root(script string, args ...string) {
	e.t.Helper()
	sh := append([]string{"sh", "-c", script, "sh"}, args...)
	if os.Getuid() != 0 {
		sh = append([]string{"sudo", "-n"}, sh...)
	}
	if out, err := exec.Command(sh[0], sh[1:]...).CombinedOutput(); err != nil {
		e.t.Fatalf("%s: %v\n%s(this test has to be root, or to be let to sudo)", script, err, out)
	}
}
