package namespace

import (
	"context"

	"github.com/cairnfs/cairn/blockstore"
)

// Deleted is what DeleteKey did.
type Deleted struct {
	Existed bool
	// Marker: a delete marker was made, or the version deleted was one.
	Marker bool
	// Version is that of the marker, or of what was deleted.
	Version string
}

// DeleteKey removes what is under a key, durably (S3 DeleteObject). In an
// ordinary bucket it goes to history, in a versioned one behind a delete marker.
// With a version it removes that version for good; if that was the current one,
// or the marker that hid it, the next is current from then on. What is not there
// is no error.
//
// cond, which may be nil, is asked in the change itself what the key, or the
// version, holds now (nil: nothing); its error is returned as it is and nothing
// happens. It may be asked again.
func (d *Door) DeleteKey(ctx context.Context, bucket NodeID, key, version string, cond func(current *ObjectInfo) error) (Deleted, error) {
	return d.deleteKey(ctx, blockstore.Sync, bucket, key, version, cond)
}

func (d *Door) deleteKey(ctx context.Context, dur blockstore.Durability, bucket NodeID, key, version string, cond func(*ObjectInfo) error) (Deleted, error) {
	if err := checkKey(key); err != nil {
		return Deleted{}, err
	}
	if cond == nil {
		cond = func(*ObjectInfo) error { return nil }
	}
	var done Deleted
	err := d.update(ctx, dur, func(tx *tx) error {
		x := keyDeletion{tx: tx, bucket: bucket, key: key}
		var err error
		x.h, err = tx.holder(bucket, key)
		if x.h.isDirectory() && version != "" && version != "null" {
			x.h.node = nil // those are versions of the file that had the key
		}
		switch {
		case err != nil:
			return err
		case x.h.isDirectory():
			done, err = x.directory(version, cond)
		case version == "" || x.h.versioning == "":
			done, err = x.current(version, cond)
		default:
			done, err = x.version(version, cond)
		}
		return err
	})
	return done, err
}

// keyDeletion is one attempt.
type keyDeletion struct {
	tx     *tx
	bucket NodeID
	key    string
	h      holder
}

// isDirectory says whether the key is that of an explicit directory.
func (h *holder) isDirectory() bool { return h.node != nil && h.node.Kind == Dir }

// directory takes the mark of an explicit directory off; then it is only implied,
// and goes if it is empty. Directories have no versions but the one.
func (x *keyDeletion) directory(version string, cond func(*ObjectInfo) error) (Deleted, error) {
	if err := cond(x.h.info(x.key)); err != nil {
		return Deleted{}, err
	}
	n := x.h.node
	n.Implied, n.Object, n.Ctime = true, nil, x.tx.now
	x.tx.putNode(x.h.id, n)
	return Deleted{Existed: true, Version: version}, x.tx.pruneImplied(x.bucket, x.h.dir)
}

// current removes what the key leads to.
func (x *keyDeletion) current(version string, cond func(*ObjectInfo) error) (Deleted, error) {
	if version != "" && version != "null" {
		return Deleted{}, cond(nil)
	}
	if err := cond(x.h.info(x.key)); err != nil {
		return Deleted{}, err
	}
	done := Deleted{Existed: x.h.node != nil, Version: version}
	if done.Existed {
		if err := x.unlink(asUsual); err != nil {
			return Deleted{}, err
		}
	}
	if x.h.versioning == "" {
		return done, nil
	}
	if !done.Existed {
		if err := x.touchTop(); err != nil {
			return Deleted{}, err
		}
	}
	id, _, err := x.tx.mark(x.bucket, x.key)
	done.Marker, done.Version = true, versionName(id)
	return done, err
}

// touchTop writes the record on top of the key's history again, so that no other
// change of the versions passes by: there is no entry to meet at.
func (x *keyDeletion) touchTop() error {
	if err := x.touchBucket(); err != nil {
		return err
	}
	top, err := x.tx.newest(x.bucket, x.key)
	if top != nil {
		x.tx.put(top.key, top.HistoryRecord)
	}
	return err
}

// touchBucket makes a change that may write nothing else one that is committed, for
// its guards to be asked, unless the bucket is gone.
func (x *keyDeletion) touchBucket() error {
	_, err := x.tx.dir(x.bucket)
	x.tx.Add(usageKey(x.bucket), usageFiles, blockstore.Sum, 0)
	return err
}

// unlink takes the key from its node, and the directories with it that were
// there for the key alone.
func (x *keyDeletion) unlink(f fate) error {
	h := &x.h
	x.tx.leaveEntry(h.dir, h.rest, h.entry.without(h.node.Kind))
	x.tx.touchDir(h.dir, 0)
	if err := x.tx.unlink(h.id, h.dir, h.rest, f); err != nil {
		return err
	}
	return x.tx.pruneImplied(x.bucket, h.dir)
}

// version removes one version for good.
func (x *keyDeletion) version(version string, cond func(*ObjectInfo) error) (Deleted, error) {
	if x.h.holds(version) {
		return x.currentVersion(version, cond)
	}
	var above bool // there is a newer one in history
	for f, err := range x.tx.versions(x.bucket, x.key) {
		if err != nil {
			return Deleted{}, err
		}
		if versionName(f.HistoryRecord.version()) != version {
			if !above && x.h.node == nil {
				x.tx.put(f.key, f.HistoryRecord) // as touchTop
			}
			above = true
			continue
		}
		info := versionInfo(f.HistoryRecord)
		if err := cond(&info); err != nil {
			return Deleted{}, err
		}
		x.tx.forget(f.key, f.HistoryRecord)
		done := Deleted{Existed: true, Marker: f.Marker, Version: version}
		if above || x.h.node != nil || !f.Marker {
			return done, nil
		}
		return done, x.bringBack(f.key)
	}
	if err := cond(nil); err != nil {
		return Deleted{}, err
	}
	// It may have come back from history since the key was read.
	return Deleted{Version: version}, x.touchBucket()
}

// currentVersion removes the version that is current.
func (x *keyDeletion) currentVersion(version string, cond func(*ObjectInfo) error) (Deleted, error) {
	if err := cond(x.h.info(x.key)); err != nil {
		return Deleted{}, err
	}
	done := Deleted{Existed: true, Version: version}
	top, err := x.tx.newest(x.bucket, x.key)
	if err != nil {
		return Deleted{}, err
	}
	if top == nil || top.Marker {
		return done, x.unlink(forGood)
	}
	if err := x.tx.unlink(x.h.id, x.h.dir, x.h.rest, forGood); err != nil {
		return Deleted{}, err
	}
	x.tx.Delete(top.key)
	return done, x.tx.revive(&x.h, top.Node)
}

// bringBack makes the version current that is next in history after one that the
// change removes, unless that is a marker too.
func (x *keyDeletion) bringBack(removed string) error {
	for f, err := range x.tx.versions(x.bucket, x.key) {
		if err == nil && f.key == removed {
			continue
		}
		if err != nil || f.Marker {
			return err
		}
		x.tx.Delete(f.key)
		return x.tx.revive(&x.h, f.Node)
	}
	return nil
}
