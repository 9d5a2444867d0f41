package fusefs

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// device is the number of a mount, "major:minor".
type device string

// setReadAhead says how far the kernel reads ahead. Only root may; others have
// what the kernel gives them.
func (d device) setReadAhead(bytes int) {
	kib := fmt.Appendf(nil, "%d", bytes>>10)
	_ = os.WriteFile(fmt.Sprintf("/sys/class/bdi/%s/read_ahead_kb", d), kib, 0)
}

// abort ends the connection: every request of it fails, whoever waits. It works
// through the control file system, which root can have where it isn't mounted.
func (d device) abort() error {
	_, minor, _ := strings.Cut(string(d), ":")
	err := os.WriteFile("/sys/fs/fuse/connections/"+minor+"/abort", []byte("1"), 0)
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	dir, err := openControl()
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	fd, err := unix.Openat(dir, minor+"/abort", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil // gone by itself
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte("1"))
	return err
}

// openControl opens a private mount of the control file system.
func openControl() (int, error) {
	context, err := unix.Fsopen("fusectl", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(context)
	if err := unix.FsconfigCreate(context); err != nil {
		return -1, err
	}
	return unix.Fsmount(context, unix.FSMOUNT_CLOEXEC, 0)
}
