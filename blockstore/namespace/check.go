package namespace

import (
	"context"
	"fmt"
	"maps"

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

	names    checkedNames
	versions checkedVersions
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
	uploads  map[NodeID]bool        // under way, or over and due
	parts    map[NodeID]bool        // uploads with parts
	regions  map[blockstore.ID]bool // contents with extents records
	spilled  map[blockstore.ID]bool
}

type segmentRef struct {
	segment blockstore.SegmentID
	content blockstore.ID
}

// owner is who has a content: a node, history, or a part of an upload.
type owner struct {
	node    NodeID
	history string // the full key
	part    string // of which upload, and its number
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
// reported of a sound one. What is dirty in open files is committed first. This
// session may write nothing meanwhile; others may, for then only what is wrong
// time and again is reported. The error is about the reading itself.
func (v *Volume) Check(ctx context.Context, o CheckOptions, report func(Problem)) (Checked, error) {
	v.collecting.Lock()
	defer v.collecting.Unlock()
	for _, d := range v.allDoors() {
		if err := d.Flush(ctx, blockstore.Lazy); err != nil {
			return Checked{}, err
		}
	}
	live, err := v.sessions(ctx)
	if err != nil {
		return Checked{}, err
	}
	if v.isAlone(live) {
		return v.checkOnce(ctx, o, report)
	}
	return v.checkBeside(ctx, o, report)
}

// mostChecks is how often a volume is looked at that others change meanwhile.
const mostChecks = 4

// checkBeside reports what several checks agree on.
func (v *Volume) checkBeside(ctx context.Context, o CheckOptions, report func(Problem)) (Checked, error) {
	var seen Checked
	var agreed map[Problem]bool
	for range mostChecks {
		found := make(map[Problem]bool)
		var err error
		seen, err = v.checkOnce(ctx, o, func(p Problem) { found[p] = agreed == nil || agreed[p] })
		if err != nil {
			return seen, err
		}
		maps.DeleteFunc(found, func(_ Problem, again bool) bool { return !again })
		if agreed = found; len(agreed) == 0 {
			break
		}
	}
	for p := range agreed {
		report(p)
	}
	return seen, nil
}

func (v *Volume) checkOnce(ctx context.Context, o CheckOptions, report func(Problem)) (Checked, error) {
	c := &checker{
		v: v, o: o, report: report, names: newCheckedNames(),
		nodes: make(map[NodeID]*checkedNode), entries: make(map[NodeID]int64),
		dirs: make(map[NodeID]int64), tallied: make(map[NodeID]int64),
		usage: make(map[NodeID][2]int64), usages: make(map[NodeID][2]int64),
		contents: make(map[blockstore.ID]owner), refs: make(map[segmentRef]bool),
		segments: make(map[blockstore.SegmentID]*SegmentRecord),
		blocks:   make(map[blockstore.BlockID]checkedBlock), held: make(map[NodeID]bool),
		uploads: make(map[NodeID]bool), parts: make(map[NodeID]bool),
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
	c.judgeVersions()
	c.judgeNames()
	c.judgeCounts()
	c.judgeSegments()
	c.judgeUploads()
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
	case prefixAlias:
		return c.names.alias(r)
	case prefixExtents:
		c.regions[id] = true
		return decode(r.Key, r.Value, &ExtentsRecord{})
	case prefixSegment:
		rec := new(SegmentRecord)
		c.segments[id] = rec
		c.seen.Segments++
		return decode(r.Key, r.Value, rec)
	case prefixHistory:
		return c.history(ctx, id, r)
	case prefixDue:
		return c.due(ctx, r)
	case prefixTally, prefixUsage:
		return c.tally(r.Key, id, r.Value)
	case prefixOpen:
		return c.open(ctx, rest, r)
	case prefixUpload:
		return c.upload(r)
	case prefixPart:
		return c.part(ctx, id, r)
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
	case prefixIntent:
		rec = new(IntentRecord)
	case prefixSetting:
		rec = new(Counter)
		switch r.Key {
		case settingKey("volume"):
			rec = new(VolumeRecord)
		case sessionsKey:
			rec = new(SessionsRecord)
		case lifecycleKey:
			rec = new(LifecycleRecord)
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

func (c *checker) node(ctx context.Context, id NodeID, r blockstore.Record) error {
	n := new(Node)
	if err := decode(r.Key, r.Value, n); err != nil {
		return err
	}
	c.seen.Nodes++
	if n.Kind == Dir {
		c.seen.Dirs++
	}
	c.names.node(id, n)
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
	c.names.entry(dir, name, e)
	if !e.Dir.IsZero() {
		c.entries[e.Dir]++
		c.dirs[dir]++
	}
	if !e.File.IsZero() {
		c.entries[e.File]++
	}
	return nil
}
