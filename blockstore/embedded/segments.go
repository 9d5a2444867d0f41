package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/cairnfs/cairn/blockstore"
)

const (
	// maxOpenSegments bounds the files that are kept open though nobody uses them.
	maxOpenSegments = 512
	// writebackEvery is after how many bytes the system is asked to begin writing.
	writebackEvery = 4 << 20
)

// segments is the table of the segment files: those that are open, and those that
// have something to sync.
type segments struct {
	fs   vfs.FS
	root string

	mu sync.Mutex
	// known are the segments that are kept, dirty or in use; there is one
	// segment for each file, so that nothing that is known of it gets lost.
	known map[blockstore.SegmentID]*segment
	// kept are the segments whose file stays open for the next user.
	kept *simplelru.LRU[blockstore.SegmentID, *segment]
	// owed are the dirty segments that must be synced before the log is,
	// because a commit needs them.
	owed map[blockstore.SegmentID]*segment
	// doomed are the blocks that are removed, but not yet on disk.
	doomed map[blockstore.SegmentID]*doom
}

// segment is one segment file.
type segment struct {
	id blockstore.SegmentID

	// Guarded by segments.mu.
	users   int
	kept    bool
	written uint64 // how many blocks were written; dirty is written > synced
	synced  uint64 // what written was when the last sync began
	needed  uint64 // what written was when a commit last needed the segment
	fresh   []blockRange
	pending int // bytes since writeback was last asked for

	// Guarded by fileMu; the files live as long as there is a user or kept.
	fileMu   sync.Mutex
	reader   vfs.File
	writer   vfs.File
	newEntry bool // the directory may not have the file durably
	foreign  bool // another process may have put blocks that were not synced

	syncMu sync.Mutex // one sync at a time; taken before all others
}

// blockRange is the blocks [From, To) of one segment.
type blockRange struct{ From, To uint32 }

func newSegments(fsys vfs.FS, root string) *segments {
	s := &segments{
		fs:     fsys,
		root:   root,
		known:  make(map[blockstore.SegmentID]*segment),
		owed:   make(map[blockstore.SegmentID]*segment),
		doomed: make(map[blockstore.SegmentID]*doom),
	}
	s.kept, _ = simplelru.NewLRU(maxOpenSegments, s.evicted) // fails for sizes below 1 only
	return s
}

func (s *segments) dir(id blockstore.SegmentID) string {
	return s.fs.PathJoin(s.root, fmt.Sprintf("%02x", id[len(id)-1]))
}

func (s *segments) path(id blockstore.SegmentID) string {
	return s.fs.PathJoin(s.dir(id), id.String())
}

// use returns the segment and keeps its files open until release.
func (s *segments) use(id blockstore.SegmentID) *segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.get(id)
	g.users++
	g.kept = true
	s.kept.Add(id, g)
	return g
}

// get finds or makes the segment; the caller holds mu.
func (s *segments) get(id blockstore.SegmentID) *segment {
	g, ok := s.known[id]
	if !ok {
		g = &segment{id: id}
		s.known[id] = g
	}
	return g
}

func (s *segments) release(g *segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.users--
	s.settle(g)
}

// evicted is called by kept, with mu held.
func (s *segments) evicted(_ blockstore.SegmentID, g *segment) {
	g.kept = false
	s.settle(g)
}

// settle closes a segment that nobody uses, and drops one that there is nothing
// to know of. The caller holds mu.
func (s *segments) settle(g *segment) {
	if g.users > 0 || g.kept {
		return
	}
	g.close()
	if g.synced >= g.written && s.known[g.id] == g {
		delete(s.known, g.id)
	}
}

// forget drops what is known of a segment whose file is to be removed.
func (s *segments) forget(id blockstore.SegmentID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.owed, id)
	if g, ok := s.known[id]; ok {
		g.synced = g.written
		s.kept.Remove(id)
		s.settle(g)
	}
}

// unkeep lets go of a segment that turned out to have no file.
func (s *segments) unkeep(g *segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept.Remove(g.id)
}

func (g *segment) close() {
	g.fileMu.Lock()
	defer g.fileMu.Unlock()
	for _, f := range []*vfs.File{&g.reader, &g.writer} {
		if *f != nil {
			// Content is made durable by sync alone, so an error here says nothing.
			_ = (*f).Close()
			*f = nil
		}
	}
}

// forReading opens the file of a segment in use. If there is none the error is
// fs.ErrNotExist.
func (s *segments) forReading(g *segment) (blockFile, error) {
	g.fileMu.Lock()
	defer g.fileMu.Unlock()
	if g.writer != nil {
		return blockFile{g.writer, s.path(g.id)}, nil
	}
	if g.reader == nil {
		f, err := s.fs.Open(s.path(g.id))
		if err != nil {
			return blockFile{}, err
		}
		g.reader = f
	}
	return blockFile{g.reader, s.path(g.id)}, nil
}

// forWriting opens the file of a segment in use, and creates it if need be.
func (s *segments) forWriting(g *segment) (blockFile, error) {
	g.fileMu.Lock()
	defer g.fileMu.Unlock()
	if g.writer == nil {
		f, err := s.fs.OpenReadWrite(s.path(g.id), diskCategory)
		if err != nil {
			return blockFile{}, err
		}
		info, err := f.Stat()
		if err != nil {
			return blockFile{}, errors.Join(err, f.Close())
		}
		g.newEntry = g.newEntry || info.Size() == 0
		g.foreign = g.foreign || info.Size() > 0
		g.writer = f
	}
	return blockFile{g.writer, s.path(g.id)}, nil
}

// exists says whether the segment has a file.
func (s *segments) exists(id blockstore.SegmentID) (bool, error) {
	_, err := s.fs.Stat(s.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// close closes all files. Nobody may use one.
func (s *segments) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept.Purge()
}
