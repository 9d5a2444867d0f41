package fusefs

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"bazil.org/fuse"
	"golang.org/x/sys/unix"
)

// The kernel sends an interrupt for every signal that a waiting process gets,
// also for those that it handles and goes on (a Go program gets one whenever
// its scheduler wants a thread back). A local disk lets go only of a process
// that is being killed, and programs are written for that: so here too.

// killCheck is how often an interrupted process that lives on is looked at
// again: the kernel interrupts a request only once.
const killCheck = 50 * time.Millisecond

// interrupt cancels a request if its process is dying, now or later.
func (s *Server) interrupt(r *fuse.InterruptRequest) {
	w, pid := s.workerOn(r.IntrID)
	if w == nil {
		// Done already, or read but not begun: of the latter the kernel, which
		// knows, tells us again.
		r.RespondError(unix.EAGAIN)
		return
	}
	id := r.IntrID
	r.Respond()
	if dying(pid) {
		w.cancelIf(id)
		return
	}
	s.watches.Go(func() { w.awaitKill(id, pid) })
}

// workerOn finds who is at a request, for which process.
func (s *Server) workerOn(id fuse.RequestID) (*worker, uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.workers {
		if pid, ok := w.on(id); ok {
			return w, pid
		}
	}
	return nil, 0
}

// on says whether the worker is at the request.
func (w *worker) on(id fuse.RequestID) (pid uint32, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pid, w.id == id
}

// cancelIf cancels the worker's request if it is still that one.
func (w *worker) cancelIf(id fuse.RequestID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.id == id {
		w.cancel()
	}
}

// awaitKill watches the process as long as the request lasts.
func (w *worker) awaitKill(id fuse.RequestID, pid uint32) {
	t := time.NewTicker(killCheck)
	defer t.Stop()
	for range t.C {
		if _, ok := w.on(id); !ok {
			return
		}
		if dying(pid) {
			w.cancelIf(id)
			return
		}
	}
}

// dying says whether a thread has been killed, or can't be seen: SIGKILL is
// pending for every thread of a process that ends.
func dying(tid uint32) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil || bytes.Contains(status, []byte("\nState:\tZ")) {
		return true
	}
	for _, field := range []string{"\nSigPnd:\t", "\nShdPnd:\t"} {
		_, rest, _ := bytes.Cut(status, []byte(field))
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		pending, err := strconv.ParseUint(string(line), 16, 64)
		if err != nil || pending&(1<<(unix.SIGKILL-1)) != 0 {
			return true
		}
	}
	return false
}
