package embedded

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// fault gives an error of the system or of Pebble its kind.
func fault(op, name string, err error) error {
	return blockstore.E(op, name, kindOf(err), err)
}

func kindOf(err error) blockstore.Kind {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return blockstore.NoSpace
	case errors.Is(err, syscall.EFBIG):
		return blockstore.TooLarge
	case errors.Is(err, syscall.EROFS):
		return blockstore.ReadOnly
	case errors.Is(err, fs.ErrPermission):
		return blockstore.Permission
	case pebble.IsCorruptionError(err):
		return blockstore.Corrupt
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return blockstore.Canceled
	}
	return blockstore.Other
}

// health remembers the first failure after which nothing may be written any
// more: a log, manifest or segment that could not be written or synced. The
// state on disk is then still right, and the next Open finds it; what is in
// memory is not known to be. Reads go on.
type health struct {
	log    *slog.Logger
	failed chan struct{} // closed by the first failure

	mu  sync.Mutex
	err error
}

func newHealth(log *slog.Logger) *health {
	return &health{log: log, failed: make(chan struct{})}
}

func (h *health) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return
	}
	h.err = err
	close(h.failed)
	h.log.Error("the store can't be written any more; restart to recover", "error", err.Error())
}

// frozen says whether there was a failure.
func (h *health) frozen() bool {
	select {
	case <-h.failed:
		return true
	default:
		return false
	}
}

// check returns the failure as an error of the operation. Whoever acknowledges
// anything that was to be written asks it last.
func (h *health) check(op, name string) error {
	if !h.frozen() {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return blockstore.E(op, name, blockstore.Unavailable, h.err)
}
