package namespace

import (
	"context"
	"maps"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
)

// commit is one commit of what is dirty.
type commit struct {
	n     *liveNode
	size  int64
	small *blockstore.Block
	draft *draft // of a new content: what it shares with others; nil: nothing
	final bool   // nothing will be written to the log after it
	exact bool   // Busy if the node is not as it was last read
	quiet bool   // the same bytes elsewhere: not a change to anybody

	// what the successful attempt made
	next    *Node
	version blockstore.Version
	onBase  bool // it was made on what the node knew
	regions map[int64]ExtentList
	smallOK uint32
}

func (c *commit) run(ctx context.Context) error {
	version, err := c.n.d.updateVersion(ctx, blockstore.Lazy, c.attempt)
	c.version = version
	return err
}

func (c *commit) attempt(tx *tx) error {
	n := c.n
	node, version, err := tx.versionOf(n.id)
	if err != nil {
		return err
	}
	tx.self = n
	if c.onBase = version == n.version; c.onBase {
		tx.known = n.knownRegion
	}
	if c.exact && version != n.version {
		return blockstore.E("flush", node.Name, blockstore.Busy, nil)
	}
	c.next, c.regions, c.smallOK = node, make(map[int64]ExtentList), 0
	old := *node.Content
	m := node.Content
	m.Runs, m.Segments = slices.Clone(m.Runs), slices.Clone(m.Segments)
	over := n.dirty.keep == 0 && old.Size > 0
	filed, err := c.newVersion(tx, node, !over)
	if err != nil {
		return err
	}
	if over {
		m, err = c.startOver(tx, node, filed)
	} else {
		err = tx.cutOff(m, n.dirty.keep, c.regions)
	}
	if err != nil {
		return err
	}
	node.Content = m
	if err := c.layAll(tx, m); err != nil {
		return err
	}
	if err := c.refer(tx, m); err != nil {
		return err
	}
	c.dropLeft(tx, old.Segments)
	if c.small != nil {
		tx.Block(c.small.ID, c.small.Data)
	}
	m.Size = c.size
	if n.dirty.keep > old.Size {
		m.Size = max(c.size, old.Size) // another door made it longer meanwhile
	}
	m.Stored += n.dirty.stored
	if c.small != nil {
		m.Stored += int64(len(c.small.Data))
	}
	for id := range n.dirty.needs {
		tx.Need(id)
	}
	if !c.quiet {
		c.changed(tx, node, old.Size)
	}
	tx.putNode(n.id, node)
	return nil
}

// startOver begins a new content for a file that was cut to nothing; the old
// one goes to history, if it was not filed there, or to the collector.
func (c *commit) startOver(tx *tx, node *Node, filed bool) (*Manifest, error) {
	next := &Manifest{ID: blockstore.NewID()}
	if filed {
		return next, nil
	}
	if !tx.v.keepsHistory(node, tx.now) || node.Links == 0 {
		old := *node.Content
		tx.drop(&old)
		return next, nil
	}
	key, err := tx.lastKey(node)
	if err != nil {
		return nil, err
	}
	tx.file(c.n.id, node.clone(), key)
	return next, nil
}

// dropLeft hands the segments to the collector that were left without a commit.
func (c *commit) dropLeft(tx *tx, committed []blockstore.SegmentID) {
	for _, id := range c.n.dirty.left {
		if !slices.Contains(committed, id) {
			tx.drop(&Manifest{Segments: []blockstore.SegmentID{id}})
		}
	}
}

// changed is what a change of content means to the rest of the node.
func (c *commit) changed(tx *tx, node *Node, oldSize int64) {
	node.Content.Changed, node.Content.Tag = tx.now, blockstore.NewID()
	node.Mtime, node.Ctime = c.n.dirty.mtime, max(c.n.dirty.mtime, node.Ctime)
	if c.n.dirty.killPriv {
		node.killPriv()
	}
	if o := node.Object; o != nil {
		kept := *o
		kept.ETag, kept.Checksums, kept.Parts = "", nil, nil
		node.Object = &kept
	}
	if node.Links > 0 {
		tx.use(node.Bucket, node.Content.Size-oldSize, 0)
	}
}

// layAll lays what was written over the committed extents.
func (c *commit) layAll(tx *tx, m *Manifest) error {
	for _, r := range slices.Sorted(maps.Keys(c.n.dirty.regions)) {
		top := c.named(c.n.dirty.regions[r])
		if len(top) == 0 {
			continue
		}
		if err := tx.layRegion(m, r, top, c.regions); err != nil {
			return err
		}
	}
	return tx.spill(m, c.regions)
}

// named is a list with the small block, if there is one, under its own number.
func (c *commit) named(list ExtentList) ExtentList {
	a := c.n.app
	if c.small == nil {
		return list
	}
	out := make(ExtentList, 0, len(list)+1)
	for _, e := range list {
		if e.Segment != a.segment || e.block().Small() || e.lastBlock() != a.number {
			out = append(out, e)
			continue
		}
		if before := int64(a.number-e.Number)*int64(e.BlockSize) - int64(e.At); e.Number < a.number {
			out = append(out, e.clip(e.Offset, e.Offset+before))
			e = e.from(before)
		}
		e.Number = c.small.ID.Number
		out = append(out, e)
	}
	return out
}

// firstSmall is how many small blocks a new segment's record speaks of.
const firstSmall = 16

// refer makes the segments that were written to know of the content.
func (c *commit) refer(tx *tx, m *Manifest) error {
	segments := maps.Clone(c.n.dirty.needs)
	if c.small != nil {
		if segments == nil {
			segments = make(map[blockstore.SegmentID]bool)
		}
		segments[c.small.ID.Segment] = true
	}
	for id := range segments {
		more := c.small != nil && c.small.ID.Segment == id && c.n.app.small >= c.n.app.smallOK
		if slices.Contains(m.Segments, id) && !more {
			continue
		}
		if err := c.referTo(tx, id, m, more); err != nil {
			return err
		}
	}
	return nil
}

func (c *commit) referTo(tx *tx, id blockstore.SegmentID, m *Manifest, more bool) error {
	a := c.n.app
	rec := &SegmentRecord{Writer: tx.v.session, BlockSize: a.blockSize}
	if a.segment != id || a.registered || a.unsure {
		old, err := tx.segment(id)
		if err != nil {
			return err
		}
		if old == nil && !a.unsure || old != nil && old.Dying {
			return blockstore.E("write", "segment "+id.String(), blockstore.Corrupt, nil)
		}
		if old != nil {
			rec = old
		}
	}
	if !rec.refers(m.ID) {
		rec.Refs = append(rec.Refs, Ref{Content: m.ID, Owner: c.n.id})
	}
	if more {
		rec.Small = max(rec.Small, firstSmall, 2*(a.small+1))
		c.smallOK = rec.Small
	}
	if c.final && a.segment == id {
		// No look will be needed for what came after the last commit.
		rec.Writer, rec.Blocks, rec.Small = blockstore.ID{}, a.number, a.small
		if c.small != nil {
			rec.Small++
		}
	}
	tx.put(segmentKey(id), rec)
	if !slices.Contains(m.Segments, id) {
		m.Segments = append(m.Segments, id)
	}
	return nil
}

// done makes the node what was committed.
func (c *commit) done() {
	n := c.n
	known := c.stillKnown()
	n.rebase(c.next, c.version)
	n.regions = known
	if c.next.Content.Spilled {
		for r, list := range c.regions {
			n.keepRegion(r, regionExtents{list, true})
		}
	}
	if a := n.app; c.small != nil {
		a.registered, a.unsure = true, false
		a.smallOK = max(a.smallOK, c.smallOK)
		a.small++
		a.keepTail(n.dirty.regions, c.size)
	}
	for id := range n.dirty.needs {
		if n.app.segment != id {
			n.d.v.streams.end(id)
		}
	}
	n.dirty, n.wrote = newOverlay(), true
	n.opened = n.opened && c.quiet
}

// stillKnown is what the node knows of regions that the commit left alone.
func (c *commit) stillKnown() map[int64]regionExtents {
	n, old := c.n, c.n.base.Content
	if !c.onBase || c.next.Content.ID != old.ID || !old.Spilled || n.dirty.keep < old.Size {
		return nil
	}
	for r := range n.dirty.regions {
		delete(n.regions, r)
	}
	return n.regions
}

// keepTail keeps the bytes of a small block that are the end of the file.
func (a *appender) keepTail(dirty map[int64]ExtentList, size int64) {
	start := size - int64(len(a.buf))
	list := dirty[max(start, 0)/Region]
	i := list.search(start)
	if start < 0 || i == len(list) || len(a.buf) >= blockstore.MaxSmall {
		a.buf, a.hasTail = a.buf[:0], false
		return
	}
	e := list[i].clip(start, size)
	a.hasTail = e.Offset == start && e.block() == a.block() && e.At == 0 && e.Length == int64(len(a.buf))
	a.tail = start
	if !a.hasTail {
		a.buf = a.buf[:0]
	}
}
