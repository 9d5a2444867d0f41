package testenv

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a running cairn that serves something.
type Process struct {
	e    *Env
	cmd  *exec.Cmd
	log  string
	done bool
	// logged is how long the log was when this process began.
	logged int64
}

// start starts a command, and returns the first line that it prints; that is empty
// if it fails.
func (e *Env) start(cmd *exec.Cmd) (*Process, string) {
	e.t.Helper()
	p := &Process{e: e, cmd: cmd, log: filepath.Join(e.Dir, "log")}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		e.t.Fatal(err)
	}
	defer log.Close()
	p.cmd.Stderr = log
	if p.logged, err = log.Seek(0, io.SeekEnd); err != nil {
		e.t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		e.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	return p, line
}

// Pid is the process.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Log is all that the processes of this test have logged.
func (p *Process) Log() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		p.e.t.Fatal(err)
	}
	return string(b)
}

// Signal sends a signal to the process.
func (p *Process) Signal(s os.Signal) {
	p.e.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.e.t.Errorf("signal cairn: %v", err)
	}
}

// end waits for the end of the process, which must be a success.
func (p *Process) end() {
	p.e.t.Helper()
	p.done = true
	lost := time.AfterFunc(patience, func() { p.cmd.Process.Signal(syscall.SIGQUIT) })
	defer lost.Stop()
	if err := p.cmd.Wait(); err != nil {
		p.e.t.Errorf("cairn %s ended badly: %v\n%s", p.cmd.Args[1], err, tail([]byte(p.Log())))
	}
}

// kill ends the process as kill -9 does.
func (p *Process) kill() {
	p.done = true
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// PeakMemory is the most memory that the process ever had resident, in bytes.
func (p *Process) PeakMemory() int64 {
	p.e.t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.Pid()) + "/status")
	if err != nil {
		p.e.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		p.e.t.Fatal(err)
	}
	return kib << 10
}
