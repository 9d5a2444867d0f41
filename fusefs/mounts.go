package fusefs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cairnfs/cairn/blockstore"
	"golang.org/x/sys/unix"
)

// subtype makes our mounts known: their type is fuse.cairn.
const subtype = "cairn"

// mounted is one line of the kernel's table of mounts.
type mounted struct {
	device device
	point  string
	fstype string
	source string
}

// mountAt finds what is mounted on a directory, the topmost if there are many.
func mountAt(point string) (mounted, bool) {
	table, _ := os.ReadFile("/proc/self/mountinfo")
	var top mounted
	found := false
	for line := range strings.Lines(string(table)) {
		if m, ok := parseMount(line); ok && m.point == point {
			top, found = m, true
		}
	}
	return top, found
}

// parseMount reads a line of mountinfo; see proc_pid_mountinfo(5).
func parseMount(line string) (mounted, bool) {
	before, after, _ := strings.Cut(line, " - ")
	fields, types := strings.Fields(before), strings.Fields(after)
	if len(fields) < 5 || len(types) < 2 {
		return mounted{}, false
	}
	return mounted{
		device: device(fields[2]), point: unescape(fields[4]), fstype: types[0], source: unescape(types[1]),
	}, true
}

// Source finds the mount that an absolute path is on, whether or not the path is
// there: its source (Options.FSName) and the path below it. false: it is on no
// mount of ours.
func Source(path string) (source, below string, ok bool) {
	path = filepath.Clean(path)
	for point := path; ; point = filepath.Dir(point) {
		if m, found := mountAt(point); found {
			return m.source, strings.TrimPrefix(path[len(point):], "/"), m.isOurs()
		}
		if point == "/" {
			return "", "", false
		}
	}
}

// unescape decodes the \ooo that stand for white space and backslashes.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// isOurs says whether it is a mount of this package, of any process.
func (m mounted) isOurs() bool { return m.fstype == "fuse."+subtype }

// mountedDevice is the device of our mount on a directory.
func mountedDevice(point string) (device, error) {
	m, ok := mountAt(point)
	if !ok || !m.isOurs() {
		return "", errors.New("the mount is not in /proc/self/mountinfo")
	}
	return m.device, nil
}

// mountedFrom says whether that very mount is still there.
func mountedFrom(point string, d device) bool {
	m, ok := mountAt(point)
	return ok && m.device == d && m.isOurs()
}

// lockPoint keeps others from mounting on a directory, and from clearing away
// what is dead there, until unlock is called: else whoever saw a dead mount could
// take away the new one that somebody put in its place. What is locked is the
// parent directory. If that can't be done soon it goes on without.
func lockPoint(point string) (unlock func()) {
	dir, err := os.Open(filepath.Dir(point))
	if err != nil {
		return func() {}
	}
	for range 100 {
		if unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			break
		}
		time.Sleep(deadTime / 50)
	}
	return func() { _ = dir.Close() }
}

// deadTime is how long a mount may take to say that it lives. A process that was
// killed may need a moment to let go of its connection.
const deadTime = 2 * time.Second

// clearDead unmounts what a process that no longer runs left on a directory.
func clearDead(point string) error {
	m, ok := mountAt(point)
	if !ok || !m.isOurs() || !dead(point) {
		return nil
	}
	if err := detach(point, true); err != nil && mountedFrom(point, m.device) {
		return err
	}
	return nil
}

// dead says whether nobody serves a mount. It asks with statfs, the one call
// that the kernel never answers by itself.
func dead(point string) bool {
	answer := make(chan error, 1)
	go func() {
		var st unix.Statfs_t
		answer <- unix.Statfs(point, &st)
	}()
	select {
	case err := <-answer:
		return errors.Is(err, unix.ENOTCONN) || errors.Is(err, unix.ECONNABORTED)
	case <-time.After(deadTime):
		return false // somebody is slow
	}
}

// Unmount unmounts what Mount mounted, also in another process, which then ends
// its Serve. It fails with Busy while programs use it.
func Unmount(mountpoint string) error { return unmount(mountpoint, false) }

// UnmountLazily unmounts even if programs use it: they go on with what they have
// open, and it ends with the last of them.
func UnmountLazily(mountpoint string) error { return unmount(mountpoint, true) }

func unmount(mountpoint string, lazy bool) error {
	point, err := absolute(mountpoint)
	if err != nil {
		return err
	}
	m, ok := mountAt(point)
	if !ok || !m.isOurs() {
		return blockstore.E("unmount", point, blockstore.NotFound, errors.New("no cairn is mounted there"))
	}
	return detach(point, lazy || dead(point))
}

// detach takes a mount away, with root's own means or with those of users.
func detach(point string, lazy bool) error {
	flags, args := unix.UMOUNT_NOFOLLOW, []string{"-u"}
	if lazy {
		flags, args = flags|unix.MNT_DETACH, append(args, "-z")
	}
	switch err := unix.Unmount(point, flags); {
	case err == nil:
		return nil
	case errors.Is(err, unix.EBUSY):
		return blockstore.E("unmount", point, blockstore.Busy, errors.New("programs use it: end them first"))
	case !errors.Is(err, unix.EPERM):
		return blockstore.E("unmount", point, blockstore.Other, err)
	}
	out, err := exec.Command("fusermount3", append(args, "--", point)...).CombinedOutput()
	switch {
	case err == nil:
		return nil
	case bytes.Contains(out, []byte("busy")):
		return blockstore.E("unmount", point, blockstore.Busy, errors.New("programs use it: end them first"))
	}
	return blockstore.E("unmount", point, blockstore.Other, fmt.Errorf("%w: %s", err, bytes.TrimSpace(out)))
}

// syncMount writes what programs changed through shared mappings, as far as
// that can be done soon.
func syncMount(point string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		d, err := os.Open(point)
		if err != nil {
			return
		}
		_ = unix.Syncfs(int(d.Fd()))
		_ = d.Close()
	}()
	waitFor(done, deadTime)
}
