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
	// open are the segments that keep their file open for the next user.
	open *simplelru.LRU[blockstore.SegmentID, *segment]
	// dirty are the segments with a write that no sync has covered.
	dirty map[blockstore.SegmentID]*segment
	// owed are the dirty ones that must be synced before the log is, because a
	// commit needs them.
	owed map[blockstore.SegmentID]*segment
	// doomed are the blocks that are removed, but not yet on disk.
	doomed map[blockstore.SegmentID]*doom
}

// segment is one segment file. It is in segments.open, in segments.dirty, or in
// use, else it is forgotten.
type segment struct {
	id blockstore.SegmentID

	// Guarded by segments.mu.
	users   int
	kept    bool // in segments.open
	written uint64
	synced  uint64 // what written was when the last sync began
	needed  uint64 // what written was when a commit last needed the segment
	fresh   []blockRange
	pending int // bytes since writeback was last asked for

	// Guarded by fileMu; the files live as long as there is a user or kept.
	fileMu   sync.Mutex
	reader   vfs.File
	writer   vfs.File
	newEntry bool // the directory may not have the file durably

	syncMu sync.Mutex // one sync at a time; taken before all others
}

// blockRange is the blocks [From, To) of one segment.
type blockRange struct{ From, To uint32 }

func newSegments(fsys vfs.FS, root string) *segments {
	s := &segments{
		fs:     fsys,
		root:   root,
		dirty:  make(map[blockstore.SegmentID]*segment),
		owed:   make(map[blockstore.SegmentID]*segment),
		doomed: make(map[blockstore.SegmentID]*doom),
	}
	s.open, _ = simplelru.NewLRU(maxOpenSegments, s.evicted) // fails for sizes below 1 only
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
	if !g.kept {
		g.kept = true
		s.open.Add(id, g)
	}
	return g
}

// get finds or makes the segment; the caller holds mu.
func (s *segments) get(id blockstore.SegmentID) *segment {
	if g, ok := s.open.Get(id); ok {
		return g
	}
	if g, ok := s.dirty[id]; ok {
		return g
	}
	return &segment{id: id}
}

func (s *segments) release(g *segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.users--
	s.closeIdle(g)
}

// evicted is called by open, with mu held.
func (s *segments) evicted(_ blockstore.SegmentID, g *segment) {
	g.kept = false
	s.closeIdle(g)
}

func (s *segments) closeIdle(g *segment) {
	if g.users == 0 && !g.kept {
		g.close()
	}
}

// forget drops what is known of a segment whose file is gone or was never there.
func (s *segments) forget(id blockstore.SegmentID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.dirty, id)
	delete(s.owed, id)
	s.open.Remove(id)
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
	s.open.Purge()
}

// unkeep lets go of a segment that turned out to have no file.
func (s *segments) unkeep(g *segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, ok := s.open.Peek(g.id); ok && kept == g {
		s.open.Remove(g.id)
	}
}
