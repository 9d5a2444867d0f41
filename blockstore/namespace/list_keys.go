package namespace

import (
	"cmp"
	"context"
	"iter"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

// ListKeys says which keys to list: those with the prefix that are greater than
// After. Keys with the delimiter after the prefix are rolled up into common
// prefixes, of which one that equals After is left out (S3 ListObjectsV2).
type ListKeys struct{ Prefix, After, Delimiter string }

// Listed is a key, or if CommonPrefix is not empty a rolled-up prefix, of which
// nothing else is told.
type Listed struct {
	ObjectInfo
	CommonPrefix string
}

// ListKeys yields the current keys of a bucket in exact byte order. It reads
// only what is asked for: what is rolled up is skipped, not read.
func (v *Volume) ListKeys(ctx context.Context, bucket NodeID, o ListKeys) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		l := &lister{view: view{ctx, v}, o: o, bucket: bucket, yield: yield}
		var err error
		if l.versioned, err = l.versioning(bucket); err != nil {
			yield(Listed{}, err)
			return
		}
		base, err := descend(l.view, bucket, o.Prefix)
		switch {
		case err != nil:
			yield(Listed{}, err)
		case base.whole() && len(base.rest) <= MaxObjectKey:
			l.directory(base.dir, o.Prefix[:len(o.Prefix)-len(base.rest)], base.rest)
		}
	}
}

// lister lists a tree of directories as the flat list that S3 sees. Its methods
// return false when there is nothing more to do: an error was told, or the
// caller has enough.
//
// A directory x sorts as "x/": after the names x, x- and x., which all begin
// with x, and before x0. So while names are read in order a directory waits
// until one comes that is past "x/". The waiting ones are each a prefix of the
// next, so the last to come is the first to go.
type lister struct {
	view
	o      ListKeys
	bucket NodeID
	yield  func(Listed, error) bool
	rolled string // the last common prefix that was told
	// versioned is the state of the bucket's versioning.
	versioned string
}

// waitingDir is a directory whose keys are still to come.
type waitingDir struct {
	name string
	id   NodeID
}

// directory lists the keys below a directory. They begin with path, and the
// names to be listed with rest.
func (l *lister) directory(id NodeID, path, rest string) bool {
	from, ok := l.start(path, rest)
	if !ok {
		return true
	}
	if rest == "" && !l.self(id, path) {
		return false
	}
	waiting, ok := l.waitingBefore(id, from, rest)
	if !ok {
		return false
	}
	for e, err := range l.names(id, path, rest, from) {
		if err != nil {
			return l.fail(err)
		}
		if waiting, ok = l.release(path, waiting, e.name); !ok || !l.file(path, e) {
			return false
		}
		if !e.Dir.IsZero() {
			waiting = append(waiting, waitingDir{e.name, e.Dir})
		}
		if l.covered(path) {
			return true
		}
	}
	_, ok = l.release(path, waiting, "")
	return ok
}

// start is the first name in a directory that may have keys after After; false:
// none has.
func (l *lister) start(path, rest string) (string, bool) {
	if !strings.HasPrefix(l.o.After, path) {
		return rest, l.o.After < path
	}
	name, _, _ := strings.Cut(l.o.After[len(path):], "/")
	return max(name, rest), name <= rest || strings.HasPrefix(name, rest)
}

// waitingBefore finds the directories that wait when the names are read from
// one in the midst: each is a prefix of it.
func (l *lister) waitingBefore(id NodeID, from, rest string) ([]waitingDir, bool) {
	var waiting []waitingDir
	for i := len(rest); i < len(from); i++ {
		if from[i] >= '/' {
			continue
		}
		e, err := l.entry(id, from[:i])
		if err != nil {
			return nil, l.fail(err)
		}
		if e != nil && !e.Dir.IsZero() {
			waiting = append(waiting, waitingDir{from[:i], e.Dir})
		}
	}
	return waiting, true
}

// release lists the waiting directories that come before a name; "": all.
func (l *lister) release(path string, waiting []waitingDir, name string) ([]waitingDir, bool) {
	for len(waiting) > 0 {
		last := waiting[len(waiting)-1]
		if name != "" && last.name+"/" > name {
			break
		}
		waiting = waiting[:len(waiting)-1]
		if !l.below(path+last.name+"/", last.id) {
			return nil, false
		}
	}
	return waiting, true
}

// below lists what begins with the path of a directory. A directory that is
// rolled up is not looked into: there is a key below it.
func (l *lister) below(path string, id NodeID) bool {
	partly := strings.HasPrefix(l.o.After, path)
	if path < l.o.After && !partly {
		return true
	}
	if common, ok := l.rollUp(path); ok && (!partly || common == l.rolled || common == l.o.After) {
		return l.common(common)
	}
	return l.directory(id, path, "")
}

// self lists the key that is a directory's path: the file without a name in it,
// or the directory itself if it is explicit.
func (l *lister) self(id NodeID, path string) bool {
	if id == l.bucket || path <= l.o.After {
		return true
	}
	h := holder{dir: id}
	if err := h.resolve(l.view, l.bucket); err != nil || h.node == nil {
		return l.found(ObjectInfo{}, cmp.Or(err, error(blockstore.NotFound)))
	}
	return l.found(*h.info(path), nil)
}

// file lists the file of an entry.
func (l *lister) file(path string, e namedEntry) bool {
	key := path + e.name
	if e.name == "" || !e.FileKind.isKey() || key <= l.o.After {
		return true
	}
	if common, ok := l.rollUp(key); ok {
		return l.common(common)
	}
	n, _, err := l.versionOf(e.File)
	if err != nil {
		return l.found(ObjectInfo{}, err)
	}
	return l.found(objectInfo(key, e.File, n, l.versioned), nil)
}

// found tells of a key; one that was removed meanwhile is none.
func (l *lister) found(info ObjectInfo, err error) bool {
	switch blockstore.KindOf(err) {
	case blockstore.Stale, blockstore.NotFound:
		return true
	}
	return l.yield(Listed{ObjectInfo: info}, err) && err == nil
}

func (l *lister) fail(err error) bool {
	l.yield(Listed{}, err)
	return false
}

func (l *lister) rollUp(key string) (string, bool) {
	return rollUp(key, l.o.Prefix, l.o.Delimiter)
}

// rollUp is the common prefix of a key or directory; false: it has none.
func rollUp(key, prefix, delimiter string) (string, bool) {
	if delimiter == "" {
		return "", false
	}
	i := strings.Index(key[len(prefix):], delimiter)
	if i < 0 {
		return "", false
	}
	return key[:len(prefix)+i+len(delimiter)], true
}

// common tells of a common prefix, once.
func (l *lister) common(prefix string) bool {
	if prefix == l.rolled {
		return true
	}
	l.rolled = prefix
	return prefix == l.o.After || l.yield(Listed{CommonPrefix: prefix}, nil)
}

// covered says whether all that begins with path is rolled up and told.
func (l *lister) covered(path string) bool {
	return l.rolled != "" && strings.HasPrefix(path, l.rolled)
}

// leapAfter is how many entries below one common prefix are passed one by one.
const leapAfter = 16

// names yields the entries of a directory from a name on that begin with rest,
// in order. It leaps over what the last common prefix covers.
func (l *lister) names(id NodeID, path, rest, from string) iter.Seq2[namedEntry, error] {
	return func(yield func(namedEntry, error) bool) {
		for leap := true; leap; {
			leap = false
			passed := 0
			for e, err := range l.v.entriesFrom(l.ctx, id, from) {
				if err == nil && !strings.HasPrefix(e.name, rest) || !yield(e, err) || err != nil {
					return
				}
				if !l.covered(path + e.name) {
					passed = 0
					continue
				}
				if passed++; passed == leapAfter {
					from, leap = pastPrefix(l.rolled[len(path):])
					break
				}
			}
		}
	}
}

// pastPrefix is the first string after all that begin with a prefix; false:
// there is none.
func pastPrefix(prefix string) (string, bool) {
	for i := len(prefix) - 1; i >= 0; i-- {
		if c := prefix[i]; c < 0xff {
			return prefix[:i] + string([]byte{c + 1}), true
		}
	}
	return "", false
}

// namedEntry is an entry with its exact name.
type namedEntry struct {
	name string
	*EntryRecord
}

// entriesFrom yields the entries of a directory from a name on, in order.
func (v *Volume) entriesFrom(ctx context.Context, dir NodeID, from string) iter.Seq2[namedEntry, error] {
	return func(yield func(namedEntry, error) bool) {
		prefix, after := entryKey(dir, ""), ""
		if from != "" {
			after = prefix + from
			if e, err := v.entry(ctx, dir, from); (err != nil || e != nil) && (!yield(namedEntry{from, e}, err) || err != nil) {
				return
			}
		}
		for r, err := range v.store.Scan(ctx, prefix, after) {
			e := namedEntry{}
			if err == nil {
				e.name = r.Key[len(prefix):]
				e.EntryRecord, err = decodeEntry(r.Key, r.Value)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}
