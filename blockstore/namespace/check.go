package namespace

import (
	"context"
	"fmt"

	"github.com/cairnfs/cairn/blockstore"
)

// Problem is something that is wrong in a volume.
type Problem struct {
	Object string // what it is about, for people
	What   string
}

// String is one line.
func (p Problem) String() string { return p.Object + ": " + p.What }

// CheckOptions say how far a check goes.
type CheckOptions struct {
	// Data: read every block and verify its checksum.
	Data bool
	// Progress, which may be nil, is told of records and bytes read so far.
	Progress func(records int, bytes int64)
}

// Checked counts what a check saw.
type Checked struct {
	Records  int
	Nodes    int
	Dirs     int
	Entries  int
	Segments int
	Blocks   int
	Bytes    int64 // of blocks
}

// checker holds a volume's skeleton in memory: some 300 bytes for each file.
type checker struct {
	v      *Volume
	o      CheckOptions
	report func(Problem)
	seen   Checked

	nodes    map[NodeID]*checkedNode
	entries  map[NodeID]int64 // names that lead to a node
	dirs     map[NodeID]int64 // directories in a directory
	tallied  map[NodeID]int64 // the same, as its tally has it
	usage    map[NodeID][2]int64
	usages   map[NodeID][2]int64
	contents map[blockstore.ID]owner
	refs     map[segmentRef]bool // true: the segment's record has it too
	segments map[blockstore.SegmentID]*SegmentRecord
	blocks   map[blockstore.BlockID]checkedBlock
	held     map[NodeID]bool
	regions  map[blockstore.ID]bool // contents with extents records
	spilled  map[blockstore.ID]bool
}

type segmentRef struct {
	segment blockstore.SegmentID
	content blockstore.ID
}

// owner is who has a content: a node, or history.
type owner struct {
	node    NodeID
	history string // the full key
}

// checkedBlock is what must be known of a block.
type checkedBlock struct {
	size int32
	used bool // some content is in it
}

// checkedNode is what must be known of a node to judge the others.
type checkedNode struct {
	kind   Kind
	links  uint32
	parent NodeID
	bucket NodeID
	name   string
	size   int64
}

// Check reads the whole volume and reports what is wrong with it; nothing is
// reported of a sound one. Nothing may be written meanwhile; what is dirty in
// open files is committed first. The error is about the reading itself.
func (v *Volume) Check(ctx context.Context, o CheckOptions, report func(Problem)) (Checked, error) {
	v.collecting.Lock()
	defer v.collecting.Unlock()
	for _, d := range v.allDoors() {
		if err := d.Flush(ctx, blockstore.Lazy); err != nil {
			return Checked{}, err
		}
	}
	c := &checker{
		v: v, o: o, report: report,
		nodes: make(map[NodeID]*checkedNode), entries: make(map[NodeID]int64),
		dirs: make(map[NodeID]int64), tallied: make(map[NodeID]int64),
		usage: make(map[NodeID][2]int64), usages: make(map[NodeID][2]int64),
		contents: make(map[blockstore.ID]owner), refs: make(map[segmentRef]bool),
		segments: make(map[blockstore.SegmentID]*SegmentRecord),
		blocks:   make(map[blockstore.BlockID]checkedBlock), held: make(map[NodeID]bool),
		regions: make(map[blockstore.ID]bool), spilled: make(map[blockstore.ID]bool),
	}
	err := c.run(ctx)
	return c.seen, err
}

func (c *checker) run(ctx context.Context) error {
	if err := c.listBlocks(ctx); err != nil {
		return err
	}
	if err := c.readRecords(ctx); err != nil {
		return err
	}
	c.judgeTree()
	c.judgeCounts()
	c.judgeSegments()
	if c.o.Data {
		return c.verifyBlocks(ctx)
	}
	return nil
}

func (c *checker) wrong(object, format string, args ...any) {
	c.report(Problem{Object: object, What: fmt.Sprintf(format, args...)})
}

func (c *checker) progress() {
	if c.o.Progress != nil {
		c.o.Progress(c.seen.Records, c.seen.Bytes)
	}
}

func (c *checker) listBlocks(ctx context.Context) error {
	for b, err := range c.v.store.ListBlocks(ctx, blockstore.BlockID{}) {
		if err != nil {
			return err
		}
		c.blocks[b.ID] = checkedBlock{size: int32(b.Size)}
		c.seen.Blocks++
	}
	return nil
}

// readRecords takes every record in. One that can't be read is reported, and
// the rest goes on.
func (c *checker) readRecords(ctx context.Context) error {
	after := ""
	for {
		again := false
		for r, err := range c.v.store.Scan(ctx, "", after) {
			if blockstore.KindOf(err) == blockstore.Corrupt && r.Key > after {
				c.wrong(keyName(r.Key), "%v", err)
				after, again = r.Key, true
				break
			}
			if err != nil {
				if blockstore.KindOf(err) == blockstore.Corrupt {
					c.wrong("records", "%v", err)
					return nil
				}
				return err
			}
			after = r.Key
			c.seen.Records++
			if err := c.record(ctx, r); err != nil {
				c.wrong(keyName(r.Key), "%v", err)
			}
			if c.seen.Records%1000 == 0 {
				c.progress()
			}
		}
		if !again {
			return nil
		}
	}
}

func (c *checker) record(ctx context.Context, r blockstore.Record) error {
	id, rest := keyID(r.Key)
	switch r.Key[:1] {
	case prefixNode:
		return c.node(ctx, id, r)
	case prefixEntry:
		return c.entry(id, rest, r)
	case prefixExtents:
		c.regions[id] = true
		return decode(r.Key, r.Value, &ExtentsRecord{})
	case prefixSegment:
		rec := new(SegmentRecord)
		c.segments[id] = rec
		c.seen.Segments++
		return decode(r.Key, r.Value, rec)
	case prefixHistory:
		var h HistoryRecord
		if err := decode(r.Key, r.Value, &h); err != nil || h.Node == nil || h.Node.Content == nil {
			return err
		}
		return c.content(ctx, owner{history: h.Key}, h.Node.Content)
	case prefixDue:
		return c.due(r)
	case prefixTally, prefixUsage:
		return c.tally(r.Key, id, r.Value)
	case prefixOpen:
		var node NodeID
		copy(node[:], rest)
		c.held[node] = true
		return decode(r.Key, r.Value, &OpenRecord{})
	}
	return c.otherRecord(r)
}

// otherRecord only sees that the record can be read.
func (c *checker) otherRecord(r blockstore.Record) error {
	var rec stamped
	switch r.Key[:1] {
	case prefixBucket:
		rec = new(BucketRecord)
	case prefixSession:
		rec = new(SessionRecord)
	case prefixUser:
		rec = new(UserRecord)
	case prefixName:
		rec = new(UserNameRecord)
	case prefixUpload:
		rec = new(UploadRecord)
	case prefixIntent:
		rec = new(IntentRecord)
	case prefixSetting:
		rec = new(Counter)
		if r.Key == settingKey("volume") {
			rec = new(VolumeRecord)
		}
	default:
		return blockstore.E("check", keyName(r.Key), blockstore.Corrupt, nil)
	}
	return decode(r.Key, r.Value, rec)
}

func (c *checker) tally(key string, id blockstore.ID, value []byte) error {
	t, err := blockstore.DecodeTally(value)
	if err != nil {
		return err
	}
	if key[:1] == prefixTally {
		c.tallied[id] = t.Field(tallyDirs)
	} else {
		c.usages[id] = [2]int64{t.Field(usageBytes), t.Field(usageFiles)}
	}
	return nil
}

func (c *checker) due(r blockstore.Record) error {
	var d DueRecord
	if err := decode(r.Key, r.Value, &d); err != nil || d.Drop == nil {
		return err
	}
	for _, s := range d.Drop.Segments {
		c.refs[segmentRef{s, d.Drop.ID}] = false
	}
	if d.Drop.Spilled {
		c.spilled[d.Drop.ID] = true
	}
	return nil
}

func (c *checker) node(ctx context.Context, id NodeID, r blockstore.Record) error {
	n := new(Node)
	if err := decode(r.Key, r.Value, n); err != nil {
		return err
	}
	c.seen.Nodes++
	if n.Kind == Dir {
		c.seen.Dirs++
	}
	c.nodes[id] = &checkedNode{n.Kind, n.Links, n.Parent, n.Bucket, n.Name, n.size()}
	if n.Kind == File && n.Content == nil {
		return fmt.Errorf("a file without a manifest")
	}
	if n.Content == nil {
		return nil
	}
	return c.content(ctx, owner{node: id}, n.Content)
}

func (c *checker) entry(dir NodeID, name string, r blockstore.Record) error {
	e, err := decodeEntry(r.Key, r.Value)
	if err != nil {
		return err
	}
	c.seen.Entries++
	if !e.Dir.IsZero() {
		c.entries[e.Dir]++
		c.dirs[dir]++
	}
	if !e.File.IsZero() {
		c.entries[e.File]++
	}
	return nil
}

// content looks at where the bytes of a file are said to be.
func (c *checker) content(ctx context.Context, has owner, m *Manifest) error {
	whose := c.nameOf(has)
	if other, ok := c.contents[m.ID]; ok {
		c.wrong(whose, "has the same content id as %s", c.nameOf(other))
	}
	c.contents[m.ID] = has
	listed := make(map[blockstore.SegmentID]bool, len(m.Segments))
	for _, s := range m.Segments {
		listed[s] = true
		c.refs[segmentRef{s, m.ID}] = false
	}
	if m.Spilled {
		c.spilled[m.ID] = true
	}
	for e, err := range c.v.extents(ctx, m) {
		if err != nil {
			return err
		}
		if !listed[e.Segment] {
			c.wrong(whose, "its bytes from %d are in segment %s, which it does not refer to", e.Offset, e.Segment)
		}
		if e.end() > m.Size {
			c.wrong(whose, "has bytes at %d, past its end at %d", e.end(), m.Size)
		}
		c.extent(whose, e)
	}
	return nil
}

// extent sees that every block that it runs through is there and long enough.
func (c *checker) extent(whose string, e Extent) {
	for left := e.Length; left > 0; {
		k := left
		if !e.block().Small() {
			k = min(left, int64(e.BlockSize-e.At))
		}
		b, ok := c.blocks[e.block()]
		if !ok {
			c.wrong(whose, "block %s, with its bytes from %d, is missing", e.block(), e.Offset)
		} else if int64(b.size) < int64(e.At)+k {
			c.wrong(whose, "block %s has %d bytes, and bytes up to %d are needed", e.block(), b.size, int64(e.At)+k)
		}
		if ok && !b.used {
			b.used = true
			c.blocks[e.block()] = b
		}
		if left -= k; left > 0 {
			e = e.from(k)
		}
	}
}
