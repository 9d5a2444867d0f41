package namespace

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"maps"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
)

// ObjectInfo is what is under a key, or was in one of its versions.
type ObjectInfo struct {
	Key string
	// Attr: the kind is File, Symlink, or Dir for the key "dir/" of an explicit
	// directory; the size of a symlink is that of its target. Of a directory
	// it has what the node alone tells.
	Attr   Attr
	Object *Object // the S3 side; nil: none; shared, nobody may change it
	// ETag is without quotes: what S3 was told, else the content id of
	// another door's commit; of what is empty, and of symlinks, the MD5.
	ETag     string
	Modified Time   // when the content was committed
	Version  string // "" in a bucket that was never versioned; "null"; or the id
	Marker   bool   // a delete marker
	Latest   bool
	Target   string // of a symlink: the body of its object
}

// StatKey tells what a key, or with a version one of its versions, holds.
// NotFound if there is nothing; if that is because of a delete marker, Marker
// and Version are set all the same.
func (v *Volume) StatKey(ctx context.Context, bucket NodeID, key, version string) (ObjectInfo, error) {
	at, err := v.findKey(ctx, bucket, key, version)
	return at.info, err
}

// foundKey is what a key, or one of its versions, led to.
type foundKey struct {
	info    ObjectInfo
	id      NodeID
	node    *Node
	version blockstore.Version // of the record that has the node
	filed   string             // the key of that record, if it is history's
}

// findKey is StatKey with the node.
func (v *Volume) findKey(ctx context.Context, bucket NodeID, key, version string) (foundKey, error) {
	for range 100 {
		at, err := v.currentKey(ctx, bucket, key)
		if version != "" && cmp.Or(at.info.Version, "null") != version && (err == nil || errors.Is(err, blockstore.NotFound)) {
			at, err = v.otherVersion(ctx, bucket, key, version, at.version)
		}
		if blockstore.KindOf(err) != blockstore.Stale {
			return at, err
		}
		// Removed or replaced between two reads: look again.
	}
	return foundKey{}, blockstore.E("find", key, blockstore.Corrupt, nil)
}

func (v *Volume) currentKey(ctx context.Context, bucket NodeID, key string) (foundKey, error) {
	h, err := view{ctx, v}.holder(bucket, key)
	if err == nil && h.node == nil {
		return v.hiddenKey(ctx, bucket, key, h.versioning)
	}
	if err != nil {
		return foundKey{}, err
	}
	return foundKey{info: *h.info(key), id: h.id, node: h.node, version: h.version}, nil
}

// hiddenKey is of a key that leads to nothing: NotFound, with the delete marker if
// there is one.
func (v *Volume) hiddenKey(ctx context.Context, bucket NodeID, key, versioning string) (foundKey, error) {
	err := blockstore.E("find", key, blockstore.NotFound, nil)
	if versioning == "" {
		return foundKey{}, err
	}
	marker, failed := v.topMarker(ctx, bucket, key)
	if failed != nil || marker == nil {
		return foundKey{}, cmp.Or(failed, err)
	}
	at := foundKey{info: versionInfo(marker)}
	at.info.Latest = true
	return at, err
}

// otherVersion finds a version that is not the current one. What is not in history
// is Stale if the key's node is no longer in that state of its record: then the
// version may have come back from there between the two reads.
func (v *Volume) otherVersion(ctx context.Context, bucket NodeID, key, version string, current blockstore.Version) (foundKey, error) {
	at, err := v.oldKey(ctx, bucket, key, version)
	if err == nil || at.info.Marker || !errors.Is(err, blockstore.NotFound) {
		return at, err
	}
	if now, _ := v.currentKey(ctx, bucket, key); now.version != current {
		return foundKey{}, blockstore.E("find version "+version+" of", key, blockstore.Stale, nil)
	}
	return at, err
}

// oldKey finds a version of a key in history. A delete marker has nothing to
// read.
func (v *Volume) oldKey(ctx context.Context, bucket NodeID, key, version string) (foundKey, error) {
	f, err := v.findVersion(ctx, bucket, key, version)
	if err != nil {
		return foundKey{}, err
	}
	at := foundKey{info: versionInfo(f.HistoryRecord), id: f.ID, node: f.Node, version: f.version, filed: f.key}
	if f.Marker {
		err = blockstore.E("find", key, blockstore.NotFound, nil)
	}
	return at, err
}

// info is what the holder's key holds; nil: nothing.
func (h holder) info(key string) *ObjectInfo {
	if h.node == nil {
		return nil
	}
	info := objectInfo(key, h.id, h.node, h.versioning)
	return &info
}

// objectInfo is of a current node of a bucket in that state of versioning.
func objectInfo(key string, id NodeID, n *Node, versioning string) ObjectInfo {
	info := ObjectInfo{
		Key: key, Attr: n.attr(id), Object: n.Object, ETag: n.etag(), Modified: n.Mtime,
		Version: shownVersion(versioning, n), Latest: true, Target: n.Target,
	}
	if n.Content != nil {
		info.Modified = n.Content.Changed
	}
	return info
}

// etag names the content: API reference of S3, "Object", ETag. One that is not
// the MD5 of the content has a hyphen, so that no client takes it for one.
func (n *Node) etag() string {
	switch {
	case n.Object != nil && n.Object.ETag != "":
		return n.Object.ETag
	case n.size() > 0 && n.Content != nil:
		return hex.EncodeToString(n.Content.Tag[:]) + "-1"
	}
	sum := md5.Sum([]byte(n.Target))
	return hex.EncodeToString(sum[:])
}

// UpdateObject changes the S3 side of a key, or of one of its versions; its
// content, ETag and Modified stay. fn is given the present info and a copy that
// it may change; its error is returned as it is, and it may be called again.
func (d *Door) UpdateObject(ctx context.Context, bucket NodeID, key, version string, fn func(info *ObjectInfo, o *Object) error) (ObjectInfo, error) {
	var info ObjectInfo
	err := d.update(ctx, blockstore.Sync, func(tx *tx) error {
		h, err := tx.holder(bucket, key)
		switch {
		case err != nil:
		case h.holds(version):
			info, err = tx.updateCurrent(&h, key, fn)
		case version == "":
			err = blockstore.E("find", key, blockstore.NotFound, nil)
		default:
			info, err = tx.updateOld(bucket, key, version, fn)
		}
		return err
	})
	if errors.Is(err, errNoVersion) {
		err = blockstore.E("find version "+version+" of", key, blockstore.NotFound, nil)
	}
	return info, err
}

// errNoVersion ends an attempt at a change that found no such version in history.
// It may have come back from there since the key was read: of this kind of error
// Update sees whether that is so, and tries again.
var errNoVersion = blockstore.E("find version", "", blockstore.Stale, nil)

// holds says whether a version id is that of what the key leads to; "": of
// whatever it leads to.
func (h *holder) holds(version string) bool {
	return h.node != nil && (version == "" || versionName(h.node.Version) == version)
}

func (tx *tx) updateCurrent(h *holder, key string, fn func(info *ObjectInfo, o *Object) error) (ObjectInfo, error) {
	o := h.node.Object.clone()
	if err := fn(h.info(key), o); err != nil {
		return ObjectInfo{}, err
	}
	h.node.Object, h.node.Ctime = o, tx.now
	tx.putNode(h.id, h.node)
	return *h.info(key), nil
}

// updateOld is the same of a version in history; a delete marker has no S3 side.
func (tx *tx) updateOld(bucket NodeID, key, version string, fn func(info *ObjectInfo, o *Object) error) (ObjectInfo, error) {
	for f, err := range tx.versions(bucket, key) {
		if err != nil {
			return ObjectInfo{}, err
		}
		if f.Marker || versionName(f.Node.Version) != version {
			continue
		}
		info, o := versionInfo(f.HistoryRecord), f.Node.Object.clone()
		if err := fn(&info, o); err != nil {
			return ObjectInfo{}, err
		}
		f.Node.Object, f.Node.Ctime = o, tx.now
		tx.put(f.key, f.HistoryRecord)
		return versionInfo(f.HistoryRecord), nil
	}
	return ObjectInfo{}, errNoVersion
}

// clone is a copy that shares nothing; o may be nil.
func (o *Object) clone() *Object {
	if o == nil {
		return new(Object)
	}
	c := *o
	c.Headers, c.Metadata = maps.Clone(o.Headers), maps.Clone(o.Metadata)
	c.Tags, c.Checksums = maps.Clone(o.Tags), maps.Clone(o.Checksums)
	c.ACL, c.Parts = slices.Clone(o.ACL), slices.Clone(o.Parts)
	return &c
}
