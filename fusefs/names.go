package fusefs

import (
	"os"

	"bazil.org/fuse"
	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"golang.org/x/sys/unix"
)

func (w *worker) lookup(r *fuse.LookupRequest) error {
	dir, err := w.node(r.Node)
	if err != nil {
		return err
	}
	a, err := w.s.backend.Lookup(w.ctx, dir.id, r.Name)
	if err != nil && errnoOf(err) == unix.ENOENT {
		// Node 0 lets the kernel keep that there is no such name.
		w.out = appendEntry(w.out, 0, 0, w.s.opts.CacheFor, &namespace.Attr{})
		return nil
	}
	if err != nil {
		return err
	}
	w.entry(&a, r.Node, r.Name)
	return nil
}

func (w *worker) create(r *fuse.CreateRequest) error {
	dir, err := w.node(r.Node)
	if err != nil {
		return err
	}
	n := newNode(&r.Header, r.Mode)
	n.Kind = namespace.File
	f, a, err := w.s.backend.Create(w.ctx, dir.id, r.Name, n, openFlags(r.Flags))
	if err != nil {
		return err
	}
	h := &handle{file: f, write: !r.Flags.IsReadOnly()}
	h.node = w.entry(&a, r.Node, r.Name)
	w.out = appendOpen(w.out, w.s.handles.put(h), h.openReply())
	return nil
}

func (w *worker) mkdir(r *fuse.MkdirRequest) error {
	return w.make(&r.Header, r.Name, newNode(&r.Header, r.Mode))
}

func (w *worker) mknod(r *fuse.MknodRequest) error {
	n := newNode(&r.Header, r.Mode)
	n.Rdev = r.Rdev
	return w.make(&r.Header, r.Name, n)
}

func (w *worker) symlink(r *fuse.SymlinkRequest) error {
	n := newNode(&r.Header, os.ModeSymlink|os.ModePerm)
	n.Target = r.Target
	return w.make(&r.Header, r.NewName, n)
}

// newNode is what a request wants made; the kernel has applied the umask.
func newNode(h *fuse.Header, mode os.FileMode) namespace.NewNode {
	return namespace.NewNode{Kind: kindOf(mode), Mode: modeBits(mode), UID: h.Uid, GID: h.Gid}
}

func (w *worker) make(h *fuse.Header, name string, n namespace.NewNode) error {
	dir, err := w.node(h.Node)
	if err != nil {
		return err
	}
	a, err := w.s.backend.Make(w.ctx, dir.id, name, n)
	if err != nil {
		return err
	}
	w.entry(&a, h.Node, name)
	return nil
}

func (w *worker) link(r *fuse.LinkRequest) error {
	dir, err := w.node(r.Node)
	if err != nil {
		return err
	}
	old, err := w.node(r.OldNode)
	if err != nil {
		return err
	}
	a, err := w.s.backend.Link(w.ctx, old.id, dir.id, r.NewName)
	if err != nil {
		return err
	}
	w.entry(&a, r.Node, r.NewName)
	return nil
}

func (w *worker) remove(r *fuse.RemoveRequest) error {
	dir, err := w.node(r.Node)
	if err != nil {
		return err
	}
	if r.Dir {
		return w.s.backend.Rmdir(w.ctx, dir.id, r.Name)
	}
	return w.s.backend.Unlink(w.ctx, dir.id, r.Name)
}

func (w *worker) rename(r *fuse.RenameRequest) error {
	from, err := w.node(r.Node)
	if err != nil {
		return err
	}
	to, err := w.node(r.NewDir)
	if err != nil {
		return err
	}
	return w.s.backend.Rename(w.ctx, from.id, r.OldName, to.id, r.NewName)
}

func (w *worker) readlink(r *fuse.ReadlinkRequest) error {
	n, err := w.node(r.Node)
	if err != nil {
		return err
	}
	target, err := w.s.backend.Readlink(w.ctx, n.id)
	w.out = append(w.out, target...)
	return err
}

func (w *worker) opendir(r *fuse.OpenRequest) error {
	n, err := w.node(r.Node)
	if err != nil {
		return err
	}
	d, err := w.s.backend.OpenDir(w.ctx, n.id)
	if err != nil {
		return err
	}
	w.out = appendOpen(w.out, w.s.handles.put(&handle{node: n, dir: d}), 0)
	return nil
}

// readdir fills the reply with entries, as many as fit. An error after the
// first ones comes with the next request, which begins where this one ended.
func (w *worker) readdir(r *fuse.ReadRequest) error {
	h, err := w.s.handles.dir(uint64(r.Handle))
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	limit := headerSize + r.Size
	err = h.dir.Read(w.ctx, uint64(r.Offset), func(e namespace.Entry, next uint64) bool {
		if len(w.out)+direntSize(e.Name) > limit {
			return false
		}
		w.out = appendDirent(w.out, &e, next)
		return true
	})
	if len(w.out) > headerSize && blockstore.KindOf(err) != blockstore.Canceled {
		return nil
	}
	return err
}
