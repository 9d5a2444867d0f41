package namespace

import (
	"context"
	"errors"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

// Restore says what to bring back, and to where.
type Restore struct {
	// At: as it was then; or Version: what has that id (Past.ID). Neither: what
	// was replaced or removed last.
	At      Time
	Version string
	// To is another path. "": where it was.
	To string
}

var errWasNot = errors.New("it was not there at that time")

// Restore brings back what a path, bucket/key, held; what is there now goes to
// history itself, and history keeps what it has. No data is moved. With At, a path that is a directory, or was
// one, is brought back with all files below it that were there then; files that
// came later stay. It returns the paths of what was brought back; NotFound if
// history does not have it.
func (d *Door) Restore(ctx context.Context, path string, r Restore) ([]string, error) {
	b, key, err := d.v.splitPath(ctx, path)
	if err != nil {
		return nil, err
	}
	to, toKey := b, key
	if r.To != "" {
		if to, toKey, err = d.v.splitPath(ctx, r.To); err != nil {
			return nil, err
		}
	}
	m := restoring{d: d, from: b, to: to, r: r}
	tree, err := m.isTree(ctx, key)
	if err != nil {
		return nil, err
	}
	if !tree || r.At == 0 {
		done, err := m.key(ctx, key, toKey)
		if !done || err != nil {
			return nil, err
		}
		return []string{to.Name + "/" + toKey}, nil
	}
	return m.below(ctx, key, toKey)
}

// restoring is one Restore.
type restoring struct {
	d        *Door
	from, to Bucket
	r        Restore
}

// isTree says whether a path is not of a file, of now or of the past, but has some
// below it.
func (m *restoring) isTree(ctx context.Context, key string) (bool, error) {
	for _, err := range m.d.v.history(ctx, m.from.ID, key) {
		return false, err
	}
	_, err := m.d.v.currentKey(ctx, m.from.ID, key)
	if blockstore.KindOf(err) != blockstore.NotFound && !strings.HasSuffix(key, "/") {
		return false, err
	}
	below, err := m.nextKey(ctx, asDir(key), "")
	return below != "", err
}

// below restores every key of a directory. One that was not there then is left
// alone.
func (m *restoring) below(ctx context.Context, dir, toDir string) ([]string, error) {
	dir, toDir = asDir(dir), asDir(toDir)
	var all []string
	after := ""
	for {
		key, err := m.nextKey(ctx, dir, after)
		if err != nil {
			return all, err
		}
		if key == "" {
			return all, nil
		}
		after = historyPrefix(m.from.ID, key) + "\x00\x80" // past it
		done, err := m.key(ctx, key, toDir+key[len(dir):])
		switch {
		case errors.Is(err, errWasNot):
		case err != nil:
			return all, err
		case done:
			all = append(all, m.to.Name+"/"+toDir+key[len(dir):])
		}
	}
}

func asDir(key string) string {
	if key == "" || strings.HasSuffix(key, "/") {
		return key
	}
	return key + "/"
}

// nextKey is the next key in a directory that history has; "": there is none.
func (m *restoring) nextKey(ctx context.Context, dir, after string) (string, error) {
	for f, err := range m.d.v.historyFrom(ctx, historyPrefix(m.from.ID, dir), after) {
		if err != nil {
			return "", err
		}
		return f.Key, nil
	}
	return "", nil
}

// key restores one key, in one change; false: it is as it was.
func (m *restoring) key(ctx context.Context, key, toKey string) (bool, error) {
	done := false
	err := m.d.update(ctx, blockstore.Sync, func(tx *tx) error {
		done = false
		f, err := m.pick(tx, key)
		if err != nil {
			return err
		}
		h, err := tx.holder(m.to.ID, toKey)
		if err != nil || h.node.sameContent(f.Node) {
			return err
		}
		done = true
		return m.place(tx, f, &h)
	})
	return done, err
}

// pick finds what to restore. If that is what the key leads to now, it has no
// record.
func (m *restoring) pick(tx *tx, key string) (*filed, error) {
	h, err := tx.holder(m.from.ID, key)
	if err != nil {
		return nil, err
	}
	var found *filed
	if m.r.choosesCurrent(&h) {
		found = &filed{HistoryRecord: &HistoryRecord{ID: h.id, Node: h.node, Key: key}}
	}
	for f, err := range tx.v.history(tx.Context(), m.from.ID, key) {
		if err != nil {
			return nil, err
		}
		if m.r.At != 0 && f.HistoryRecord.Removed <= m.r.At {
			break
		}
		if !f.Marker && m.r.chooses(f.Node, f.name()) && (found == nil || f.Node.made() > found.Node.made()) {
			found = &f
		}
		if found != nil && m.r.At == 0 {
			break
		}
	}
	switch {
	case found == nil:
		return nil, m.missing(key)
	case found.key != "":
		tx.Guard(found.key, found.version)
	}
	return found, nil
}

// chooses says whether it may be this that is to be restored. Of what was there at
// a time, it is what was made last.
func (r *Restore) chooses(n *Node, id string) bool {
	switch {
	case r.At != 0:
		return n.made() <= r.At
	case r.Version != "":
		return id == r.Version
	}
	return true
}

// choosesCurrent is chooses of what is there now: that is not what was removed.
func (r *Restore) choosesCurrent(h *holder) bool {
	return (r.At != 0 || r.Version != "") && h.node != nil && hasVersions(h.node.Kind) &&
		r.chooses(h.node, shownVersion(h.versioning, h.node))
}

func (m *restoring) missing(key string) error {
	var why error
	if m.r.At != 0 {
		why = errWasNot
	}
	return blockstore.E("restore", m.from.Name+"/"+key, blockstore.NotFound, why)
}

// sameContent says whether a node, which may be nil, has the very content of
// another.
func (n *Node) sameContent(other *Node) bool {
	switch {
	case n == nil || n.Kind != other.Kind:
		return false
	case n.Content == nil:
		return n.Target == other.Target
	}
	return n.Content.Tag == other.Content.Tag
}

// place makes a copy of what history has what a key leads to.
func (m *restoring) place(tx *tx, f *filed, h *holder) error {
	id := blockstore.NewID()
	n, err := tx.copyOf(id, f.Node, true)
	if err == nil && n == nil {
		err = blockstore.E("restore", f.Key, blockstore.TooManyLinks, errors.New("too many share its blocks"))
	}
	if err != nil {
		return err
	}
	if err := tx.clearFor(h); err != nil {
		return err
	}
	if n.Content != nil {
		n.Content.Changed = tx.now // clients that compare times must see that it changed
	}
	n.Bucket, n.Btime = m.to.ID, tx.now
	if err := tx.makeDirs(h); err != nil {
		return err
	}
	if err := tx.beginVersion(n, h.dir, h.rest); err != nil {
		return err
	}
	tx.settle(h, id, n)
	return nil
}

// clearFor retires what a key leads to, however young that is.
func (tx *tx) clearFor(h *holder) error {
	if h.entry == nil || h.entry.File.IsZero() {
		return nil
	}
	if !h.entry.FileKind.isKey() {
		return blockstore.E("restore", h.rest, blockstore.Exists, nil)
	}
	f := asUsual
	if h.versioning == "" {
		f = toTrash
	}
	return tx.unlink(h.entry.File, h.dir, h.rest, f)
}
