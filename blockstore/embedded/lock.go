package embedded

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
)

// lockText bounds what the lock file says of its holder, and then where that may be
// asked, each in a line of this length.
const lockText = 256

// lockStore takes the lock of the store until the Closer is closed. Whoever comes
// second hears which process has it.
func lockStore(fsys vfs.FS, dir string) (io.Closer, error) {
	const op = "open store"
	path := fsys.PathJoin(dir, lockName)
	f, err := fsys.OpenReadWrite(path, diskCategory)
	if err != nil {
		return nil, fault(op, dir, err)
	}
	if f.Fd() == vfs.InvalidFd {
		return lockWithoutFd(fsys, dir, f)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder := make([]byte, lockText)
		n, _ := f.ReadAt(holder, 0)
		f.Close()
		if err == unix.EWOULDBLOCK {
			return nil, blockstore.E(op, dir, blockstore.Locked, fmt.Errorf("%s", oneLine(holder[:n])))
		}
		return nil, fault(op, dir, err)
	}
	if _, err := f.WriteAt(lockHolder(), 0); err != nil {
		f.Close()
		return nil, fault(op, dir, err)
	}
	return f, nil
}

func lockWithoutFd(fsys vfs.FS, dir string, f vfs.File) (io.Closer, error) {
	f.Close()
	l, err := fsys.Lock(fsys.PathJoin(dir, lockName))
	if err != nil {
		return nil, blockstore.E("open store", dir, blockstore.Locked, err)
	}
	return l, nil
}

// lockHolder covers all that the previous holder wrote.
func lockHolder() []byte {
	text := fmt.Sprintf("process %d: %s", os.Getpid(), strings.Join(os.Args, " "))
	return append(lockLine(text), lockLine("")...)
}

func lockLine(text string) []byte {
	text = text[:min(len(text), lockText-1)]
	return fmt.Appendf(nil, "%-*s\n", lockText-1, text)
}
