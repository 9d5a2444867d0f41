package embedded

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
)

// sessionsName is the directory with one file for each session at work on the store,
// locked by its process: when that ends, however it does, the lock is gone.
const sessionsName = "sessions"

// Attend makes a session known to be alive to all processes that use the store in
// dir, until the Closer is closed or this process ends. The session must not be on
// record yet.
func Attend(dir string, session blockstore.ID) (io.Closer, error) {
	const op = "attend session"
	path := filepath.Join(dir, sessionsName, session.String())
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fault(op, dir, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault(op, dir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fault(op, dir, err), f.Close())
	}
	return &attendance{f}, nil
}

type attendance struct{ file *os.File }

func (a *attendance) Close() error {
	return errors.Join(os.Remove(a.file.Name()), a.file.Close())
}

// Attended says whether a session that is on record is alive. If that can't be
// told it is taken to be.
func Attended(dir string, session blockstore.ID) bool {
	path := filepath.Join(dir, sessionsName, session.String())
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		return true
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil {
		return true
	}
	os.Remove(path) // a file that stays does no harm
	return false
}
