package namespace

import (
	"context"
	"iter"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

// Past is what a key held at some time, for people.
type Past struct {
	Path string // bucket/key
	// ID is what Restore knows it by: the version id, or that of the record.
	ID      string
	Current bool
	// Marker: a delete marker. Removed: nothing took its place. What is neither
	// that nor current was replaced.
	Marker  bool
	Removed bool
	Kind    Kind
	Size    int64 // bytes
	Made    Time  // when the content was committed
	Until   Time  // when it was replaced or removed; 0: it is current
	Expires Time  // when its room may be taken; 0: it is kept
	By      string
}

// History tells what a key has held, the newest first. The path is bucket/key.
// NotFound if nothing is known of it.
func (v *Volume) History(ctx context.Context, path string) ([]Past, error) {
	b, key, err := v.splitPath(ctx, path)
	if err != nil {
		return nil, err
	}
	var all []Past
	for p, err := range v.past(ctx, b, v.history(ctx, b.ID, key), key) {
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, blockstore.E("find history of", path, blockstore.NotFound, nil)
	}
	return all, nil
}

// splitPath finds the bucket of "bucket/key".
func (v *Volume) splitPath(ctx context.Context, path string) (Bucket, string, error) {
	name, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	b, err := v.Bucket(ctx, name)
	return b, key, err
}

// past tells of history records, which are in order, and of the current one of
// the key before; "" or another: of each key when its first record comes.
func (v *Volume) past(ctx context.Context, b Bucket, records iter.Seq2[filed, error], key string) iter.Seq2[Past, error] {
	return func(yield func(Past, error) bool) {
		s := successor{v: v, bucket: b}
		if key != "" {
			current, err := s.of(ctx, key)
			if err != nil || current != nil && !yield(*current, nil) {
				if err != nil {
					yield(Past{}, err)
				}
				return
			}
		}
		for f, err := range records {
			if err == nil {
				_, err = s.of(ctx, f.Key)
			}
			if err != nil {
				yield(Past{}, err)
				return
			}
			if !yield(s.pastOf(f), nil) {
				return
			}
		}
	}
}

// successor knows what came after the record that is looked at.
type successor struct {
	v      *Volume
	bucket Bucket
	key    string
	known  bool // key was looked at
	node   *Node
}

// of looks at the current one of a key, if that is another than before; nil:
// there is none.
func (s *successor) of(ctx context.Context, key string) (*Past, error) {
	if s.known && s.key == key {
		return nil, nil
	}
	at, err := s.v.findKey(ctx, s.bucket.ID, key, "")
	if err != nil && blockstore.KindOf(err) != blockstore.NotFound {
		return nil, err
	}
	s.key, s.known, s.node = key, true, at.node
	if at.node == nil || at.node.Kind == Dir {
		s.node = nil
		return nil, nil
	}
	p := s.describe(key, at.node)
	p.ID, p.Current = "current", true
	if at.info.Version != "" {
		p.ID = at.info.Version
	}
	return &p, nil
}

func (s *successor) describe(key string, n *Node) Past {
	return Past{Path: s.bucket.Name + "/" + key, Kind: n.Kind, Size: n.size(), Made: n.made()}
}

// pastOf tells of the next record. It was replaced if what came after it was
// there by then.
func (s *successor) pastOf(f filed) Past {
	if f.Marker {
		s.node = nil
		return Past{Path: s.bucket.Name + "/" + f.Key, ID: versionName(f.ID), Marker: true, Removed: true, Made: f.Removed, By: f.By}
	}
	p := s.describe(f.Key, f.Node)
	p.ID, p.Until, p.Expires, p.By = f.name(), f.HistoryRecord.Removed, f.Expires, f.By
	p.Removed = s.node == nil || s.node.Btime > f.HistoryRecord.Removed
	s.node = f.Node
	return p
}

// name is what people call a record by.
func (f filed) name() string {
	if f.isVersion() {
		return versionName(f.HistoryRecord.version())
	}
	_, id := splitHistoryKey(f.key)
	return id.String()
}

// made is when the content was committed.
func (n *Node) made() Time {
	if n.Content != nil {
		return n.Content.Changed
	}
	return n.Btime
}

// Trash tells of all that is kept for a while after it was replaced or removed
// in ordinary buckets: below "bucket/prefix", or "" for all, in the order of the
// keys.
func (v *Volume) Trash(ctx context.Context, path string) iter.Seq2[Past, error] {
	return func(yield func(Past, error) bool) {
		for b, err := range v.bucketsOf(ctx, path) {
			if err != nil {
				yield(Past{}, err)
				return
			}
			for p, err := range v.past(ctx, b.Bucket, v.trash(ctx, b.ID, b.prefix), "") {
				if !yield(p, err) || err != nil {
					return
				}
			}
		}
	}
}

// trash yields the history records of keys with a prefix that are not versions.
func (v *Volume) trash(ctx context.Context, bucket NodeID, prefix string) iter.Seq2[filed, error] {
	return func(yield func(filed, error) bool) {
		for f, err := range v.historyFrom(ctx, historyPrefix(bucket, prefix), "") {
			if err == nil && f.isVersion() {
				continue
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// bucketPrefix is a part of a bucket.
type bucketPrefix struct {
	Bucket
	prefix string
}

// bucketsOf yields the part that a path names, or for "" all buckets.
func (v *Volume) bucketsOf(ctx context.Context, path string) iter.Seq2[bucketPrefix, error] {
	return func(yield func(bucketPrefix, error) bool) {
		if path != "" {
			b, prefix, err := v.splitPath(ctx, path)
			yield(bucketPrefix{b, prefix}, err)
			return
		}
		all, err := v.Buckets(ctx)
		if err != nil {
			yield(bucketPrefix{}, err)
			return
		}
		for _, b := range all {
			if !yield(bucketPrefix{Bucket: b}, nil) {
				return
			}
		}
	}
}

// emptiedAtOnce is how many records a change of EmptyTrash takes.
const emptiedAtOnce = 256

// EmptyTrash gives up what Trash tells of and what was replaced or removed before
// a time. It returns how many contents that were, and their bytes; the
// collector gives the room back.
func (v *Volume) EmptyTrash(ctx context.Context, path string, before Time) (count int, bytes int64, err error) {
	empty := func(batch []filed) error {
		err := v.forgetAll(ctx, batch)
		for _, f := range batch {
			count, bytes = count+1, bytes+f.Node.size()
		}
		return err
	}
	var batch []filed
	for b, err := range v.bucketsOf(ctx, path) {
		if err != nil {
			return count, bytes, err
		}
		for f, err := range v.trash(ctx, b.ID, b.prefix) {
			if err != nil {
				return count, bytes, err
			}
			if f.Removed > before {
				continue
			}
			if batch = append(batch, f); len(batch) == emptiedAtOnce {
				if err := empty(batch); err != nil {
					return count, bytes, err
				}
				batch = nil
			}
		}
	}
	return count, bytes, empty(batch)
}

// forgetAll removes history records, if they are as they were read.
func (v *Volume) forgetAll(ctx context.Context, batch []filed) error {
	return v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		for _, f := range batch {
			_, now, err := tx.Get(f.key)
			if err != nil {
				return err
			}
			if now == f.version {
				tx.forget(f.key, f.HistoryRecord)
			}
		}
		return nil
	})
}
