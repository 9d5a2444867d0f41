package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

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
	proc  *process
}

// start makes the file systems that the options ask for, and starts them. Those
// that were started are returned with an error too.
func start(ctx context.Context, o options, base string) ([]*system, error) {
	all := []*system{
		{name: "cairn", fresh: true, serve: func(ctx context.Context) *exec.Cmd {
			return o.command(ctx, filepath.Join(base, "store"), "mount", filepath.Join(base, "cairn"))
		}},
		{name: "disk"},
		{name: "ceiling", serve: func(ctx context.Context) *exec.Cmd {
			return exec.CommandContext(ctx, "/proc/self/exe", serveCeiling, filepath.Join(base, "ceiling"))
		}},
	}
	var started []*system
	for _, s := range all {
		if !o.wants(s.name) {
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

// command is one of cairn's, on a store.
func (o *options) command(ctx context.Context, store string, args ...string) *exec.Cmd {
	all := []string{"--store", store}
	if o.pprof != "" {
		all = append(all, "--pprof", o.pprof)
	}
	return exec.CommandContext(ctx, o.cairn, append(all, args...)...)
}

// mounted is what a mount says when it can be used.
var mounted = regexp.MustCompile(`(?m)^mounted .*\n`)

// begin starts the process, if there is one.
func (s *system) begin(ctx context.Context) (err error) {
	if s.serve != nil {
		s.proc, _, err = begin(ctx, s.name, s.serve(context.WithoutCancel(ctx)), mounted)
	}
	return err
}

// stop ends the process, which unmounts.
func (s *system) stop() error {
	if s.proc == nil {
		return nil
	}
	p := s.proc
	s.proc = nil
	return p.stop()
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
