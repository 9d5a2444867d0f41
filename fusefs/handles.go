package fusefs

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sys/unix"
)

// handle is an open file or directory; one of file and dir is set.
type handle struct {
	node  *node
	file  Handle
	write bool // opened for writing

	mu  sync.Mutex // one reader of the directory at a time
	dir DirHandle
}

func (h *handle) close(ctx context.Context) error {
	if h.dir != nil {
		h.dir.Close()
		return nil
	}
	return h.file.Close(ctx)
}

// handles are those that the kernel has open.
type handles struct {
	mu    sync.RWMutex
	slots slots[handle]
}

func (t *handles) put(h *handle) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.slots.put(h)
}

// file finds an open file.
func (t *handles) file(num uint64) (*handle, error) {
	h := t.get(num)
	if h == nil || h.file == nil {
		return nil, unix.EBADF
	}
	return h, nil
}

// dir finds an open directory.
func (t *handles) dir(num uint64) (*handle, error) {
	h := t.get(num)
	if h == nil || h.dir == nil {
		return nil, unix.EBADF
	}
	return h, nil
}

func (t *handles) get(num uint64) *handle {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.slots.get(num)
}

// take removes a handle: the caller closes it.
func (t *handles) take(num uint64) (*handle, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.slots.get(num)
	if h == nil {
		return nil, unix.EBADF
	}
	t.slots.drop(num)
	return h, nil
}

// closeAll closes what the kernel left open when the connection ended.
func (t *handles) closeAll(ctx context.Context) error {
	t.mu.Lock()
	left := t.slots.all
	t.slots = slots[handle]{}
	t.mu.Unlock()
	var errs []error
	for _, h := range left {
		if h != nil {
			errs = append(errs, h.close(ctx))
		}
	}
	return errors.Join(errs...)
}
