package fusefs

import (
	"bazil.org/fuse"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"golang.org/x/sys/unix"
)

// Flags of an open reply.
const (
	keepCache = 1 << 1 // FOPEN_KEEP_CACHE
	// noFlush (FOPEN_NOFLUSH, which the library does not know) saves a request at the
	// close of a file that was only read. Older kernels ignore it.
	noFlush = 1 << 5
)

// openReply says what the kernel may do with an open file. Its cached content
// stays good from one open to the next unless another door changed it: such
// pages are on their way out, but may not be gone yet.
func (h *handle) openReply() uint32 {
	var flags uint32
	if !h.node.changed.Swap(false) {
		flags |= keepCache
	}
	if !h.write {
		flags |= noFlush
	}
	return flags
}

// openFlags translates the flags of open(2).
func openFlags(f fuse.OpenFlags) namespace.OpenFlags {
	var to namespace.OpenFlags
	if !f.IsWriteOnly() {
		to |= namespace.OpenRead
	}
	if !f.IsReadOnly() {
		// The kernel says of each write whether it may leave setuid.
		to |= namespace.OpenWrite | namespace.OpenKeepPriv
	}
	if f&fuse.OpenAppend != 0 {
		to |= namespace.OpenAppend
	}
	if f&fuse.OpenTruncate != 0 {
		to |= namespace.OpenTruncate
	}
	return to
}

func (w *worker) open(r *fuse.OpenRequest) error {
	n, err := w.node(r.Node)
	if err != nil {
		return err
	}
	h := &handle{node: n, write: !r.Flags.IsReadOnly()}
	reply := h.openReply()
	if h.file, err = w.s.backend.Open(w.ctx, n.id, openFlags(r.Flags)); err != nil {
		return err
	}
	w.out = appendOpen(w.out, w.s.handles.put(h), reply)
	return nil
}

// maxPieces bounds a reply's vector, well below the kernel's IOV_MAX.
const maxPieces = 256

// read replies with the pieces as they are shared with the cache.
func (w *worker) read(r *fuse.ReadRequest) error {
	h, err := w.s.handles.file(uint64(r.Handle))
	if err != nil {
		return err
	}
	pieces, err := h.file.Read(w.ctx, r.Offset, r.Size)
	if err != nil {
		return err
	}
	if len(pieces) <= maxPieces {
		w.pieces = append(w.pieces, pieces...)
		return nil
	}
	for _, p := range pieces {
		w.out = append(w.out, p...)
	}
	return nil
}

func (w *worker) write(r *fuse.WriteRequest) error {
	h, err := w.s.handles.file(uint64(r.Handle))
	if err != nil {
		return err
	}
	if r.Flags&fuse.WriteKillSUIDGID != 0 {
		if err := w.clearPrivileges(h.node); err != nil {
			return err
		}
	}
	n, err := h.file.WriteAt(w.ctx, r.Data, r.Offset)
	if n == 0 && err != nil {
		return err
	}
	w.out = appendSize(w.out, n)
	return nil
}

func (w *worker) flush(r *fuse.FlushRequest) error {
	h, err := w.s.handles.file(uint64(r.Handle))
	if err != nil || !h.write {
		return err
	}
	return h.file.Flush(w.ctx)
}

func (w *worker) fsync(r *fuse.FsyncRequest) error {
	if r.Dir {
		return w.s.backend.Sync(w.ctx)
	}
	h, err := w.s.handles.file(uint64(r.Handle))
	if err != nil {
		return err
	}
	return h.file.Sync(w.ctx)
}

// release ends a handle. Nobody hears of an error here, so it is logged: what
// close(2) reports was said to flush.
func (w *worker) release(r *fuse.ReleaseRequest) error {
	h, err := w.s.handles.take(uint64(r.Handle))
	if err != nil {
		return err
	}
	if err := h.close(w.ctx); err != nil {
		w.s.log.Error("closing a file failed", "node", h.node.id, "err", err)
	}
	return nil
}

func (w *worker) fallocate(r *fuse.FAllocateRequest) error {
	h, err := w.s.handles.file(uint64(r.Handle))
	if err != nil {
		return err
	}
	mode, err := allocateMode(uint32(r.Mode))
	if err != nil {
		return err
	}
	return h.file.Allocate(w.ctx, int64(r.Offset), int64(r.Length), mode)
}

func allocateMode(bits uint32) (namespace.AllocateMode, error) {
	var mode namespace.AllocateMode
	for bit, m := range map[uint32]namespace.AllocateMode{
		unix.FALLOC_FL_KEEP_SIZE:  namespace.AllocateKeepSize,
		unix.FALLOC_FL_PUNCH_HOLE: namespace.AllocatePunchHole,
		unix.FALLOC_FL_ZERO_RANGE: namespace.AllocateZeroRange,
	} {
		if bits&bit != 0 {
			mode |= m
			bits &^= bit
		}
	}
	if bits != 0 {
		return 0, unix.EOPNOTSUPP
	}
	return mode, nil
}
