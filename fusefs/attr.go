package fusefs

import (
	"bytes"
	"strings"
	"time"

	"bazil.org/fuse"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"golang.org/x/sys/unix"
)

// getattr asks the handle if there is one: its node may have no name.
func (w *worker) getattr(r *fuse.GetattrRequest) error {
	n, err := w.node(r.Node)
	if err != nil {
		return err
	}
	var a namespace.Attr
	if h := w.openFile(r.Flags&fuse.GetattrFh != 0, r.Handle); h != nil {
		a, err = h.file.Attr(w.ctx)
	} else {
		a, err = w.s.backend.Attr(w.ctx, n.id)
	}
	if err != nil {
		return err
	}
	w.attr(n, &a)
	return nil
}

// openFile is the handle that a request names, if it does.
func (w *worker) openFile(named bool, num fuse.HandleID) *handle {
	if !named {
		return nil
	}
	h, _ := w.s.handles.file(uint64(num))
	return h
}

func (w *worker) setattr(r *fuse.SetattrRequest) error {
	n, err := w.node(r.Node)
	if err != nil {
		return err
	}
	set := attrChange(r)
	if set.Size != nil && *set.Size < 0 {
		return unix.EFBIG
	}
	if h := w.openFile(r.Valid.Handle(), r.Handle); h != nil && h.write && set.Size != nil {
		// Part of what the handle writes: open(O_TRUNC), write, close becomes
		// visible to other doors as one change.
		if err := w.truncate(h, *set.Size, set.KeepPriv); err != nil {
			return err
		}
		set.Size = nil
	}
	a, err := w.s.backend.SetAttr(w.ctx, n.id, set)
	if err != nil {
		return err
	}
	w.attr(n, &a)
	return nil
}

func (w *worker) truncate(h *handle, size int64, keepPriv bool) error {
	if !keepPriv {
		if err := w.clearPrivileges(h.node); err != nil {
			return err
		}
	}
	return h.file.Truncate(w.ctx, size)
}

// attrChange is what a request changes. A change of owner always clears setuid
// and setgid; a change of size only where the kernel says that the caller may
// not keep them.
func attrChange(r *fuse.SetattrRequest) namespace.SetAttr {
	var s namespace.SetAttr
	v := r.Valid
	if v.Mode() {
		m := modeBits(r.Mode)
		s.Mode = &m
	}
	if v.Uid() {
		s.UID = &r.Uid
	}
	if v.Gid() {
		s.GID = &r.Gid
	}
	if v.Size() {
		size := int64(r.Size)
		s.Size = &size
		s.KeepPriv = !v.SetattrKillSUIDGID()
	}
	s.Atime = setTime(v.Atime(), v.AtimeNow(), r.Atime)
	s.Mtime = setTime(v.Mtime(), v.MtimeNow(), r.Mtime)
	return s
}

func setTime(valid, now bool, t time.Time) *namespace.Time {
	switch {
	case now:
		at := namespace.Now()
		return &at
	case valid:
		at := namespace.TimeOf(t)
		return &at
	}
	return nil
}

// clearPrivileges takes setuid and setgid from a file that is written to by
// someone who may not keep them. Setgid without group execution means
// something else and stays.
func (w *worker) clearPrivileges(n *node) error {
	if !n.hasPrivileges() {
		return nil
	}
	a, err := w.s.backend.Attr(w.ctx, n.id)
	if err != nil {
		return err
	}
	mode := a.Mode &^ unix.S_ISUID
	if mode&unix.S_IXGRP != 0 {
		mode &^= unix.S_ISGID
	}
	if mode != a.Mode {
		if a, err = w.s.backend.SetAttr(w.ctx, n.id, namespace.SetAttr{Mode: &mode}); err != nil {
			return err
		}
		w.s.stale.add(place{num: n.num}, attrOnly)
	}
	n.sawMode(a.Mode)
	return nil
}

func (w *worker) statfs(r *fuse.StatfsRequest) error {
	n, err := w.node(r.Node)
	if err != nil {
		return err
	}
	u, err := w.s.backend.Usage(w.ctx, n.id)
	w.out = appendStatfs(w.out, &u)
	return err
}

// aclPrefix begins the attributes of POSIX ACLs, which would promise checks that
// nobody makes.
const aclPrefix = "system.posix_acl_"

func (w *worker) getxattr(r *fuse.GetxattrRequest) error {
	if strings.HasPrefix(r.Name, aclPrefix) {
		return unix.EOPNOTSUPP
	}
	n, err := w.node(r.Node)
	if err != nil {
		return err
	}
	value, err := w.s.backend.GetXattr(w.ctx, n.id, r.Name)
	if err != nil {
		return err
	}
	return w.sized(value, int(r.Size))
}

func (w *worker) listxattr(r *fuse.ListxattrRequest) error {
	n, err := w.node(r.Node)
	if err != nil {
		return err
	}
	names, err := w.s.backend.ListXattr(w.ctx, n.id)
	if err != nil {
		return err
	}
	var list bytes.Buffer
	for _, name := range names {
		list.WriteString(name)
		list.WriteByte(0)
	}
	return w.sized(list.Bytes(), int(r.Size))
}

// sized replies with b if there is room for it, or with its size if room is 0.
func (w *worker) sized(b []byte, room int) error {
	switch {
	case room == 0:
		w.out = appendSize(w.out, len(b))
	case len(b) > room:
		return unix.ERANGE
	default:
		w.out = append(w.out, b...)
	}
	return nil
}

func (w *worker) setxattr(r *fuse.SetxattrRequest) error {
	if strings.HasPrefix(r.Name, aclPrefix) {
		return unix.EOPNOTSUPP
	}
	n, err := w.node(r.Node)
	if err != nil {
		return err
	}
	// The library hands out its own buffer, and the value is kept.
	value := append([]byte{}, r.Xattr...)
	create, replace := r.Flags&unix.XATTR_CREATE != 0, r.Flags&unix.XATTR_REPLACE != 0
	return w.s.backend.SetXattr(w.ctx, n.id, r.Name, value, create, replace)
}

func (w *worker) removexattr(r *fuse.RemovexattrRequest) error {
	if strings.HasPrefix(r.Name, aclPrefix) {
		return unix.EOPNOTSUPP
	}
	n, err := w.node(r.Node)
	if err != nil {
		return err
	}
	return w.s.backend.RemoveXattr(w.ctx, n.id, r.Name)
}
