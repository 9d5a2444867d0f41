package fusefs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/fusefs"
	"golang.org/x/sys/unix"
)

// childEnv makes this binary do one of the things in children instead of testing.
const childEnv = "FUSEFS_TEST_CHILD"

// children are what tests need other processes for; they get os.Args[1:].
var children = map[string]func(args []string) error{
	"serve":  serveChild,
	"append": appendChild,
	"stat":   statChild,
	"self":   selfChild,
	"mmap":   mmapChild,
}

func TestMain(m *testing.M) {
	fusefs.WatchdogMain()
	if run := children[os.Getenv(childEnv)]; run != nil {
		if err := run(os.Args[1:]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(runIn(m))
}

// runIn runs the tests in a temporary directory of their own, and fails if they
// leave a mount there.
func runIn(m *testing.M) int {
	tmp, err := os.MkdirTemp("", "fusefs")
	if err == nil {
		tmp, err = filepath.EvalSymlinks(tmp)
	}
	if err == nil {
		err = errors.Join(os.Chmod(tmp, 0o755), os.Setenv("TMPDIR", tmp))
	}
	if err != nil {
		panic(err)
	}
	defer os.Remove(tmp) // the tests' own directories are gone
	code := m.Run()
	for point := range cairnMounts() {
		if strings.HasPrefix(point, tmp) {
			fmt.Fprintln(os.Stderr, "left mounted:", point)
			code = 1
		}
	}
	return code
}

// cairnMounts lists the mountpoints of this file system.
func cairnMounts() map[string]bool {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		panic(err)
	}
	points := make(map[string]bool)
	for line := range strings.Lines(string(table)) {
		if strings.Contains(line, " - fuse.cairn ") {
			points[strings.Fields(line)[4]] = true
		}
	}
	return points
}

// awaitUnmounted waits until nothing is mounted on a directory. The kernel
// reports a change of its table as an exceptional condition, once: package os
// must not poll the file as well.
func awaitUnmounted(t *testing.T, point string) {
	t.Helper()
	table, err := unix.Open("/proc/self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(table)
	for cairnMounts()[point] {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(table), Events: unix.POLLPRI}}, -1)
		if err != nil && err != unix.EINTR {
			t.Fatal(err)
		}
	}
}

// serve mounts a directory of b; stop unmounts it and checks that nothing is left.
func serve(t *testing.T, b fusefs.Backend, root namespace.NodeID, dir string) (_ string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := fusefs.Mount(ctx, dir, b, fusefs.Options{Root: root, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	refusePoll(t, dir)
	return dir, func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		if cairnMounts()[dir] {
			t.Errorf("%s is still mounted", dir)
		}
	}
}

// refusePoll makes the kernel learn that poll is not implemented. Package os polls
// every file that it opens, in a system call that the scheduler does not see: in
// the process that has to answer, that can lock up everything.
func refusePoll(t *testing.T, dir string) {
	t.Helper()
	fd, err := unix.Open(dir+"/poll", unix.O_CREAT|unix.O_RDWR, 0o600)
	must(t, err)
	_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	must(t, err)
	must(t, errors.Join(unix.Close(fd), unix.Unlink(dir+"/poll")))
}

// mountCeiling mounts an empty file system in memory.
func mountCeiling(t *testing.T) string { return newCeiling(t).mount(t) }

// child starts this binary as one of children. The first line that it prints is
// awaited and returned.
func child(t *testing.T, what string, args ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), childEnv+"="+what)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return cmd, strings.TrimSpace(line)
}

// must ends the test if err is not nil.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantErr checks the errno of a failure.
func wantErr(t *testing.T, what string, err error, want unix.Errno) {
	t.Helper()
	if !isErrno(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}
