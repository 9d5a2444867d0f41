package namespace

import (
	"context"
)

// OpenFile is a handle of a file. It belongs to the node, not to the name: it
// goes on when the name is removed or leads elsewhere. Its methods may be
// called concurrently.
type OpenFile struct {
	node  *liveNode
	flags OpenFlags
}

// AllocateMode says what Allocate does, as the flags of fallocate(2).
type AllocateMode uint8

// The modes; none of them: make sure that the size is at least off+length.
const (
	AllocateKeepSize AllocateMode = 1 << iota
	AllocatePunchHole
	AllocateZeroRange
)

// Open opens a file: IsDirectory for a directory, Invalid for what is neither,
// Stale if it is gone.
func (d *Door) Open(ctx context.Context, id NodeID, flags OpenFlags) (*OpenFile, error) {
	n, err := d.acquire(ctx, id)
	if err != nil {
		return nil, err
	}
	f := &OpenFile{node: n, flags: flags}
	if flags&(OpenWrite|OpenAppend|OpenTruncate) != 0 {
		n.mu.Lock()
		n.opened = true
		n.mu.Unlock()
	}
	if flags&OpenTruncate != 0 {
		if err := f.Truncate(ctx, 0); err != nil {
			f.Close(ctx)
			return nil, err
		}
	}
	return f, nil
}

// ID is the node.
func (f *OpenFile) ID() NodeID { return f.node.id }

// Flags are those it was opened with.
func (f *OpenFile) Flags() OpenFlags { return f.flags }

// WriteAt writes all of p at off, or with OpenAppend at the end. p is copied.
func (f *OpenFile) WriteAt(ctx context.Context, p []byte, off int64) (int, error) {
	return f.node.write(ctx, p, off, f.flags)
}

// Truncate sets the size of the file.
func (f *OpenFile) Truncate(ctx context.Context, size int64) error {
	return f.node.truncate(ctx, size, f.flags&OpenKeepPriv != 0)
}

// Allocate is fallocate(2) with the given mode: space itself is not set aside.
func (f *OpenFile) Allocate(ctx context.Context, off, length int64, mode AllocateMode) error {
	return f.node.allocate(ctx, off, length, mode)
}

// Attr is the file's attributes with all that was written through this door.
func (f *OpenFile) Attr(ctx context.Context) (Attr, error) { return f.node.attr(ctx) }

// Flush commits what is dirty in the node, lazily: POSIX close().
func (f *OpenFile) Flush(ctx context.Context) error {
	return f.node.flush(ctx, flushAll)
}

// Sync commits what is dirty durably: POSIX fsync().
func (f *OpenFile) Sync(ctx context.Context) error {
	if err := f.node.flush(ctx, flushAll); err != nil {
		return err
	}
	return f.node.d.v.store.Sync(ctx)
}

// Close ends the handle. It commits what is dirty, and the last handle of a
// node without a name retires the node. Nothing may be called after it.
func (f *OpenFile) Close(ctx context.Context) error { return f.node.let(ctx) }

// truncate is truncate(2): without a handle.
func (d *Door) truncate(ctx context.Context, id NodeID, size int64, keepPriv bool) error {
	flags := OpenWrite
	if keepPriv {
		flags |= OpenKeepPriv
	}
	f, err := d.Open(ctx, id, flags)
	if err != nil {
		return err
	}
	err = f.Truncate(ctx, size)
	if cerr := f.Close(ctx); err == nil {
		err = cerr
	}
	return err
}
