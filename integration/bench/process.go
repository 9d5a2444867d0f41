package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"syscall"
)

// process is a program that serves what is measured.
type process struct {
	name   string
	cmd    *exec.Cmd
	said   *output
	exited chan error
}

// begin starts a program, and waits until it has said what matches ready. It
// returns that too.
func begin(ctx context.Context, name string, cmd *exec.Cmd, ready *regexp.Regexp) (*process, string, error) {
	p := &process{name: name, cmd: cmd, said: &output{ready: ready, found: make(chan string, 1)}, exited: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = p.said, p.said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the bench alone
	if err := cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("start %s: %w", name, err)
	}
	go func() { p.exited <- cmd.Wait() }()
	select {
	case text := <-p.said.found:
		return p, text, nil
	case err := <-p.exited:
		return nil, "", fmt.Errorf("start %s: %w: %s", name, cmp.Or(err, errEnded), p.said.text)
	case <-ctx.Done():
		return nil, "", errors.Join(ctx.Err(), p.stop())
	}
}

var errEnded = errors.New("it ended")

// stop ends the process, and waits until it has tidied up.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := <-p.exited; err != nil {
		return fmt.Errorf("stop %s: %w: %s", p.name, err, p.said.text)
	}
	return nil
}

// output is what a program says, of which one match is waited for. Both its outputs
// go here: not all say on the same one that they are ready. Only exec.Cmd writes to
// it, so text is for others once the program has ended.
type output struct {
	ready *regexp.Regexp
	found chan string // has room for the one match
	text  []byte      // the last of it
	done  bool
}

// kept is how much of an output is kept, to explain an error.
const kept = 8 << 10

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.text = append(o.text, p...)
	if m := o.ready.Find(o.text); m != nil && !o.done {
		o.found <- string(m)
		o.done = true
	}
	if n := len(o.text); n > kept {
		o.text = o.text[n-kept:]
	}
	return len(p), nil
}
