package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// system is one of the file systems that are compared.
type system struct {
	name string
	dir  string
	// serve makes the command whose process serves dir; nil for the disk.
	serve func(ctx context.Context) *exec.Cmd
	// fresh: nothing is lost when the process is ended and started again.
	fresh bool
	proc  *exec.Cmd
}

// start makes the systems that the options ask for, and starts them. Those
// that were started are returned with an error too.
func start(ctx context.Context, o options, base string) ([]*system, error) {
	all := []*system{
		{name: "cairn", fresh: true, serve: func(ctx context.Context) *exec.Cmd {
			return exec.CommandContext(ctx, o.cairn, "--store", filepath.Join(base, "store"), "mount", filepath.Join(base, "cairn"))
		}},
		{name: "disk"},
		{name: "ceiling", serve: func(ctx context.Context) *exec.Cmd {
			return exec.CommandContext(ctx, "/proc/self/exe", serveCeiling, filepath.Join(base, "ceiling"))
		}},
	}
	var started []*system
	for _, s := range all {
		if o.only != "" && !strings.Contains(","+o.only+",", ","+s.name+",") {
			continue
		}
		s.dir = filepath.Join(base, s.name)
		if err := os.Mkdir(s.dir, 0o755); err != nil {
			return started, err
		}
		if err := s.begin(ctx); err != nil {
			return started, err
		}
		started = append(started, s)
	}
	return started, nil
}

// begin starts the process, if there is one, and waits until it has mounted:
// then it prints a line.
func (s *system) begin(ctx context.Context) error {
	if s.serve == nil {
		return nil
	}
	cmd := s.serve(context.WithoutCancel(ctx))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the bench alone
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if _, err := out.Read(make([]byte, 4096)); err != nil {
		return fmt.Errorf("start %s: %w: %s", s.name, errors.Join(cmd.Wait(), err), stderr.String())
	}
	s.proc = cmd
	return nil
}

// stop ends the process, which unmounts.
func (s *system) stop() error {
	if s.proc == nil {
		return nil
	}
	cmd := s.proc
	s.proc = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("stop %s: %w: %s", s.name, err, cmd.Stderr)
	}
	return nil
}

// settle waits until nothing is left to write. If cold, it also empties every
// cache: the kernel's, and those of the process by starting it anew.
func (s *system) settle(ctx context.Context, cold bool) error {
	if cold && s.fresh {
		if err := s.stop(); err != nil {
			return err
		}
		if err := s.begin(ctx); err != nil {
			return err
		}
	}
	unix.Sync()
	if !cold {
		return nil
	}
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0); err != nil {
		return fmt.Errorf("cold rows need root, to empty the kernel's caches (leave them out with -rows): %w", err)
	}
	return nil
}
