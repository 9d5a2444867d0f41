package embedded

import (
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cairnfs/cairn/blockstore"
)

// growth is what a write is to a disk that fills up.
type growth int

const (
	content  growth = iota // refused first
	metadata               // refused when half of the reserve is gone
	frees                  // never refused
)

// roomAge is how long an answer of the system about free space is believed.
const roomAge = 100 * time.Millisecond

// room keeps a reserve on the disk: the database can't live through a log that it
// can't write.
type room struct {
	fs  vfs.FS
	dir string
	log *slog.Logger

	mu      sync.Mutex
	reserve int64
	left    int64 // free bytes at asked, less what was taken since
	asked   time.Time

	closing atomic.Pointer[time.Time]
}

// newRoom wants that much reserve, and takes less on a small disk.
func newRoom(fsys vfs.FS, dir string, reserve int64, log *slog.Logger) (*room, error) {
	r := &room{fs: fsys, dir: dir, log: log}
	space, err := r.space()
	if err != nil {
		return nil, err
	}
	r.reserve = min(reserve, space.Total/16)
	return r, nil
}

// unknownSpace is for file systems that do not tell.
const unknownSpace = 1 << 40

func (r *room) space() (blockstore.Space, error) {
	u, err := r.fs.GetDiskUsage(r.dir)
	if errors.Is(err, vfs.ErrUnsupported) {
		return blockstore.Space{Total: unknownSpace, Free: unknownSpace, Available: unknownSpace}, nil
	}
	if err != nil {
		return blockstore.Space{}, err
	}
	return blockstore.Space{
		Total:     int64(u.TotalBytes),
		Free:      int64(u.TotalBytes - u.UsedBytes),
		Available: int64(u.AvailBytes),
	}, nil
}

// take asks for room for n bytes; the error is ENOSPC.
func (r *room) take(n int64, g growth) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if g == frees {
		r.left -= n
		return nil
	}
	floor := r.reserve
	if g == metadata {
		floor /= 2
	}
	if r.left-n < 2*r.reserve || time.Since(r.asked) > roomAge {
		if err := r.ask(); err != nil {
			return err
		}
	}
	if r.left-n < floor {
		return syscall.ENOSPC
	}
	r.left -= n
	return nil
}

func (r *room) ask() error {
	space, err := r.space()
	if err != nil {
		return err
	}
	r.left, r.asked = space.Available, time.Now()
	return nil
}

// ballastShare is the part of the reserve that is kept in the ballast.
const ballastShare = 4

// refill makes the ballast if it is missing and there is room for it.
func (r *room) refill() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	path := r.fs.PathJoin(r.dir, ballastName)
	if _, err := r.fs.Stat(path); err == nil {
		return nil
	}
	if err := r.ask(); err != nil || r.left < 2*r.reserve {
		return err
	}
	f, err := r.fs.Create(path, diskCategory)
	if err != nil {
		return err
	}
	return errors.Join(f.Preallocate(0, r.reserve/ballastShare), f.Close())
}

// release gives the ballast to whoever is out of space. It says whether there was
// any.
func (r *room) release() bool {
	err := r.fs.Remove(r.fs.PathJoin(r.dir, ballastName))
	if err == nil {
		r.log.Warn("the disk is full; the store gave up its ballast")
	} else if !errors.Is(err, fs.ErrNotExist) {
		r.log.Error("can't remove the ballast", "error", err)
	}
	return err == nil
}

const (
	// spaceProbe is the pause before a write is tried again that had no space.
	spaceProbe = 100 * time.Millisecond
	// lastWait is how long that goes on once the store is being closed.
	lastWait = 10 * time.Second
)

// insist repeats a write until it has space. Changes that take more are refused
// meanwhile, and those that free some go on for as long as the log can be written.
func (r *room) insist(write func() error) error {
	for {
		err := write()
		if !vfs.IsNoSpaceError(err) || r.givesUp() {
			return err
		}
		r.doubt()
		if !r.release() {
			time.Sleep(spaceProbe)
		}
	}
}

// doubt makes the next take ask the system.
func (r *room) doubt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = time.Time{}
}

func (r *room) givesUp() bool {
	closing := r.closing.Load()
	return closing != nil && time.Since(*closing) > lastWait
}

// close says that the store is being closed.
func (r *room) close() {
	now := time.Now()
	r.closing.Store(&now)
}
