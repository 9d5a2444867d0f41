package cache

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// Disk says where blocks are kept beside memory.
type Disk struct {
	// Dir is a directory for the cache alone; it is made when the first block
	// is written. All in it can be removed at any time, and several processes
	// may share it, whatever their volumes. Default: no blocks are kept on disk.
	Dir string
	// Bytes bounds what is kept in Dir, by all up to four processes that share
	// it. Default 10 GiB.
	Bytes int64
}

// DiskStats are counts since New, but for Bytes.
type DiskStats struct {
	Hits    uint64 // blocks that were found on disk
	Misses  uint64 // blocks that had to be fetched from the engine
	Written uint64 // blocks that were written
	Skipped uint64 // blocks that were not, as the disk was slow or failing
	Damaged uint64 // blocks whose file was no good; they count as misses too
	Evicted uint64 // blocks that made room for others
	Bytes   int64  // in the directory, about
}

// disk keeps whole blocks in files, one for each; which, only the directory
// knows, so that processes can share it and anybody can empty it. Small blocks
// are not worth a file. A nil disk keeps nothing.
//
// Blocks are written by one goroutine, which nobody waits for: what finds its
// queue full is not kept.
type disk struct {
	dir   string
	max   int64
	log   *slog.Logger
	rest  time.Duration // after a failed write, until the next is tried
	queue chan *letter
	room  room // the writer's

	serving atomic.Bool

	mu      sync.Mutex // innermost: the shards call with theirs held
	pending map[blockstore.BlockID]*letter
	barred  map[blockstore.SegmentID]int // by how many drops under way
	resting time.Time                    // nothing is written until then
	stats   DiskStats
}

// letter is a block on its way to the disk. It is pending until its file is as
// it should be: there, or not there if it was dropped meanwhile.
type letter struct {
	id      blockstore.BlockID
	data    []byte
	dropped bool // guarded by the mutex of the disk
}

const (
	defaultDiskBytes = 10 << 30
	// maxLetters bounds the memory that the queue holds on to.
	maxLetters = 16
	// restAfterFailure is how long a disk that is full or broken is left alone.
	restAfterFailure = time.Minute
	// useInterval is how precisely the last use of a file is kept.
	useInterval = time.Minute
)

func newDisk(o Options) *disk {
	if o.Disk.Dir == "" {
		return nil
	}
	d := &disk{
		dir: o.Disk.Dir, max: o.Disk.Bytes, log: o.Logger, rest: restAfterFailure,
		queue:   make(chan *letter, maxLetters),
		pending: make(map[blockstore.BlockID]*letter),
		barred:  make(map[blockstore.SegmentID]int),
	}
	d.room = room{dir: d.dir, max: d.max}
	return d
}

// fileSuffix ends the names of the files of blocks, tempSuffix those of files
// that are being written. Files with other names are not ours.
const (
	fileSuffix = ".block"
	tempSuffix = ".block-tmp"
)

func (d *disk) path(id blockstore.BlockID) string {
	return filepath.Join(d.dir, strings.Replace(id.String(), "/", "-", 1)+fileSuffix)
}

// get returns a block, or nil if it is not kept.
func (d *disk) get(id blockstore.BlockID) []byte {
	if d == nil || id.Small() {
		return nil
	}
	data, elsewhere := d.peek(id)
	var damaged bool
	if elsewhere {
		data, damaged = d.load(id)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if data == nil {
		d.stats.Misses++
	} else {
		d.stats.Hits++
	}
	if damaged {
		d.stats.Damaged++
	}
	return data
}

// peek returns a block on its way to the disk; elsewhere says that it may be on
// disk instead.
func (d *disk) peek(id blockstore.BlockID) (data []byte, elsewhere bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.barred[id.Segment] > 0 {
		return nil, false
	}
	l := d.pending[id]
	if l == nil || l.dropped {
		return nil, l == nil
	}
	return l.data, false
}

// load reads the file of a block, notes its use, and removes it if it is no good.
func (d *disk) load(id blockstore.BlockID) (data []byte, damaged bool) {
	path := d.path(id)
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	data, err = readEntry(f, id)
	used, statErr := f.Stat()
	_ = f.Close() // it was only read
	if err != nil {
		_ = os.Remove(path)
		return nil, true
	}
	if now := time.Now(); statErr == nil && now.Sub(used.ModTime()) > useInterval {
		_ = os.Chtimes(path, now, now) // else it is evicted too early
	}
	return data, false
}

// wants says whether a block would be taken.
func (d *disk) wants(id blockstore.BlockID) bool {
	return d != nil && !id.Small() && d.serving.Load()
}

// offerCopy is offer for bytes that belong to the caller.
func (d *disk) offerCopy(id blockstore.BlockID, data []byte) {
	if d.wants(id) && len(d.queue) < cap(d.queue) {
		d.offer(id, bytes.Clone(data))
	}
}

// offer lets a block be written, if there is time for it.
func (d *disk) offer(id blockstore.BlockID, data []byte) {
	if !d.wants(id) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.barred[id.Segment] > 0 || d.pending[id] != nil {
		return
	}
	l := &letter{id: id, data: data}
	if time.Now().After(d.resting) {
		select {
		case d.queue <- l:
			d.pending[id] = l
			return
		default:
		}
	}
	d.stats.Skipped++
}

// serve writes blocks until ctx is done.
func (d *disk) serve(ctx context.Context) {
	d.serving.Store(true)
	defer d.serving.Store(false)
	for {
		select {
		case <-ctx.Done():
			return
		case l := <-d.queue:
			d.deliver(l)
		}
	}
}

// deliver writes the file of a letter. One that was dropped meanwhile stays
// pending, and so is not found, until its file is gone.
func (d *disk) deliver(l *letter) {
	evicted, err := d.write(l)
	d.mu.Lock()
	dropped := l.dropped
	d.stats.Evicted += uint64(evicted)
	d.stats.Bytes = d.room.bytes()
	if err == nil {
		d.stats.Written++
	}
	if !dropped {
		delete(d.pending, l.id)
	}
	d.mu.Unlock()
	if dropped {
		_ = os.Remove(d.path(l.id))
		d.mu.Lock()
		delete(d.pending, l.id)
		d.mu.Unlock()
	}
	d.judge(err)
}

// write makes the directory first if somebody removed it. If the disk is full,
// others need it more: they get half of what the cache has.
func (d *disk) write(l *letter) (evicted int, err error) {
	for range 3 {
		if evicted, err = d.room.make(entrySize(l.data)); err == nil {
			err = writeEntry(d.path(l.id), l.id, l.data)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
		d.room = room{dir: d.dir, max: d.max}
		if err = os.MkdirAll(d.dir, 0o700); err != nil {
			return 0, err
		}
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		evicted, _ = d.room.evict(d.room.bytes() / 2)
	}
	return evicted, err
}

// judge lets a disk that failed rest, and tells of it when it has not before.
func (d *disk) judge(err error) {
	d.mu.Lock()
	failedBefore := !d.resting.IsZero()
	d.resting = time.Time{}
	if err != nil {
		d.resting = time.Now().Add(d.rest)
		d.stats.Skipped++
	}
	d.mu.Unlock()
	switch {
	case err != nil && !failedBefore:
		d.log.Warn("the disk cache can't be written: going on without it", "directory", d.dir, "error", err)
	case err == nil && failedBefore:
		d.log.Info("the disk cache can be written again", "directory", d.dir)
	}
}

// drop removes blocks. Until release is called no block of their segments is
// found here or taken: meanwhile the caller lets memory forget them. So what was
// read here before can't stay there, nor what was read there come here.
func (d *disk) drop(ids []blockstore.BlockID) (release func()) {
	if d == nil {
		return func() {}
	}
	segments := make(map[blockstore.SegmentID]struct{})
	for _, id := range ids {
		segments[id.Segment] = struct{}{}
	}
	d.bar(segments, 1)
	for _, id := range ids {
		d.forget(id)
	}
	return func() { d.bar(segments, -1) }
}

// dropSegment is drop for all blocks of a segment, which are fewer than the
// number given.
func (d *disk) dropSegment(id blockstore.SegmentID, blocks uint32) (release func()) {
	if d == nil {
		return func() {}
	}
	segment := map[blockstore.SegmentID]struct{}{id: {}}
	d.bar(segment, 1)
	if blocks > fewBlocks {
		d.forgetSegment(id)
	} else {
		for n := range blocks {
			d.forget(blockstore.BlockID{Segment: id, Number: n})
		}
	}
	return func() { d.bar(segment, -1) }
}

// bar adds to the bars of segments.
func (d *disk) bar(segments map[blockstore.SegmentID]struct{}, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range segments {
		d.barred[id] += n
		if d.barred[id] == 0 {
			delete(d.barred, id)
		}
	}
}

// forget removes a block, also one on its way.
func (d *disk) forget(id blockstore.BlockID) {
	if id.Small() {
		return
	}
	d.mu.Lock()
	if l := d.pending[id]; l != nil {
		l.dropped = true
	}
	d.mu.Unlock()
	_ = os.Remove(d.path(id)) // mostly there is none; one that stays is evicted some day
}

// forgetSegment looks for the blocks of a segment by its name.
func (d *disk) forgetSegment(id blockstore.SegmentID) {
	d.mu.Lock()
	for _, l := range d.pending {
		l.dropped = l.dropped || l.id.Segment == id
	}
	d.mu.Unlock()
	all, _ := names(d.dir) // what can't be read can't be found either
	for _, name := range all {
		if strings.HasPrefix(name, id.String()+"-") {
			_ = os.Remove(filepath.Join(d.dir, name))
		}
	}
}

func (d *disk) addTo(sum *DiskStats) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	*sum = d.stats
}
