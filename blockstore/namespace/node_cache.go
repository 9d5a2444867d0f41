package namespace

import (
	"context"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// nodeCache saves decoding: it keeps nodes by id and version. The store is
// always asked for the version, so it is never stale.
type nodeCache struct {
	lru *lru.Cache[NodeID, cachedNode]
}

type cachedNode struct {
	version blockstore.Version
	node    *Node // shared: never changed
}

// cachedNodes bounds the cache; a node takes some 500 bytes.
const cachedNodes = 1 << 14

// How many runs, parts or bytes of attributes a cached node may have.
const (
	largestRuns   = 64
	largestParts  = 1000
	largestXattrs = 4 << 10
)

func newNodeCache() *nodeCache {
	return &nodeCache{lru: must(lru.New[NodeID, cachedNode](cachedNodes))}
}

// readNode returns a node, which nobody may change, and its version. Stale if
// it is not there.
func (v *Volume) readNode(ctx context.Context, id NodeID) (*Node, blockstore.Version, error) {
	key := nodeKey(id)
	value, version, err := v.store.Get(ctx, key)
	if err != nil {
		return nil, version, err
	}
	if version.IsZero() {
		return nil, version, blockstore.E("read", "node "+id.String(), blockstore.Stale, nil)
	}
	if c, ok := v.nodes.lru.Get(id); ok && c.version == version {
		return c.node, version, nil
	}
	n := new(Node)
	if err := decode(key, value, n); err != nil {
		return nil, version, err
	}
	v.stamper.observe(n.Stamp)
	v.nodes.add(id, version, n)
	return n, version, nil
}

func (c *nodeCache) add(id NodeID, version blockstore.Version, n *Node) {
	if !n.large() {
		c.lru.Add(id, cachedNode{version, n})
	}
}

// large says whether the node is better decoded again than kept.
func (n *Node) large() bool {
	return n.Content != nil && len(n.Content.Runs) > largestRuns ||
		n.Object != nil && len(n.Object.Parts) > largestParts ||
		len(n.Xattrs) > 0 && n.xattrBytes() > largestXattrs
}

// writtenNode is what a change made of a node: nil if it deleted it.
type writtenNode struct {
	id   NodeID
	node *Node
}

// keep takes in what a change wrote, in order: all of it has the change's
// version.
func (c *nodeCache) keep(written []writtenNode, version blockstore.Version) {
	for _, w := range written {
		if w.node == nil {
			c.lru.Remove(w.id)
			continue
		}
		c.add(w.id, version, w.node)
	}
}

// tally reads the tally of a directory or bucket.
func (v *Volume) tally(ctx context.Context, key string) (blockstore.Tally, error) {
	value, _, err := v.store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	return blockstore.DecodeTally(value)
}
