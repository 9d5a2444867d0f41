package namespace

import "github.com/cairnfs/cairn/blockstore"

// newVersion makes what a file in a versioned bucket is about to become a
// version of its own, if it was opened for writing since the last commit: the
// content that it has is filed, and it takes a new version id. true: history has
// the content itself, which then nobody may change; it has another one, with the
// same blocks, if the node's is to stay.
func (c *commit) newVersion(tx *tx, node *Node, stays bool) (bool, error) {
	if c.quiet || !c.n.opened || node.Links == 0 {
		return false, nil
	}
	state, err := tx.versioning(node.Bucket)
	if err != nil || state == "" {
		return false, err
	}
	key, err := tx.lastKey(node)
	if err != nil {
		return false, err
	}
	kept := false
	if node.Content.Size > 0 {
		kept, err = tx.keepVersion(c.n.id, node, key, stays)
		if err != nil {
			return false, err
		}
	}
	if state == VersioningEnabled {
		node.Version = blockstore.NewID()
		return kept && !stays, nil
	}
	if !node.Version.IsZero() {
		node.Version = blockstore.ID{}
		err = tx.dropNull(node.Bucket, key)
	}
	return kept && !stays, err
}
