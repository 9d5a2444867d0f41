package namespace

import (
	"cmp"
	"context"
	"iter"

	"github.com/cairnfs/cairn/blockstore"
)

// ListVersions says which versions to list, as the parameters of S3
// ListObjectVersions: those of keys with the prefix that come after a version of
// a key, or after a key. Keys with the delimiter after the prefix are rolled up.
type ListVersions struct{ Prefix, Delimiter, KeyMarker, VersionMarker string }

// ListVersions yields the versions and delete markers of a bucket's keys, in the
// order of the keys, the newest first within a key. What history keeps for a
// while is not among them. It reads only what is asked for.
func (v *Volume) ListVersions(ctx context.Context, bucket NodeID, o ListVersions) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		l := versionLister{v: v, bucket: bucket, o: o, lastKey: o.KeyMarker}
		current, stop := iter.Pull2(v.ListKeys(ctx, bucket, ListKeys{o.Prefix, o.KeyMarker, o.Delimiter}))
		defer stop()
		old, stop := iter.Pull2(l.history(ctx))
		defer stop()
		l.merge(ctx, &pulled{next: current}, &pulled{next: old}, yield)
	}
}

// versionLister merges current keys with what history has of them.
type versionLister struct {
	v      *Volume
	bucket NodeID
	o      ListVersions

	lastKey     string // that was yielded
	lastCurrent string // version of lastKey, if its node was yielded
}

// pulled is an iterator and what it yielded last.
type pulled struct {
	next func() (Listed, error, bool)
	item Listed
	err  error
	ok   bool
}

func (p *pulled) pull() { p.item, p.err, p.ok = p.next() }

// place is where an item is in the order of keys.
func (l *Listed) place() string { return cmp.Or(l.CommonPrefix, l.Key) }

func (l *versionLister) merge(ctx context.Context, current, old *pulled, yield func(Listed, error) bool) {
	current.pull()
	old.pull()
	for current.ok || old.ok {
		from, isOld := current, false
		if !current.ok || old.ok && old.item.place() < current.item.place() {
			from, isOld = old, true
		}
		if err := cmp.Or(current.err, old.err); err != nil {
			yield(Listed{}, err)
			return
		}
		item := from.item
		if !isOld && old.ok && item.CommonPrefix != "" && item.CommonPrefix == old.item.CommonPrefix {
			old.pull()
		}
		from.pull()
		if l.shape(&item, isOld) && !yield(item, nil) {
			return
		}
	}
}

// shape completes an item; false: it was yielded before.
func (l *versionLister) shape(item *Listed, isOld bool) bool {
	if item.CommonPrefix != "" {
		return true
	}
	first := item.Key != l.lastKey
	l.lastKey = item.Key
	if !isOld {
		item.Version = cmp.Or(item.Version, "null")
		l.lastCurrent = item.Version
		return true
	}
	if first {
		l.lastCurrent = ""
	}
	item.Latest = first && item.Marker
	return item.Version != l.lastCurrent // else it was replaced just now
}

// history yields what history has, in order.
func (l *versionLister) history(ctx context.Context) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		state, err := l.v.versioning(ctx, l.bucket)
		if err != nil || state == "" {
			if err != nil {
				yield(Listed{}, err)
			}
			return
		}
		after, err := l.start(ctx)
		if err != nil {
			yield(Listed{}, err)
			return
		}
		for more := true; more; {
			after, more = l.historyFrom(ctx, after, yield)
		}
	}
}

// historyFrom yields versions up to a common prefix, and where to go on; false:
// there is nothing more to do.
func (l *versionLister) historyFrom(ctx context.Context, after string, yield func(Listed, error) bool) (string, bool) {
	for f, err := range l.v.historyFrom(ctx, historyPrefix(l.bucket, l.o.Prefix), after) {
		if err != nil {
			yield(Listed{}, err)
			return "", false
		}
		if !f.isVersion() || len(f.Key) > MaxObjectKey {
			continue
		}
		if common, ok := rollUp(f.Key, l.o.Prefix, l.o.Delimiter); ok {
			past, _ := pastPrefix(historyPrefix(l.bucket, common))
			return past, common == l.o.KeyMarker || yield(Listed{CommonPrefix: common}, nil)
		}
		if !yield(Listed{ObjectInfo: versionInfo(f.HistoryRecord)}, nil) {
			return "", false
		}
	}
	return "", false
}

// start is the place in history that the markers name. Of a version that is
// gone, those that were made before it come after it; of a null version, all do.
func (l *versionLister) start(ctx context.Context) (string, error) {
	if l.o.KeyMarker == "" {
		return "", nil
	}
	all := historyPrefix(l.bucket, l.o.KeyMarker) + "\x00"
	if l.o.VersionMarker == "" {
		return all + "\x80", nil // what follows goes on after a NUL
	}
	marker, _ := blockstore.ParseID(l.o.VersionMarker)
	after := all
	for f, err := range l.v.history(ctx, l.bucket, l.o.KeyMarker) {
		switch {
		case err != nil:
			return "", err
		case !f.isVersion():
		case versionName(f.HistoryRecord.version()) == l.o.VersionMarker:
			return f.key, nil
		case !marker.IsZero() && f.HistoryRecord.version().Time().After(marker.Time()):
			after = f.key
		}
	}
	return after, nil
}
