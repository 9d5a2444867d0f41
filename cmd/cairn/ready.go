package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/cairnfs/cairn/blockstore"
)

// readyVariable names, for a process that --daemon started, the descriptor of
// the pipe on which it says how its start went: readyWord, or an exit status
// and a message. Closing the pipe without a word is a crash.
const (
	readyVariable = "CAIRN_READY_FD"
	readyWord     = "ready"
)

// readiness tells whoever started this process that it serves, or why not.
type readiness struct {
	pipe *os.File // nil in the foreground, and once it has been told
}

func newReadiness() *readiness {
	fd, err := strconv.Atoi(os.Getenv(readyVariable))
	if err != nil {
		return &readiness{}
	}
	os.Unsetenv(readyVariable)
	syscall.CloseOnExec(fd)
	return &readiness{os.NewFile(uintptr(fd), "ready")}
}

// background says whether somebody waits for the word.
func (r *readiness) background() bool { return r.pipe != nil }

func (r *readiness) ok() { r.tell(readyWord) }

// failed is called with the outcome of the whole command; after ok it does nothing.
func (r *readiness) failed(err error) {
	if err != nil {
		r.tell(fmt.Sprintf("%d %s", status(err), message(err)))
	}
}

func (r *readiness) tell(text string) {
	if r.pipe != nil {
		io.WriteString(r.pipe, text)
		r.pipe.Close()
		r.pipe = nil
	}
}

// childFailed is the failure of the process in the background, told in its words.
type childFailed struct {
	code int
	text string
}

func (c childFailed) Error() string { return c.text }

// daemonize starts this command again in the background, without --daemon, and
// returns when it serves or has failed. Its log goes to a file.
func (a *app) daemonize(args []string) error {
	logFile, err := openLog(defaultLog())
	if err != nil {
		return err
	}
	defer logFile.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return osError("start in the background", "", err)
	}
	defer r.Close()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), readyVariable+"=3")
	cmd.ExtraFiles = []*os.File{w}
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return osError("start in the background", "", err)
	}
	return awaitReady(r, logFile.Name())
}

func awaitReady(r io.Reader, logName string) error {
	said, err := io.ReadAll(r)
	if string(said) == readyWord {
		return nil
	}
	code, text, ok := strings.Cut(string(said), " ")
	n, convErr := strconv.Atoi(code)
	if err != nil || !ok || convErr != nil {
		return blockstore.E("start in the background", "", blockstore.Other, fmt.Errorf("the process ended at once, see %s", logName))
	}
	return childFailed{n, strings.TrimPrefix(text, "cairn: ")}
}

func openLog(path string) (*os.File, error) {
	dir := path[:strings.LastIndexByte(path, '/')]
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, osError("create log directory", dir, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	return f, osError("open log", path, err)
}
