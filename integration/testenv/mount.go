package testenv

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Mount is a running `cairn mount`.
type Mount struct {
	e    *Env
	Dir  string
	cmd  *exec.Cmd
	log  string
	done bool
	// logged is how long the log was when this mount began.
	logged int64
}

// Mount mounts the default bucket, with options of `cairn mount`, and returns once
// it is served.
func (e *Env) Mount(options ...string) *Mount {
	e.t.Helper()
	m, line := e.Start(append(append([]string{"mount"}, options...), e.Point)...)
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
	m := &Mount{e: e, Dir: e.Point, cmd: e.Command(args...), log: filepath.Join(e.Dir, "log")}
	log, err := os.OpenFile(m.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		e.t.Fatal(err)
	}
	defer log.Close()
	m.cmd.Stderr = log
	if m.logged, err = log.Seek(0, io.SeekEnd); err != nil {
		e.t.Fatal(err)
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		e.t.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.mount = m
	line, _ := bufio.NewReader(out).ReadString('\n')
	return m, line
}

// Pid is the process.
func (m *Mount) Pid() int { return m.cmd.Process.Pid }

// Log is all that the mounts of this test have logged.
func (m *Mount) Log() string {
	b, err := os.ReadFile(m.log)
	if err != nil {
		m.e.t.Fatal(err)
	}
	return string(b)
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

// Signal sends a signal to the process.
func (m *Mount) Signal(s os.Signal) {
	m.e.t.Helper()
	if err := m.cmd.Process.Signal(s); err != nil {
		m.e.t.Errorf("signal cairn: %v", err)
	}
}

// End waits for the end of the process, which must be a success and leave no
// mount.
func (m *Mount) End() {
	m.e.t.Helper()
	m.done = true
	m.e.mount = nil
	if err := m.cmd.Wait(); err != nil {
		m.e.t.Errorf("cairn mount ended badly: %v\n%s", err, tail([]byte(m.Log())))
	}
	if left := Mounts(m.Dir); len(left) > 0 {
		m.e.t.Errorf("still mounted: %v", left)
	}
}

// Kill ends the process as kill -9 does, and returns once the mount is gone.
func (m *Mount) Kill() {
	m.e.t.Helper()
	m.done = true
	m.e.mount = nil
	m.Signal(syscall.SIGKILL)
	m.cmd.Wait()
	Await(m.e.t, "the dead mount to go away", func() bool { return len(Mounts(m.Dir)) == 0 })
}

// PeakMemory is the most memory that the process ever had resident, in bytes.
func (m *Mount) PeakMemory() int64 {
	m.e.t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(m.Pid()) + "/status")
	if err != nil {
		m.e.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		m.e.t.Fatal(err)
	}
	return kib << 10
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
	m.e.mount = nil
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
	(&Mount{e: e, Dir: e.Point, cmd: cmd}).KillSoon(random)
}

// KillSoon kills the process at a random moment of the next half second, if it
// lives that long, and returns once its mount is gone.
func (m *Mount) KillSoon(random *rand.Rand) {
	m.e.t.Helper()
	m.done = true
	m.e.mount = nil
	time.AfterFunc(time.Duration(random.IntN(500))*time.Millisecond, func() { m.cmd.Process.Kill() })
	m.cmd.Wait()
	Await(m.e.t, "the mount to go away", func() bool { return len(Mounts(m.Dir)) == 0 })
}
