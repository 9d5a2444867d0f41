package namespace

import (
	"context"
	"iter"
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
	// after holds, for a cookie that a piece ended at, the place before it.
	after map[uint64]dirPlace
	// recent holds the places of the last piece, from cookie first on.
	recent []dirPlace
	first  uint64
}

// dirPlace is behind an entry in the order of a directory: behind its first name
// only, or behind all that it shows. The zero value is before the first entry.
type dirPlace struct {
	key  string // of the record
	half bool
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
	s.after = map[uint64]dirPlace{firstName: {}}
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

func (s *DirStream) scan(ctx context.Context, after dirPlace, skip uint64, emit func(Entry, uint64) bool) error {
	s.recent, s.first = s.recent[:0], s.next
	s.after[s.next] = after
	last := after
	for e, err := range s.shown(ctx, after) {
		switch {
		case err != nil:
			return err
		case skip > 0:
			skip--
			last = e.place
			s.after[s.next] = last
			continue
		case !emit(e.Entry, s.next+1):
			s.after[s.next] = last
			return nil
		}
		s.next++
		last = e.place
		s.recent = append(s.recent, last)
	}
	s.after[s.next] = last
	return nil
}

// shownEntry is an entry as a mount shows it, and the place behind it.
type shownEntry struct {
	Entry
	place dirPlace
}

// shown yields what the directory shows from a place on. A component with a file
// and a directory shows twice.
func (s *DirStream) shown(ctx context.Context, after dirPlace) iter.Seq2[shownEntry, error] {
	return func(yield func(shownEntry, error) bool) {
		prefix := entryKey(s.id, "")
		if after.half {
			e, err := s.d.v.entry(ctx, s.id, after.key[len(prefix):])
			if id, kind := e.at(true); err != nil || !id.IsZero() {
				name := posixName(after.key[len(prefix):], true)
				if !yield(shownEntry{Entry{name, id, kind}, dirPlace{key: after.key}}, err) || err != nil {
					return
				}
			}
		}
		for r, err := range s.d.v.store.Scan(ctx, prefix, after.key) {
			if err != nil {
				yield(shownEntry{}, err)
				return
			}
			if !showRecord(r, r.Key[len(prefix):], yield) {
				return
			}
		}
	}
}

// showRecord yields what one entry shows, and says whether to go on.
func showRecord(r blockstore.Record, component string, yield func(shownEntry, error) bool) bool {
	e, err := decodeEntry(r.Key, r.Value)
	if err != nil {
		yield(shownEntry{}, err)
		return false
	}
	id, kind := e.shown()
	more := yield(shownEntry{Entry{posixName(component, false), id, kind}, dirPlace{r.Key, e.both()}}, nil)
	if !more || !e.both() {
		return more
	}
	return yield(shownEntry{Entry{posixName(component, true), e.File, e.FileKind}, dirPlace{key: r.Key}}, nil)
}

// resume is the place to go on after. Only for a cookie in the midst of a piece
// long ago must entries be counted: skip is how many.
func (s *DirStream) resume(cookie uint64) (after dirPlace, skip uint64) {
	if i := cookie - s.first; cookie > s.first && i <= uint64(len(s.recent)) {
		return s.recent[i-1], 0
	}
	if place, ok := s.after[cookie]; ok {
		return place, 0
	}
	best := uint64(firstName)
	for c := range s.after {
		if c <= cookie && c > best {
			best = c
		}
	}
	return s.after[best], cookie - best
}
