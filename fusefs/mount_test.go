package fusefs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/fusefs"
	"github.com/cairnfs/cairn/fusefs/ceiling"
	"golang.org/x/sys/unix"
)

func isErrno(err error, want unix.Errno) bool { return errors.Is(err, want) }

// serveChild mounts on args[0] and serves until it is killed.
func serveChild(args []string) error {
	ctx := context.Background()
	s, err := fusefs.Mount(ctx, args[0], ceiling.New().Door(), fusefs.Options{})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	return s.Serve(ctx)
}

func TestKilledProcessLeavesNoMount(t *testing.T) {
	dir := t.TempDir()
	cmd, line := child(t, "serve", dir)
	if line != "ready" {
		t.Fatal(line)
	}
	must(t, os.WriteFile(dir+"/x", []byte("y"), 0o600))
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	awaitUnmounted(t, dir)
}

// TestKilledWithOpenFiles: somebody still has a file open there.
func TestKilledWithOpenFiles(t *testing.T) {
	dir := t.TempDir()
	cmd, _ := child(t, "serve", dir)
	f, err := os.Create(dir + "/x")
	must(t, err)
	defer f.Close()
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	awaitUnmounted(t, dir)
	_, err = f.WriteAt([]byte("gone"), 0)
	wantErr(t, "write", err, unix.ENOTCONN)
}

// selfChild mounts on args[0] and waits there for itself: its store hangs.
func selfChild(args []string) error {
	ctx := context.Background()
	store := newHanging()
	s, err := fusefs.Mount(ctx, args[0], store, fusefs.Options{})
	if err != nil {
		return err
	}
	go func() {
		var st unix.Stat_t
		_ = unix.Stat(args[0]+"/hang", &st)
	}()
	go func() { fmt.Println(<-store.entered) }()
	return s.Serve(ctx)
}

// TestKilledWhileUsingItself: such a process can't die by itself.
func TestKilledWhileUsingItself(t *testing.T) {
	dir := t.TempDir()
	cmd, _ := child(t, "self", dir)
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	awaitUnmounted(t, dir)
}

func TestMountCleansUpAfterTheDead(t *testing.T) {
	dir := t.TempDir()
	cmd, _ := child(t, "serve", dir)
	killWatchdog(t, dir)
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	if !cairnMounts()[dir] {
		t.Fatal("nothing was left to clean up")
	}
	_, stop := serve(t, ceiling.New().Door(), namespace.RootID, dir)
	must(t, os.WriteFile(dir+"/x", nil, 0o600))
	stop()
}

func TestUnmountOfTheDead(t *testing.T) {
	dir := t.TempDir()
	cmd, _ := child(t, "serve", dir)
	killWatchdog(t, dir)
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	must(t, fusefs.Unmount(dir))
	if cairnMounts()[dir] {
		t.Error("still mounted")
	}
}

// killWatchdog kills the watchdog of a mountpoint. It is not our child: another
// process of the session reaps it.
func killWatchdog(t *testing.T, dir string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	must(t, err)
	for _, file := range lines {
		line, _ := os.ReadFile(file)
		if strings.Contains(string(line), "watchdog\x00"+dir+"\x00") {
			pid, err := strconv.Atoi(strings.Split(file, "/")[2])
			must(t, err)
			must(t, unix.Kill(pid, unix.SIGKILL))
			return
		}
	}
	t.Fatal("no watchdog of ", dir)
}

func TestUnmountEndsServe(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s, err := fusefs.Mount(ctx, dir, ceiling.New().Door(), fusefs.Options{})
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	f, err := os.Create(dir + "/x")
	must(t, err)
	if err := fusefs.Unmount(dir); !errors.Is(err, blockstore.Busy) {
		t.Errorf("unmount while in use: %v", err)
	}
	must(t, f.Close())
	must(t, fusefs.Unmount(dir))
	must(t, <-served)
	if err := fusefs.Unmount(dir); !errors.Is(err, blockstore.NotFound) {
		t.Errorf("second unmount: %v", err)
	}
}

// TestStopWhileInUse: Serve ends although a program has a file open.
func TestStopWhileInUse(t *testing.T) {
	dir, stop := serve(t, ceiling.New().Door(), namespace.RootID, t.TempDir())
	f, err := os.Create(dir + "/x")
	must(t, err)
	defer f.Close()
	stop()
	_, err = f.WriteAt([]byte("gone"), 0)
	wantErr(t, "write", err, unix.ENOTCONN)
}

// TestStopAfterLazyUnmount: the mount is gone from the table, but lives on.
func TestStopAfterLazyUnmount(t *testing.T) {
	dir, stop := serve(t, ceiling.New().Door(), namespace.RootID, t.TempDir())
	f, err := os.Create(dir + "/x")
	must(t, err)
	defer f.Close()
	must(t, fusefs.UnmountLazily(dir))
	if _, err := f.WriteAt([]byte("still here"), 0); err != nil {
		t.Error(err)
	}
	stop()
	_, err = f.WriteAt([]byte("gone"), 0)
	wantErr(t, "write", err, unix.ENOTCONN)
}

func TestMountRefusals(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(dir+"/full/x", 0o700))
	must(t, os.MkdirAll(dir+"/empty", 0o700))
	must(t, os.WriteFile(dir+"/file", nil, 0o600))
	taken := mountCeiling(t)
	for _, c := range []struct {
		point string
		kind  blockstore.Kind
		says  string
	}{
		{dir + "/none", blockstore.NotFound, "mkdir"},
		{dir + "/file", blockstore.NotDirectory, "choose a directory"},
		{dir + "/full", blockstore.NotEmpty, "choose an empty directory"},
		{taken, blockstore.Busy, "unmount it first"},
	} {
		checkRefusal(t, c.point, c.kind, c.says)
	}
	t.Setenv("PATH", dir)
	checkRefusal(t, dir+"/empty", blockstore.Unavailable, "install package fuse3")
	if _, err := exec.LookPath("fusermount3"); err == nil {
		t.Error("the test did not hide fusermount3")
	}
}

func checkRefusal(t *testing.T, point string, kind blockstore.Kind, says string) {
	t.Helper()
	_, err := fusefs.Mount(context.Background(), point, ceiling.New().Door(), fusefs.Options{})
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), point) {
		t.Errorf("mount on %s: %v; want %v, %q", point, err, kind, says)
	}
}

func TestReadOnlyMount(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	s, err := fusefs.Mount(ctx, dir, ceiling.New().Door(), fusefs.Options{ReadOnly: true, FSName: "home, sweet home"})
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	wantErr(t, "write", os.WriteFile(dir+"/x", nil, 0o600), unix.EROFS)
	cancel()
	must(t, <-served)
}

// TestManyMounts mounts and unmounts several at once: each finds its own
// connection.
func TestManyMounts(t *testing.T) {
	for round := range 2 {
		var stops []func()
		for i := range 4 {
			dir, stop := serve(t, ceiling.New().Door(), namespace.RootID, t.TempDir())
			must(t, os.WriteFile(fmt.Sprintf("%s/%d-%d", dir, round, i), []byte(dir), 0o600))
			stops = append(stops, stop)
		}
		for _, stop := range stops {
			stop()
		}
	}
}
