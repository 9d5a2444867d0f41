package fusefs_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/fusefs"
	"github.com/cairnfs/cairn/fusefs/ceiling"
	"golang.org/x/sys/unix"
)

// hanging is a backend whose store does not answer for names that begin with
// "hang".
type hanging struct {
	fusefs.Backend
	entered  chan struct{} // a lookup hangs
	answer   chan struct{} // closed: it gets its answer
	canceled chan struct{} // a lookup was canceled
}

func newHanging() *hanging {
	return &hanging{
		Backend: ceiling.New().Door(),
		entered: make(chan struct{}, 1000), answer: make(chan struct{}), canceled: make(chan struct{}, 1000),
	}
}

func (h *hanging) mount(t *testing.T) string {
	return world{door: func() fusefs.Backend { return h }}.mount(t)
}

func (h *hanging) Lookup(ctx context.Context, dir namespace.NodeID, name string) (namespace.Attr, error) {
	if !strings.HasPrefix(name, "hang") {
		return h.Backend.Lookup(ctx, dir, name)
	}
	h.entered <- struct{}{}
	select {
	case <-h.answer:
		return namespace.Attr{}, blockstore.NotFound
	case <-ctx.Done():
		h.canceled <- struct{}{}
		return namespace.Attr{}, blockstore.E("lookup", name, blockstore.Canceled, ctx.Err())
	}
}

// statChild prints its thread's id and looks at args[0]. It handles SIGUSR1.
func statChild(args []string) error {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR1)
	runtime.LockOSThread()
	fmt.Println(unix.Gettid())
	var st unix.Stat_t
	err := unix.Stat(args[0], &st)
	if err == unix.ENOENT {
		return nil
	}
	return fmt.Errorf("stat: %v", err)
}

func TestKillWhileTheStoreHangs(t *testing.T) {
	h := newHanging()
	dir := h.mount(t)
	cmd, _ := child(t, "stat", dir+"/hang")
	<-h.entered
	must(t, cmd.Process.Kill())
	<-h.canceled
	_ = cmd.Wait()
}

// TestOtherSignalsDoNotInterrupt: a program that handles a signal gets what it
// asked for, as from a disk; and it can be killed after that.
func TestOtherSignalsDoNotInterrupt(t *testing.T) {
	for _, kill := range []bool{false, true} {
		h := newHanging()
		dir := h.mount(t)
		cmd, line := child(t, "stat", dir+"/hang")
		<-h.entered
		var tid int
		_, err := fmt.Sscan(line, &tid)
		must(t, err)
		must(t, unix.Tgkill(cmd.Process.Pid, tid, unix.SIGUSR1))
		eventually(t, "the signal", func() bool { return threadState(t, tid) == "D" })
		if kill {
			must(t, cmd.Process.Kill())
			<-h.canceled
			_ = cmd.Wait()
			continue
		}
		close(h.answer)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the child: %v", err)
		}
		if len(h.canceled) > 0 {
			t.Error("the request was canceled")
		}
	}
}

// threadState is S while it waits and may be signaled, D when it may only be killed.
func threadState(t *testing.T, tid int) string {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", tid))
	must(t, err)
	return strings.Fields(string(stat[strings.LastIndex(string(stat), ")")+1:]))[0]
}

// TestOthersGoOnWhileTheStoreHangs: many requests that wait leave a reader for
// those that need not.
func TestOthersGoOnWhileTheStoreHangs(t *testing.T) {
	h := newHanging()
	dir := h.mount(t)
	const stuck = 40
	done := make(chan error, stuck)
	for i := range stuck {
		// Each in a directory of its own: the kernel looks up one name at a
		// time in a directory that is being changed.
		sub := fmt.Sprintf("%s/d%d", dir, i)
		must(t, os.Mkdir(sub, 0o755))
		go func() {
			_, err := os.Stat(sub + "/hang")
			done <- err
		}()
	}
	for range stuck {
		<-h.entered
	}
	must(t, os.WriteFile(dir+"/f", []byte("x"), 0o600))
	if got, err := os.ReadFile(dir + "/f"); string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	close(h.answer)
	for range stuck {
		if err := <-done; !os.IsNotExist(err) {
			t.Error(err)
		}
	}
}
