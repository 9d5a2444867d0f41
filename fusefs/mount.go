package fusefs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"bazil.org/fuse"
	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"golang.org/x/sys/unix"
)

// Options of a mount; the zero value is good.
type Options struct {
	// Root is the directory that the mountpoint shows; zero: namespace.RootID.
	Root namespace.NodeID
	// FSName is the source that mount(8) and df show. Default "cairn".
	FSName string
	// AllowOther lets other users in, as modes allow. It is so anyway for root.
	AllowOther bool
	ReadOnly   bool
	// Workers bounds the requests that are carried out at once. Default 256.
	Workers int
	// CacheFor is how long the kernel may keep names and attributes without
	// asking; changes are told at once. Default 5 minutes.
	CacheFor time.Duration
	// ReadAhead is how many bytes the kernel reads ahead of a sequential
	// reader, as far as this process may say so. Default 4 MiB.
	ReadAhead int
	Logger    *slog.Logger // default: discard
}

func (o Options) withDefaults() Options {
	if o.Root.IsZero() {
		o.Root = namespace.RootID
	}
	o.FSName = cmp.Or(o.FSName, "cairn")
	o.AllowOther = o.AllowOther || os.Geteuid() == 0
	o.Workers = cmp.Or(o.Workers, 256)
	o.CacheFor = cmp.Or(o.CacheFor, 5*time.Minute)
	o.ReadAhead = cmp.Or(o.ReadAhead, 4<<20)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// devFuse is held while descriptors of /dev/fuse come and go, so that Mount can
// tell which one is its own.
var devFuse sync.Mutex

// Mount mounts b on a directory, which must be empty. After that every access to
// the directory waits for Serve, which also unmounts. A mount that a dead process
// left there is taken away first.
func Mount(ctx context.Context, mountpoint string, b Backend, o Options) (*Server, error) {
	o = o.withDefaults()
	point, err := absolute(mountpoint)
	if err != nil {
		return nil, err
	}
	defer lockPoint(point)()
	if err := checkMountable(point, o); err != nil {
		return nil, err
	}
	s := &Server{
		backend: b, opts: o, log: o.Logger.With("mountpoint", point), point: point,
		nodes: newNodes(o.Root), stale: newInvalidator(), workers: make(map[*worker]struct{}),
	}
	if s.dog, err = startWatchdog(point); err != nil {
		return nil, mountError(point, err)
	}
	if err := s.connect(); err != nil {
		s.dog.dismiss()
		return nil, err
	}
	return s, ctx.Err()
}

// connect mounts, and finds the descriptor and the device of the connection.
func (s *Server) connect() (err error) {
	devFuse.Lock()
	defer devFuse.Unlock()
	before, err := fuseDescriptors()
	if err != nil {
		return mountError(s.point, err)
	}
	if s.conn, err = fuse.Mount(s.point, s.opts.forLibrary()...); err != nil {
		return mountError(s.point, err)
	}
	if s.fd, err = newDescriptor(before); err == nil {
		s.device, err = mountedDevice(s.point)
	}
	if err != nil {
		err = errors.Join(mountError(s.point, err), detach(s.point, true), s.conn.Close())
		return err
	}
	s.device.setReadAhead(s.opts.ReadAhead)
	return nil
}

// forLibrary is what the library and the kernel are asked for.
func (o Options) forLibrary() []fuse.MountOption {
	list := []fuse.MountOption{
		fuse.FSName(o.FSName), fuse.Subtype(subtype), fuse.DefaultPermissions(),
		fuse.MaxReadahead(1 << 20), // without it the kernel reads single pages
		fuse.AsyncRead(),
		fuse.CacheSymlinks(),  // the target of a node never changes
		fuse.HandleKillPriv(), // without it every write asks for security.capability
		fuse.MaxBackground(64), fuse.CongestionThreshold(48),
	}
	if o.AllowOther {
		list = append(list, fuse.AllowOther())
	}
	if o.ReadOnly {
		list = append(list, fuse.ReadOnly())
	}
	return list
}

// fuseDescriptors lists the process's open descriptors of /dev/fuse.
func fuseDescriptors() (map[int]bool, error) {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	found := make(map[int]bool)
	for _, e := range names {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		var fd int
		if _, bad := fmt.Sscan(e.Name(), &fd); err == nil && bad == nil && target == "/dev/fuse" {
			found[fd] = true
		}
	}
	return found, nil
}

// newDescriptor is the one that was not there before.
func newDescriptor(before map[int]bool) (int, error) {
	now, err := fuseDescriptors()
	if err != nil {
		return 0, err
	}
	for fd := range now {
		if !before[fd] {
			return fd, nil
		}
	}
	return 0, errors.New("the descriptor of /dev/fuse was not found")
}

func mountError(point string, err error) error {
	return blockstore.E("mount", point, blockstore.Other, err)
}

// absolute resolves a mountpoint's path without touching what is mounted there.
func absolute(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", mountError(path, err)
	}
	whole, err := filepath.EvalSymlinks(path)
	if err == nil {
		return whole, nil
	}
	if parent, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(parent, filepath.Base(path)), nil
	}
	return path, nil
}

// checkMountable refuses what can't work, and says what to do about it.
func checkMountable(point string, o Options) error {
	refuse := func(k blockstore.Kind, format string, args ...any) error {
		return blockstore.E("mount", point, k, fmt.Errorf(format, args...))
	}
	if err := clearDead(point); err != nil {
		return err
	}
	if _, err := exec.LookPath("fusermount3"); err != nil {
		return refuse(blockstore.Unavailable, "fusermount3 is not installed: install package fuse3")
	}
	switch err := unix.Access("/dev/fuse", unix.R_OK|unix.W_OK); {
	case errors.Is(err, fs.ErrNotExist):
		return refuse(blockstore.Unavailable, "there is no /dev/fuse: run modprobe fuse, or give the container --device /dev/fuse")
	case err != nil:
		return refuse(blockstore.Permission, "/dev/fuse can't be opened: %w", err)
	}
	if t, ok := mountAt(point); ok && strings.HasPrefix(t.fstype, "fuse") {
		return refuse(blockstore.Busy, "something is mounted there already: unmount it first, or choose another directory")
	}
	if o.AllowOther && os.Geteuid() != 0 && !othersAllowed() {
		return refuse(blockstore.Permission, "allow_other needs the line user_allow_other in /etc/fuse.conf")
	}
	return checkDirectory(point, refuse)
}

// checkDirectory refuses anything but an empty directory that one may mount on.
func checkDirectory(point string, refuse func(blockstore.Kind, string, ...any) error) error {
	d, err := os.OpenFile(point, os.O_RDONLY|unix.O_DIRECTORY, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refuse(blockstore.NotFound, "make the directory first: mkdir -p %s", point)
	case errors.Is(err, unix.ENOTDIR):
		return refuse(blockstore.NotDirectory, "choose a directory")
	case err != nil:
		return mountError(point, err)
	}
	defer d.Close()
	if names, err := d.Readdirnames(1); !errors.Is(err, io.EOF) {
		return refuse(blockstore.NotEmpty, "what is in it (%s) would be hidden: choose an empty directory", strings.Join(names, ""))
	}
	if unix.Access(point, unix.W_OK) != nil {
		return refuse(blockstore.Permission, "the directory is not yours to write: choose another or chown it")
	}
	return nil
}

// othersAllowed says whether fusermount3 lets users share their mounts.
func othersAllowed() bool {
	conf, _ := os.ReadFile("/etc/fuse.conf")
	for line := range strings.Lines(string(conf)) {
		if strings.TrimSpace(line) == "user_allow_other" {
			return true
		}
	}
	return false
}
