package ceiling

import (
	"context"
	"maps"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/fusefs"
)

// file is an open file: a fusefs.Handle.
type file struct {
	door  *Door
	node  *node
	flags namespace.OpenFlags
}

// Open implements fusefs.Backend.
func (d *Door) Open(_ context.Context, id namespace.NodeID, flags namespace.OpenFlags) (fusefs.Handle, error) {
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	n := d.fs.nodes[id]
	switch {
	case n == nil:
		return nil, blockstore.Stale
	case n.kind == namespace.Dir:
		return nil, blockstore.IsDirectory
	}
	n.opened++
	if flags&namespace.OpenTruncate != 0 {
		n.mu.Lock()
		n.set(namespace.SetAttr{Size: new(int64), KeepPriv: true})
		n.mu.Unlock()
	}
	return &file{door: d, node: n, flags: flags}, nil
}

func (f *file) Attr(context.Context) (namespace.Attr, error) { return f.node.stat(), nil }

func (f *file) Read(_ context.Context, off int64, n int) ([][]byte, error) {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	left := f.node.attr.Size - off
	if left <= 0 {
		return nil, nil
	}
	return f.node.content.read(off, int(min(int64(n), left))), nil
}

func (f *file) WriteAt(_ context.Context, p []byte, off int64) (int, error) {
	if off > namespace.MaxSize-int64(len(p)) {
		return 0, blockstore.TooLarge
	}
	f.node.mu.Lock()
	a := &f.node.attr
	if f.flags&namespace.OpenAppend != 0 {
		off = a.Size
	}
	f.node.content.write(p, off)
	a.Size = max(a.Size, off+int64(len(p)))
	a.Stored = f.node.content.stored
	a.Mtime = namespace.Now()
	a.Ctime = a.Mtime
	f.node.mu.Unlock()
	f.door.tell(namespace.Hint{Node: f.node.id})
	return len(p), nil
}

func (f *file) Truncate(_ context.Context, size int64) error {
	if size > namespace.MaxSize {
		return blockstore.TooLarge
	}
	f.node.mu.Lock()
	f.node.set(namespace.SetAttr{Size: &size, KeepPriv: f.flags&namespace.OpenKeepPriv != 0})
	f.node.mu.Unlock()
	f.door.tell(namespace.Hint{Node: f.node.id})
	return nil
}

func (f *file) Allocate(_ context.Context, off, length int64, mode namespace.AllocateMode) error {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	a := &f.node.attr
	if mode&(namespace.AllocatePunchHole|namespace.AllocateZeroRange) != 0 {
		f.node.content.zero(off, length)
	}
	if mode&namespace.AllocateKeepSize == 0 {
		a.Size = max(a.Size, off+length)
	}
	a.Mtime = namespace.Now()
	a.Ctime = a.Mtime
	return nil
}

func (f *file) Flush(context.Context) error { return nil }

func (f *file) Sync(context.Context) error { return nil }

// Close lets go of a node; the last handle of one without a name removes it.
func (f *file) Close(context.Context) error {
	fs := f.door.fs
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.node.opened--
	if f.node.opened == 0 && f.node.stat().Links == 0 {
		delete(fs.nodes, f.node.id)
	}
	return nil
}

// listing is an open directory: a fusefs.DirHandle. Cookies are ordinals in the
// names as they were when cookie 0 was read.
type listing struct {
	door  *Door
	dir   *node
	names []namespace.Entry
}

// OpenDir implements fusefs.Backend.
func (d *Door) OpenDir(_ context.Context, id namespace.NodeID) (fusefs.DirHandle, error) {
	d.fs.mu.RLock()
	defer d.fs.mu.RUnlock()
	n, err := d.fs.dir(id)
	if err != nil {
		return nil, err
	}
	return &listing{door: d, dir: n}, nil
}

func (l *listing) Read(_ context.Context, cookie uint64, emit func(namespace.Entry, uint64) bool) error {
	if cookie == 0 {
		l.names = l.list()
	}
	for ; cookie < uint64(len(l.names)); cookie++ {
		if !emit(l.names[cookie], cookie+1) {
			return nil
		}
	}
	return nil
}

func (l *listing) list() []namespace.Entry {
	l.door.fs.mu.RLock()
	defer l.door.fs.mu.RUnlock()
	names := []namespace.Entry{
		{Name: ".", ID: l.dir.id, Kind: namespace.Dir},
		{Name: "..", ID: l.dir.parent.id, Kind: namespace.Dir},
	}
	for _, name := range slices.Sorted(maps.Keys(l.dir.entries)) {
		n := l.dir.entries[name]
		names = append(names, namespace.Entry{Name: name, ID: n.id, Kind: n.kind})
	}
	return names
}

func (l *listing) Close() {}
