package fusefs

import (
	"fmt"

	"bazil.org/fuse"
	"golang.org/x/sys/unix"
)

// dispatch carries out one request. What is not in the list the kernel gets
// ENOSYS for, and does without: access (it checks modes itself), poll, ioctl,
// lseek, copy_file_range, rename2 with flags, remote locks.
func (w *worker) dispatch(r fuse.Request) error {
	if w.s.abandoned.Load() {
		return unix.ENOTCONN
	}
	err := w.handle(r)
	if err != nil && errnoOf(err) == unix.EIO {
		w.s.log.Error("request failed", "request", fmt.Sprintf("%T", r), "on", w.s.describe(r), "err", err)
	}
	return err
}

func (w *worker) handle(r fuse.Request) error {
	switch r := r.(type) {
	case *fuse.LookupRequest:
		return w.lookup(r)
	case *fuse.GetattrRequest:
		return w.getattr(r)
	case *fuse.ReadRequest:
		if r.Dir {
			return w.readdir(r)
		}
		return w.read(r)
	case *fuse.WriteRequest:
		return w.write(r)
	case *fuse.OpenRequest:
		if r.Dir {
			return w.opendir(r)
		}
		return w.open(r)
	case *fuse.ReleaseRequest:
		return w.release(r)
	case *fuse.FlushRequest:
		return w.flush(r)
	case *fuse.FsyncRequest:
		return w.fsync(r)
	case *fuse.FAllocateRequest:
		return w.fallocate(r)
	case *fuse.SetattrRequest:
		return w.setattr(r)
	case *fuse.StatfsRequest:
		return w.statfs(r)
	}
	return w.handleNames(r)
}

// handleNames carries out the requests about names and extended attributes.
func (w *worker) handleNames(r fuse.Request) error {
	switch r := r.(type) {
	case *fuse.CreateRequest:
		return w.create(r)
	case *fuse.MkdirRequest:
		return w.mkdir(r)
	case *fuse.MknodRequest:
		return w.mknod(r)
	case *fuse.SymlinkRequest:
		return w.symlink(r)
	case *fuse.LinkRequest:
		return w.link(r)
	case *fuse.RemoveRequest:
		return w.remove(r)
	case *fuse.RenameRequest:
		return w.rename(r)
	case *fuse.ReadlinkRequest:
		return w.readlink(r)
	case *fuse.GetxattrRequest:
		return w.getxattr(r)
	case *fuse.ListxattrRequest:
		return w.listxattr(r)
	case *fuse.SetxattrRequest:
		return w.setxattr(r)
	case *fuse.RemovexattrRequest:
		return w.removexattr(r)
	case *fuse.DestroyRequest:
		return nil
	}
	return unix.ENOSYS
}

// describe names the node of a request for the log.
func (s *Server) describe(r fuse.Request) string {
	n, err := s.nodes.get(uint64(r.Hdr().Node))
	if err != nil {
		return "unknown node"
	}
	s.nodes.mu.RLock()
	defer s.nodes.mu.RUnlock()
	return fmt.Sprintf("%s (last seen as %q)", n.id, n.name)
}
