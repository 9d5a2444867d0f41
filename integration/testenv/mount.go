package testenv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Mount is a running `cairn mount`, or `cairn up`.
type Mount struct {
	*Process
	Dir string
}

// Mount mounts the default bucket, with options of `cairn mount`, and returns once
// it is served.
func (e *Env) Mount(options ...string) *Mount {
	e.t.Helper()
	return e.MountOn(e.Point, options...)
}

// MountOn is Mount on another directory, which is made if it is missing.
func (e *Env) MountOn(dir string, options ...string) *Mount {
	e.t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		e.t.Fatal(err)
	}
	m, line := e.startOn(dir, append(append([]string{"mount"}, options...), dir)...)
	if !strings.HasPrefix(line, "mounted ") {
		m.cmd.Wait()
		e.t.Fatalf("cairn mount said %q\n%s", line, m.Log())
	}
	return m
}

// Start starts a command that mounts on e.Point, and returns the first line
// that it prints; that is empty if it fails.
func (e *Env) Start(args ...string) (*Mount, string) {
	e.t.Helper()
	return e.startOn(e.Point, args...)
}

func (e *Env) startOn(dir string, args ...string) (*Mount, string) {
	e.t.Helper()
	p, line := e.start(e.Command(args...))
	m := &Mount{p, dir}
	e.stops = append(e.stops, m.Unmount)
	return m, line
}

// Unmount ends the process as Ctrl-C does, which must end well.
func (m *Mount) Unmount() {
	m.e.t.Helper()
	if m.done {
		return
	}
	m.Signal(syscall.SIGINT)
	m.End()
}

// End waits for the end of the process, which must be a success and leave no
// mount.
func (m *Mount) End() {
	m.e.t.Helper()
	m.end()
	if left := Mounts(m.Dir); len(left) > 0 {
		m.e.t.Errorf("still mounted: %v", left)
	}
}

// Kill ends the process as kill -9 does, and returns once the mount is gone.
func (m *Mount) Kill() {
	m.e.t.Helper()
	m.kill()
	Await(m.e.t, "the dead mount to go away", func() bool { return len(Mounts(m.Dir)) == 0 })
}

// Mounts lists what is mounted at or below a directory.
func Mounts(dir string) []string {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		panic(err) // no Linux
	}
	var found []string
	for line := range strings.Lines(string(table)) {
		if at := strings.Fields(line)[4]; at == dir || strings.HasPrefix(at, dir+"/") {
			found = append(found, at)
		}
	}
	return found
}

// processes lists the processes of the binary that belong to a test: they
// have its directory in their environment.
func processes(dir string) []string {
	all, _ := filepath.Glob("/proc/[0-9]*")
	var found []string
	for _, proc := range all {
		exe, _ := os.Readlink(proc + "/exe")
		env, _ := os.ReadFile(proc + "/environ")
		if exe == binary && strings.Contains(string(env), "HOME="+dir+"/") {
			found = append(found, filepath.Base(proc))
		}
	}
	return found
}

// Refused waits for the end of a mount that printed nothing. It must have failed
// with exactly one line, that says why, and left no mount.
func (m *Mount) Refused() error {
	m.e.t.Helper()
	m.done = true
	err := m.cmd.Wait()
	log := strings.TrimSuffix(m.Log()[m.logged:], "\n")
	switch {
	case err == nil:
		return errors.New("cairn mount printed nothing and ended well")
	case len(Mounts(m.Dir)) > 0:
		return errors.New("a failed mount is still there")
	case !strings.HasPrefix(log, "cairn: ") || strings.Contains(log, "\n"):
		return fmt.Errorf("not one line: %q", log)
	}
	return nil
}

// KillDuring starts a command and kills it at a random moment of its first half
// second, if it lives that long.
func (e *Env) KillDuring(random *rand.Rand, args ...string) {
	e.t.Helper()
	cmd := e.Command(args...)
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	(&Mount{&Process{e: e, cmd: cmd}, e.Point}).KillSoon(random)
}

// KillSoon kills the process at a random moment of the next half second, if it
// lives that long, and returns once its mount is gone.
func (m *Mount) KillSoon(random *rand.Rand) {
	m.e.t.Helper()
	m.done = true
	time.AfterFunc(time.Duration(random.IntN(500))*time.Millisecond, func() { m.cmd.Process.Kill() })
	m.cmd.Wait()
	Await(m.e.t, "the mount to go away", func() bool { return len(Mounts(m.Dir)) == 0 })
}
