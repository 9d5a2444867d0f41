package namespace

import "github.com/cairnfs/cairn/blockstore"

// revive makes a node of history what a key leads to. It is another node from
// now on, for what had its id may be there still, and no handle of that is to
// come to this. What else the key led to was unlinked before.
func (tx *tx) revive(h *holder, n *Node) error {
	if err := tx.makeDirs(h); err != nil {
		return err
	}
	tx.settle(h, blockstore.NewID(), n.clone())
	return nil
}

// settle makes a node what a key leads to, whose directories are there.
func (tx *tx) settle(h *holder, id NodeID, n *Node) {
	n.Links, n.Parent, n.Name, n.Ctime, n.Kept = 1, h.dir, h.rest, tx.now, blockstore.ID{}
	if n.Content != nil {
		n.Content.Queued = false
	}
	tx.putEntry(h.dir, h.rest, h.entry.with(id, n.Kind))
	tx.touchDir(h.dir, 0)
	tx.use(n.Bucket, n.size(), 1)
	tx.putNode(id, n)
}
