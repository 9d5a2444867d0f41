package namespace

import (
	"context"
	"fmt"
	"strings"
)

// judgeTree sees that every node has its names, and every directory its place.
func (c *checker) judgeTree() {
	for id, n := range c.nodes {
		what := c.path(id)
		names := c.entries[id]
		switch {
		case id == RootID:
		case n.kind == Dir:
			if names != 1 {
				c.wrong(what, "a directory with %d names", names)
			}
			if p := c.nodes[n.parent]; p == nil || p.kind != Dir {
				c.wrong(what, "its parent %s is not there", n.parent)
			}
		case int64(n.links) != names:
			c.wrong(what, "has %d names, and a link count of %d", names, n.links)
		case names == 0 && !c.held[id]:
			c.wrong(what, "has no name, and nobody holds it open")
		}
		if n.kind == Dir && !c.reachesRoot(id) {
			c.wrong(what, "does not lead up to the root")
		}
	}
	for id := range c.entries {
		if c.nodes[id] == nil {
			c.wrong("node "+id.String(), "has a name, but is not there")
		}
	}
	for id := range c.tallied {
		if c.nodes[id] == nil {
			c.wrong("tally "+id.String(), "is of a directory that is not there")
		}
	}
}

func (c *checker) reachesRoot(id NodeID) bool {
	for range maxDepth {
		if id == RootID {
			return true
		}
		n := c.nodes[id]
		if n == nil {
			return false
		}
		id = n.parent
	}
	return false
}

// judgeCounts compares the tallies with what was counted.
func (c *checker) judgeCounts() {
	for id, n := range c.nodes {
		if n.kind == Dir && c.dirs[id] != c.tallied[id] {
			c.wrong(c.path(id), "counts %d directories in it, there are %d", c.tallied[id], c.dirs[id])
		}
		if n.kind != Dir && n.links > 0 {
			u := c.usage[n.bucket]
			c.usage[n.bucket] = [2]int64{u[0] + n.size, u[1] + 1}
		}
	}
	for id, n := range c.nodes {
		if n.kind == Dir && n.bucket == id && c.usage[id] != c.usages[id] {
			c.wrong("bucket "+n.name, "counts %d bytes in %d files, there are %d in %d",
				c.usages[id][0], c.usages[id][1], c.usage[id][0], c.usage[id][1])
		}
	}
}

// judgeSegments sees that contents and segments agree on who refers to whom.
func (c *checker) judgeSegments() {
	for id, rec := range c.segments {
		for _, r := range rec.Refs {
			ref := segmentRef{id, r.Content}
			if _, ok := c.refs[ref]; !ok {
				c.wrong("segment "+id.String(), "is referred to by content %s, which does not know of it", r.Content)
			}
			c.refs[ref] = true
		}
	}
	for ref, known := range c.refs {
		if has, live := c.contents[ref.content]; !known && live {
			c.wrong(c.nameOf(has), "refers to segment %s, which does not know of it", ref.segment)
		}
	}
	for b := range c.blocks {
		if c.segments[b.Segment] == nil {
			c.wrong("block "+b.String(), "its segment has no record")
		}
	}
	for id := range c.regions {
		if !c.spilled[id] {
			c.wrong("content "+id.String(), "has extents records that nobody reads")
		}
	}
}

// verifyBlocks reads every block that is used, so that the engine verifies its
// checksums.
func (c *checker) verifyBlocks(ctx context.Context) error {
	for id, block := range c.blocks {
		size := int(block.size)
		for off := 0; block.used && off < size; {
			b, err := c.v.store.GetBlock(ctx, id, off, size-off)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				c.wrong("block "+id.String(), "%v%s", err, c.usersOf(id.Segment))
				break
			}
			off += len(b)
			c.seen.Bytes += int64(len(b))
		}
		c.progress()
	}
	return nil
}

func (c *checker) usersOf(segment NodeID) string {
	rec := c.segments[segment]
	if rec == nil || len(rec.Refs) == 0 {
		return ""
	}
	return "; used by " + c.nameOf(c.contents[rec.Refs[0].Content])
}

// nameOf tells people whose a content is.
func (c *checker) nameOf(o owner) string {
	if !o.node.IsZero() {
		return c.path(o.node)
	}
	if o.part != "" {
		return "part " + o.part
	}
	return "history of " + o.history
}

// path is where a node was last entered, as far as that is known.
func (c *checker) path(id NodeID) string {
	path := ""
	for up := id; up != RootID; {
		n := c.nodes[up]
		if n == nil || len(path) > longestKey {
			path = "…/" + path
			break
		}
		path, up = n.name+"/"+path, n.parent
	}
	return fmt.Sprintf("%s (node %s)", strings.TrimSuffix(path, "/"), id)
}
