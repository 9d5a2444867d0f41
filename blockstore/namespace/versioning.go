package namespace

import (
	"context"
	"errors"
	"iter"

	"github.com/cairnfs/cairn/blockstore"
)

// A key of a versioned bucket has a list of versions, newest first: the current
// one, which is its node, and behind it those in history. (What history keeps
// for a while, as in any bucket, is not among them.) A delete marker hides those
// that are older; a key with a marker on top has no node.
//
// Two changes of one list never pass each other: each changes the entry or the
// node of the current version, and where there is none, the record on top of
// the list.

// filed is a history record and where it is.
type filed struct {
	key     string
	version blockstore.Version
	*HistoryRecord
}

// history yields what history has of a key, newest first.
func (v *Volume) history(ctx context.Context, bucket NodeID, fullKey string) iter.Seq2[filed, error] {
	return func(yield func(filed, error) bool) {
		for f, err := range v.historyFrom(ctx, historyPrefix(bucket, fullKey)+"\x00", "") {
			if err == nil && f.Key != fullKey {
				return // keys that go on after a NUL
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// historyFrom yields the history records with a prefix after a key.
func (v *Volume) historyFrom(ctx context.Context, prefix, after string) iter.Seq2[filed, error] {
	return func(yield func(filed, error) bool) {
		for r, err := range v.store.Scan(ctx, prefix, after) {
			f := filed{r.Key, r.Version, new(HistoryRecord)}
			if err == nil {
				err = decodeHistory(r.Key, r.Value, f.HistoryRecord)
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// versions yields the versions of a key that are in history, newest first, and
// makes the change depend on each that was yielded.
func (tx *tx) versions(bucket NodeID, fullKey string) iter.Seq2[filed, error] {
	return func(yield func(filed, error) bool) {
		for f, err := range tx.v.history(tx.Context(), bucket, fullKey) {
			if err == nil && !f.isVersion() {
				continue
			}
			if err == nil {
				tx.Guard(f.key, f.version)
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// newest is the version of a key on top of history; nil: there is none.
func (tx *tx) newest(bucket NodeID, fullKey string) (*filed, error) {
	for f, err := range tx.versions(bucket, fullKey) {
		return &f, err
	}
	return nil, nil
}

func (tx *tx) versioning(bucket NodeID) (string, error) {
	if bucket == tx.bucket && !bucket.IsZero() {
		return tx.state, nil
	}
	state, err := tx.v.versioning(tx.Context(), bucket)
	if err == nil {
		tx.bucket, tx.state = bucket, state
	}
	return state, err
}

// versioning is the state of a bucket's versioning.
func (v *Volume) versioning(ctx context.Context, bucket NodeID) (string, error) {
	b, err := v.readBucket(ctx, bucket)
	if err != nil || b == nil {
		return "", err
	}
	return b.Versioning, nil
}

// replaceable says whether a version goes when it is replaced: it is the null
// version of a bucket that is not versioned, or not any more.
func replaceable(state string, n *Node) bool {
	return state == "" || state == VersioningSuspended && n.Version.IsZero()
}

// hasVersions says whether a node of the kind is an object, which has versions.
func hasVersions(k Kind) bool { return k == File || k == Symlink }

// beginVersion gives a node that is about to be a key's current one its version
// id. Where versioning is suspended that is "null", of which a key has one.
func (tx *tx) beginVersion(n *Node, dir NodeID, name string) error {
	if !hasVersions(n.Kind) {
		return nil
	}
	state, err := tx.versioning(n.Bucket)
	if err != nil {
		return err
	}
	n.Version = blockstore.ID{}
	switch state {
	case VersioningEnabled:
		n.Version = blockstore.NewID()
	case VersioningSuspended:
		key, err := tx.fullKey(dir, name)
		if err != nil {
			return err
		}
		return tx.dropNull(n.Bucket, key)
	}
	return nil
}

// dropNull takes the null version of a key out of history: another takes its
// place. Its content is kept as in any bucket.
func (tx *tx) dropNull(bucket NodeID, fullKey string) error {
	for f, err := range tx.versions(bucket, fullKey) {
		switch {
		case err != nil:
			return err
		case !f.HistoryRecord.version().IsZero():
			continue
		case f.Node != nil && tx.v.keepsHistory(f.Node, tx.now):
			tx.putTrash(f.key, f.HistoryRecord)
		default:
			tx.forget(f.key, f.HistoryRecord)
		}
		return nil
	}
	return nil
}

// fileVersion puts a version on top of the history of its key.
func (tx *tx) fileVersion(bucket NodeID, h *HistoryRecord) error {
	top, err := tx.newest(bucket, h.Key)
	if err != nil {
		return err
	}
	h.Removed, h.By = max(tx.now, tx.filed+1), tx.by
	if top != nil {
		h.Removed = max(h.Removed, top.Removed+1) // whatever the clocks say
	}
	tx.filed = h.Removed
	tx.put(historyKey(bucket, h.Key, h.Removed, blockstore.NewID()), h)
	return nil
}

// mark hides what a key of a versioned bucket had until now behind a delete
// marker. It returns the marker's version id, and false if the bucket is not
// versioned.
func (tx *tx) mark(bucket NodeID, fullKey string) (blockstore.ID, bool, error) {
	state, err := tx.versioning(bucket)
	if err != nil || state == "" {
		return blockstore.ID{}, false, err
	}
	h := &HistoryRecord{Key: fullKey, Marker: true}
	if state == VersioningEnabled {
		h.ID = blockstore.NewID()
	} else if err := tx.dropNull(bucket, fullKey); err != nil {
		return blockstore.ID{}, true, err
	}
	return h.ID, true, tx.fileVersion(bucket, h)
}

// markName is mark for a name of a directory.
func (tx *tx) markName(dir NodeID, name string, kind Kind) error {
	n, _, err := tx.v.readNode(tx.Context(), dir)
	if err != nil || !hasVersions(kind) {
		return err
	}
	if state, err := tx.versioning(n.Bucket); err != nil || state == "" {
		return err
	}
	key, err := tx.fullKey(dir, name)
	if err != nil {
		return err
	}
	_, _, err = tx.mark(n.Bucket, key)
	return err
}

// keepVersion files the content of a node that loses its last name, or that is
// about to change, as a version of a key; false if the bucket keeps none of it.
// If the node stays, the version shares its blocks.
func (tx *tx) keepVersion(id NodeID, n *Node, fullKey string, stays bool) (bool, error) {
	state, err := tx.versioning(n.Bucket)
	if err != nil || replaceable(state, n) || !hasVersions(n.Kind) {
		return false, err
	}
	kept, err := tx.copyOf(id, n, stays)
	if err != nil || kept == nil {
		return false, err
	}
	return true, tx.fileVersion(n.Bucket, &HistoryRecord{ID: id, Node: kept, Key: fullKey})
}

// noVersions fails with NotEmpty if a bucket has versions, and makes the change
// depend on there being none: who files one changes the bucket's usage too.
func (tx *tx) noVersions(bucket NodeID, name string) error {
	if _, _, err := tx.Get(usageKey(bucket)); err != nil {
		return err
	}
	for f, err := range tx.v.historyFrom(tx.Context(), historyPrefix(bucket, ""), "") {
		if err != nil {
			return err
		}
		if f.isVersion() {
			return blockstore.E("remove bucket", name, blockstore.NotEmpty, errors.New("it has versions of "+quote(f.Key)))
		}
	}
	return nil
}

// versionName is how S3 shows a version id.
func versionName(id blockstore.ID) string {
	if id.IsZero() {
		return "null"
	}
	return id.String()
}

// shownVersion is the version id of a current node: none in a bucket that never
// had versions.
func shownVersion(state string, n *Node) string {
	if state == "" && n.Version.IsZero() || !hasVersions(n.Kind) {
		return ""
	}
	return versionName(n.Version)
}

// versionInfo is what a version in history holds.
func versionInfo(h *HistoryRecord) ObjectInfo {
	if h.Marker {
		return ObjectInfo{Key: h.Key, Modified: h.Removed, Version: versionName(h.ID), Marker: true}
	}
	info := objectInfo(h.Key, h.ID, h.Node, VersioningEnabled)
	info.Latest = false
	return info
}

// findVersion finds a version of a key in history: NotFound if it has none of
// that id.
func (v *Volume) findVersion(ctx context.Context, bucket NodeID, fullKey, version string) (filed, error) {
	for f, err := range v.history(ctx, bucket, fullKey) {
		if err != nil {
			return filed{}, err
		}
		if f.isVersion() && versionName(f.HistoryRecord.version()) == version {
			return f, nil
		}
	}
	return filed{}, blockstore.E("find version "+version+" of", fullKey, blockstore.NotFound, nil)
}

// topMarker is the delete marker that hides a key without a current version;
// nil: there is none.
func (v *Volume) topMarker(ctx context.Context, bucket NodeID, fullKey string) (*HistoryRecord, error) {
	for f, err := range v.history(ctx, bucket, fullKey) {
		if err != nil {
			return nil, err
		}
		if !f.isVersion() {
			continue
		}
		if !f.Marker {
			return nil, nil
		}
		return f.HistoryRecord, nil
	}
	return nil, nil
}

// stillFiled fails with Stale if a history record is not there any more.
func (v *Volume) stillFiled(ctx context.Context, key string) error {
	_, version, err := v.store.Get(ctx, key)
	if err == nil && version.IsZero() {
		err = blockstore.E("read", keyName(key), blockstore.Stale, nil)
	}
	return err
}
