package fusefs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The watchdog is a child process that waits at a pipe. When its parent dies,
// however it dies, the pipe ends and the child takes away the mount, which
// would else stay and fail every access. It is this same program under another
// argument, in a session of its own so that Ctrl-C does not reach it.

// watchdogArg is the first argument of a watchdog; the second is the mountpoint.
const watchdogArg = "fusefs-watchdog"

// dismissed is what the parent says when there is nothing left to do.
const dismissed = 'q'

// watchdogReady says that this program can be started as a watchdog.
var watchdogReady atomic.Bool

// WatchdogMain is called first of all by the main of every program that mounts.
// In a watchdog it does not return.
func WatchdogMain() {
	watchdogReady.Store(true)
	if len(os.Args) == 3 && os.Args[1] == watchdogArg {
		watch(os.Stdin, os.Getppid(), os.Args[2])
		os.Exit(0)
	}
}

// parentCheck is how often the watchdog looks whether its parent died without
// letting go of the pipe. That happens to a process that waits for itself: one
// that uses its own mount dies only when the mount's connection ends.
const parentCheck = 2 * time.Second

// watch waits for the parent's end, and cleans up after it unless it was
// dismissed. The kernel may need a moment to notice that the mount is dead.
func watch(pipe *os.File, parent int, point string) {
	if wasDismissed(pipe, parent) {
		return
	}
	for range 100 {
		if m, ok := mountAt(point); !ok || !m.isOurs() {
			return
		}
		if clearAfter(parent, point) != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// clearAfter takes a dead mount away. Somebody may have mounted anew meanwhile:
// that mount is left alone, and so the connection is only ended for a parent
// that can't die before.
func clearAfter(parent int, point string) error {
	defer lockPoint(point)()
	if m, ok := mountAt(point); ok && m.isOurs() && !dead(point) && stuck(parent) {
		_ = m.device.abort()
	}
	return clearDead(point)
}

// stuck says whether a process still has threads that run or wait.
func stuck(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, t := range threads {
		status, err := os.ReadFile(t)
		if err == nil && !bytes.Contains(status, []byte("\nState:\tZ")) && !bytes.Contains(status, []byte("\nState:\tX")) {
			return true
		}
	}
	return false
}

// wasDismissed waits for the parent's last word or its death.
func wasDismissed(pipe *os.File, parent int) bool {
	fds := []unix.PollFd{{Fd: int32(pipe.Fd()), Events: unix.POLLIN}}
	for {
		if n, _ := unix.Poll(fds, int(parentCheck/time.Millisecond)); n > 0 {
			n, _ := pipe.Read(make([]byte, 1))
			return n > 0
		}
		if dying(uint32(parent)) {
			return false
		}
	}
}

// watchdog is the parent's end.
type watchdog struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

func startWatchdog(point string) (*watchdog, error) {
	if !watchdogReady.Load() {
		return nil, errors.New("this program does not call fusefs.WatchdogMain first of all")
	}
	cmd := exec.Command("/proc/self/exe", watchdogArg, point)
	cmd.Dir = "/" // keeps nothing else busy
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &watchdog{cmd, pipe}, nil
}

// dismiss ends the watchdog. How it ended makes no difference any more.
func (d *watchdog) dismiss() {
	_, _ = d.pipe.Write([]byte{dismissed})
	_ = d.pipe.Close()
	_ = d.cmd.Wait()
}
