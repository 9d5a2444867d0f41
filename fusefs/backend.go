package fusefs

import (
	"context"
	"iter"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// Backend is the file system that a mount shows. Door makes one of a
// *namespace.Door, whose methods have the contracts. All methods are called
// concurrently. Contexts are canceled when the process that asked is killed.
type Backend interface {
	Lookup(ctx context.Context, dir namespace.NodeID, name string) (namespace.Attr, error)
	Attr(ctx context.Context, id namespace.NodeID) (namespace.Attr, error)
	SetAttr(ctx context.Context, id namespace.NodeID, s namespace.SetAttr) (namespace.Attr, error)
	Make(ctx context.Context, dir namespace.NodeID, name string, n namespace.NewNode) (namespace.Attr, error)
	Create(ctx context.Context, dir namespace.NodeID, name string, n namespace.NewNode, flags namespace.OpenFlags) (Handle, namespace.Attr, error)
	Link(ctx context.Context, id, dir namespace.NodeID, name string) (namespace.Attr, error)
	Unlink(ctx context.Context, dir namespace.NodeID, name string) error
	Rmdir(ctx context.Context, dir namespace.NodeID, name string) error
	Rename(ctx context.Context, dir namespace.NodeID, name string, newDir namespace.NodeID, newName string) error
	Readlink(ctx context.Context, id namespace.NodeID) (string, error)

	GetXattr(ctx context.Context, id namespace.NodeID, name string) ([]byte, error)
	SetXattr(ctx context.Context, id namespace.NodeID, name string, value []byte, create, replace bool) error
	ListXattr(ctx context.Context, id namespace.NodeID) ([]string, error)
	RemoveXattr(ctx context.Context, id namespace.NodeID, name string) error

	Open(ctx context.Context, id namespace.NodeID, flags namespace.OpenFlags) (Handle, error)
	OpenDir(ctx context.Context, id namespace.NodeID) (DirHandle, error)
	Usage(ctx context.Context, id namespace.NodeID) (namespace.Usage, error)
	// Sync makes every change so far durable.
	Sync(ctx context.Context) error
	// Hints yields what other doors change, until ctx is done.
	Hints(ctx context.Context) iter.Seq2[namespace.Hint, error]
}

// Handle is an open file; *namespace.OpenFile is one.
type Handle interface {
	Attr(ctx context.Context) (namespace.Attr, error)
	// Read returns shared pieces that never change.
	Read(ctx context.Context, off int64, n int) ([][]byte, error)
	// WriteAt does not keep p.
	WriteAt(ctx context.Context, p []byte, off int64) (int, error)
	Truncate(ctx context.Context, size int64) error
	Allocate(ctx context.Context, off, length int64, mode namespace.AllocateMode) error
	Flush(ctx context.Context) error
	Sync(ctx context.Context) error
	Close(ctx context.Context) error
}

// DirHandle is an open directory; *namespace.DirStream is one.
type DirHandle interface {
	Read(ctx context.Context, cookie uint64, emit func(e namespace.Entry, next uint64) bool) error
	Close()
}

var (
	_ Handle    = (*namespace.OpenFile)(nil)
	_ DirHandle = (*namespace.DirStream)(nil)
	_ Backend   = door{}
)

// Door is the Backend of a namespace door.
func Door(d *namespace.Door) Backend { return door{d} }

// door turns the concrete results of a namespace.Door into interfaces.
type door struct{ *namespace.Door }

func (d door) Create(ctx context.Context, dir namespace.NodeID, name string, n namespace.NewNode, flags namespace.OpenFlags) (Handle, namespace.Attr, error) {
	f, a, err := d.Door.Create(ctx, dir, name, n, flags)
	if err != nil {
		return nil, namespace.Attr{}, err
	}
	return f, a, nil
}

func (d door) Open(ctx context.Context, id namespace.NodeID, flags namespace.OpenFlags) (Handle, error) {
	f, err := d.Door.Open(ctx, id, flags)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d door) OpenDir(ctx context.Context, id namespace.NodeID) (DirHandle, error) {
	s, err := d.Door.OpenDir(ctx, id)
	if err != nil {
		return nil, err
	}
	return s, nil
}
