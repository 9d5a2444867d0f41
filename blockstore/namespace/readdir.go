package namespace

import (
	"context"
	"sync"

	"github.com/cairnfs/cairn/blockstore"
)

// DirStream reads a directory of any size in pieces. A cookie counts the entries
// that the stream has given out, and is never given out twice; the stream keeps
// the names at the borders of the pieces, so that reading on does not depend on
// counting entries that may be gone.
type DirStream struct {
	d      *Door
	id     NodeID
	parent NodeID

	mu   sync.Mutex
	next uint64 // the cookie of the next entry
	// after holds, for a cookie that a piece ended at, the name before it.
	after map[uint64]string
	// recent holds the names of the last piece, from cookie first on.
	recent []string
	first  uint64
}

// firstName is the cookie of the first real name, after "." and "..".
const firstName = 2

// OpenDir begins to read a directory.
func (d *Door) OpenDir(ctx context.Context, id NodeID) (*DirStream, error) {
	n, _, err := d.v.readNode(ctx, id)
	if err != nil {
		return nil, err
	}
	if n.Kind != Dir {
		return nil, blockstore.E("open directory", n.Name, blockstore.NotDirectory, nil)
	}
	s := &DirStream{d: d, id: id, parent: n.Parent, next: firstName}
	if id == RootID {
		s.parent = RootID
	}
	s.rewind()
	return s, nil
}

func (s *DirStream) rewind() {
	s.after = map[uint64]string{firstName: ""}
	s.recent, s.first = nil, s.next
}

// Close ends the stream.
func (s *DirStream) Close() {}

// Read calls emit for each entry from the cookie on, "." and ".." first, with
// the cookie after it, until emit returns false (that entry was not taken, and
// comes again) or at the end. Cookie 0 begins afresh; any other must have been
// given out by this stream since. An entry that is there during the whole time
// is seen exactly once; others may or may not be.
func (s *DirStream) Read(ctx context.Context, cookie uint64, emit func(e Entry, next uint64) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cookie == 0 {
		s.rewind()
	}
	for _, dot := range []Entry{{".", s.id, Dir}, {"..", s.parent, Dir}}[min(cookie, firstName):] {
		cookie++
		if !emit(dot, cookie) {
			return nil
		}
	}
	after, skip := s.resume(cookie)
	if cookie != s.next {
		s.next++ // s.next itself was given out, for another place
	}
	return s.scan(ctx, after, skip, emit)
}

func (s *DirStream) scan(ctx context.Context, after string, skip uint64, emit func(Entry, uint64) bool) error {
	s.recent, s.first = s.recent[:0], s.next
	s.after[s.next] = after
	last := after
	prefix := entryKey(s.id, "")
	for r, err := range s.d.v.store.Scan(ctx, prefix, entryKey(s.id, after)) {
		if err != nil {
			return err
		}
		if skip > 0 {
			skip--
			last = r.Key[len(prefix):]
			s.after[s.next] = last
			continue
		}
		e, err := decodeEntry(r.Key, r.Value)
		if err != nil {
			return err
		}
		name := r.Key[len(prefix):]
		id, kind := e.shown()
		if !emit(Entry{name, id, kind}, s.next+1) {
			break
		}
		s.next++
		last = name
		s.recent = append(s.recent, name)
	}
	s.after[s.next] = last
	return nil
}

// resume is the name to go on after. Only for a cookie in the midst of a piece
// long ago must entries be counted: skip is how many.
func (s *DirStream) resume(cookie uint64) (after string, skip uint64) {
	if i := cookie - s.first; cookie > s.first && i <= uint64(len(s.recent)) {
		return s.recent[i-1], 0
	}
	if name, ok := s.after[cookie]; ok {
		return name, 0
	}
	best := uint64(firstName)
	for c := range s.after {
		if c <= cookie && c > best {
			best = c
		}
	}
	return s.after[best], cookie - best
}
