package embedded

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// tailFileSize is where a file of the tail ends and the next begins.
	tailFileSize = 8 << 20
	// tailLong is how much tail makes a sync come early, and maxTail how much
	// there may be if that does not help.
	tailLong = 2 * tailFileSize
	maxTail  = 8 * tailFileSize
	// maxTailBuffer bounds what waits in memory to be written.
	maxTailBuffer = 8 << 20
	// keptBuffer is how much of a buffer is kept for the next frames.
	keptBuffer = 1 << 20
)

// tail is the tail log: the newest batches once more, in files that are written
// but never synced. Pebble keeps a batch that is not synced in the memory of the
// process, and what would push it out waits when a sync goes on; the tail does not.
// It is there for the next Open after a kill, and for nothing else.
type tail struct {
	fs   vfs.FS
	dir  string
	boot string // of this machine now: the tail outlives processes, not boots
	log  *slog.Logger
	// long asks for a sync, because the files can't go before.
	long chan struct{}

	mu     sync.Mutex
	buffer []byte // frames that are not written yet
	last   uint64 // the newest batch that was added
	missed uint64 // the newest batch that has no frame

	// writeMu is taken before mu.
	writeMu sync.Mutex
	spare   []byte
	writer  vfs.File // of the last of files; nil if that one is full
	files   []tailFile
	warned  bool
}

// tailFile is a file of the tail. It may go when batch last is synced.
type tailFile struct {
	path string
	last uint64
	size int
}

func newTail(fsys vfs.FS, dir, boot string, log *slog.Logger) *tail {
	return &tail{fs: fsys, dir: dir, boot: boot, log: log, long: make(chan struct{}, 1)}
}

// systemBoot names the time since the machine was started, or is empty if the
// system does not say.
func systemBoot() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}

// add buffers a batch. They come in order; the caller holds Store.mu.
func (t *tail) add(number uint64, batch []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = number
	if t.boot == "" || len(t.buffer)+len(batch) > maxTailBuffer {
		t.missed = number
		return
	}
	t.buffer = appendTailFrame(t.buffer, number, batch)
}

// write gives the buffered batches to the system. It says whether all batches are
// now safe from a kill, if those up to synced are; else the log must be synced.
func (t *tail) write(synced uint64) bool {
	t.writeMu.Lock()
	defer t.writeMu.Unlock()
	t.mu.Lock()
	buffer, last, missed := t.buffer, t.last, t.missed
	t.buffer = t.spare[:0]
	t.mu.Unlock()
	t.spare = nil
	if cap(buffer) <= keptBuffer {
		t.spare = buffer
	}
	t.retire(synced)
	if last <= synced {
		return true
	}
	if err := t.append(buffer, last); err != nil {
		t.warn(err)
		t.lost(last)
		return false
	}
	return missed <= synced
}

// lost notes that the frames up to a batch were not written, for whoever finds the
// buffer empty.
func (t *tail) lost(last uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.missed = max(t.missed, last)
}

var errLongTail = errors.New("it is too long already")

func (t *tail) append(frames []byte, last uint64) error {
	if len(frames) == 0 {
		return nil
	}
	total := len(frames)
	for _, f := range t.files {
		total += f.size
	}
	if total > tailLong {
		select {
		case t.long <- struct{}{}:
		default:
		}
	}
	if total > maxTail {
		return errLongTail
	}
	if t.writer == nil {
		if err := t.begin(last); err != nil {
			return err
		}
	}
	return t.appendTo(&t.files[len(t.files)-1], frames, last)
}

// begin makes the next file. Names grow with the numbers.
func (t *tail) begin(last uint64) error {
	path := t.fs.PathJoin(t.dir, fmt.Sprintf("%016x", last))
	f, err := t.fs.Create(path, diskCategory)
	if err != nil {
		return err
	}
	t.files = append(t.files, tailFile{path: path, last: last})
	t.writer = f
	_, err = f.Write(tailHead(t.boot))
	if err != nil {
		t.end()
	}
	return err
}

// appendTo writes frames. What comes after a failure goes into another file, for
// the frames of this one may end in the middle.
func (t *tail) appendTo(f *tailFile, frames []byte, last uint64) error {
	f.last = last
	f.size += len(frames)
	_, err := t.writer.Write(frames)
	if err != nil || f.size >= tailFileSize {
		t.end()
	}
	return err
}

// end closes the last file. Nobody relies on its being closed well.
func (t *tail) end() {
	if t.writer != nil {
		_ = t.writer.Close()
		t.writer = nil
	}
}

// retire removes the files whose batches are all synced, but for the one that is
// being written.
func (t *tail) retire(synced uint64) {
	for len(t.files) > 0 && t.files[0].last <= synced && (len(t.files) > 1 || t.writer == nil) {
		if err := t.fs.Remove(t.files[0].path); err != nil {
			t.warn(err) // and the next Open removes it
		}
		t.files = slices.Delete(t.files, 0, 1)
	}
}

func (t *tail) warn(err error) {
	if !t.warned {
		t.warned = true
		t.log.Warn("the tail log can't be written; the log is synced instead", "error", err)
	}
}

// clear removes all files, when everything is synced.
func (t *tail) clear() error {
	t.writeMu.Lock()
	defer t.writeMu.Unlock()
	t.end()
	t.files = nil
	names, err := t.names()
	for _, name := range names {
		err = cmp.Or(err, t.fs.Remove(t.fs.PathJoin(t.dir, name)))
	}
	return err
}

// names are the files on disk in the order of their numbers.
func (t *tail) names() ([]string, error) {
	names, err := t.fs.List(t.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, t.fs.MkdirAll(t.dir, 0o700)
	}
	slices.Sort(names)
	return names, err
}
