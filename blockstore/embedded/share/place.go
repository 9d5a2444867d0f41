package share

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cairnfs/cairn/blockstore"
)

// maxAddress is the longest path of a socket (unix(7): sun_path).
const maxAddress = 107

// address is where the owner of the store in dir listens. The name of a socket comes
// from the real path of the store, so that an owner finds what one before it left.
func address(runtime, dir string) (string, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("cairn-%x.sock", sha256.Sum256([]byte(real)))[:len("cairn-")+16] + ".sock"
	if runtime != "" {
		return filepath.Join(runtime, name), nil
	}
	at, err := runtimeDir(len(name))
	return filepath.Join(at, name), err
}

// runtimeDir is a directory of this user alone that lives as long as the machine: the
// one of the XDG base directory specification, or else one below /tmp.
func runtimeDir(name int) (string, error) {
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), fmt.Sprintf("/run/user/%d", os.Getuid())} {
		if filepath.IsAbs(dir) && len(dir)+1+name <= maxAddress && checkOurs(dir) == nil {
			return dir, nil
		}
	}
	dir := fmt.Sprintf("/tmp/cairn-%d", os.Getuid())
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return dir, checkOurs(dir)
}

// checkOurs refuses a directory that somebody else owns or may enter.
func checkOurs(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		return blockstore.E("use runtime directory", dir, blockstore.Permission,
			fmt.Errorf("it must be a directory of user %d alone", os.Geteuid()))
	}
	return nil
}

// listen takes the place of an owner before us. The caller has the lock of the store.
func listen(at string) (*net.UnixListener, error) {
	if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(at, 0o600)
}
