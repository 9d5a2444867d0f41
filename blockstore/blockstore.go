package blockstore

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
)

// Sizes that every engine keeps to.
const (
	// MaxBlock is the most bytes that one block holds.
	MaxBlock = 1 << 20
	// MaxSmall is the most bytes that a small block (see BlockID) holds.
	MaxSmall = 16 << 10
	// Granule is the unit of checksum, cache and single flight: a read of
	// one byte costs at most one granule.
	Granule = 32 << 10
	// MaxKey and MaxValue bound a record, in bytes.
	MaxKey   = 2 << 10
	MaxValue = 512 << 10
)

// SegmentID names a segment; it is time-ordered, so that the segments begun
// after some moment are listed from FirstIDAt(moment).
type SegmentID = ID

// BlockID names a block for ever: the bytes under it never change.
type BlockID struct {
	Segment SegmentID
	// Number is chosen by the segment's one writer. Numbers from SmallBit on
	// are small blocks: at most MaxSmall bytes, put only inside a Change and
	// atomically with it. All others are put by PutBlock. A segment may
	// have both kinds; each kind is numbered from its own first number up.
	Number uint32
}

// SmallBit marks the numbers of small blocks.
const SmallBit uint32 = 1 << 31

// Small says whether the block rides inside a Change.
func (b BlockID) Small() bool { return b.Number&SmallBit != 0 }

// String is "segment/number", a small block's number with an s before it.
func (b BlockID) String() string {
	if b.Small() {
		return fmt.Sprintf("%s/s%d", b.Segment, b.Number&^SmallBit)
	}
	return fmt.Sprintf("%s/%d", b.Segment, b.Number)
}

// Compare orders by segment, then number: the order of ListBlocks.
func (b BlockID) Compare(c BlockID) int {
	if s := bytes.Compare(b.Segment[:], c.Segment[:]); s != 0 {
		return s
	}
	return cmp.Compare(b.Number, c.Number)
}

// Blocks keeps immutable blocks.
type Blocks interface {
	// PutBlock stores a block that is not small, of 1 to MaxBlock bytes. After it
	// returns, GetBlock finds the block; it is durable once a Change that names
	// its segment in Needs is (see Durability). Putting the same bytes again
	// is allowed, other bytes under a used id are not, and engines need not
	// notice. data belongs to the caller again when PutBlock returns.
	PutBlock(ctx context.Context, id BlockID, data []byte) error

	// GetBlock returns bytes of the block from offset off: at least 1 and at most
	// n, and it may stop early at a multiple of Granule, so the caller asks
	// again from where it stopped. All bytes returned were verified against
	// their checksum. It fails with NotFound if there is no such block,
	// OutOfRange if off is at or past its end, Corrupt if the checksum is
	// wrong, Invalid if off is negative or n not positive. The slice is shared:
	// nobody may change it, everybody may keep it, so it should not be a small
	// part of something larger.
	GetBlock(ctx context.Context, id BlockID, off, n int) ([]byte, error)

	// DeleteBlocks removes single blocks and gives their space back. Blocks that do
	// not exist are no error.
	DeleteBlocks(ctx context.Context, ids []BlockID) error

	// RemoveSegment removes a whole segment: every block that it has. blocks and
	// small are one more than the highest number of each kind that its writer
	// may have used; engines that can find the blocks by themselves ignore
	// them; small is counted without SmallBit. A segment that does not exist is
	// no error.
	RemoveSegment(ctx context.Context, id SegmentID, blocks, small uint32) error

	// ListBlocks yields every block after the given one (the zero one: from the
	// start), in the order of Compare, with its length in bytes. Blocks put or
	// deleted meanwhile may or may not be seen. It reads no content.
	ListBlocks(ctx context.Context, after BlockID) iter.Seq2[BlockInfo, error]
}

// BlockInfo is what ListBlocks tells of a block.
type BlockInfo struct {
	ID   BlockID
	Size int // bytes of content
}

// Version is one state of one record. It is opaque and comparable; the zero
// Version means that the record is absent. A record never takes the same
// Version twice, so an equal Version means that nothing happened in between.
type Version struct {
	N  uint64
	ID ID
}

// IsZero says whether the record was absent.
func (v Version) IsZero() bool { return v == Version{} }

// Record is a small versioned value in the engine's ordered key space.
type Record struct {
	Key     string // any bytes, 1 to MaxKey
	Value   []byte // shared: not to be changed
	Version Version
}

// Records keeps the records. Keys are ordered as bytes.
type Records interface {
	// Get returns the value and version of a record; of an absent one nil and
	// the zero Version, without an error. It sees every Commit that returned
	// before it was called. The value is shared: not to be changed.
	Get(ctx context.Context, key string) ([]byte, Version, error)

	// Scan yields the records whose key has the prefix and is greater than
	// after, in key order. A record that is there during the whole scan is
	// yielded exactly once; others may or may not be. A Get that is called after a
	// record was yielded sees it, or what came after it.
	Scan(ctx context.Context, prefix, after string) iter.Seq2[Record, error]

	// Commit carries out the whole change or none of it and returns the
	// Version that all its writes took. It fails with Conflict if a guard does
	// not hold, and with Unknown if the engine can't tell whether it happened:
	// then the caller commits the same Change again (see Change.Session).
	// What Change.Check refuses is Invalid. The Change still belongs to the caller, who must not alter its
	// slices before Commit returns.
	Commit(ctx context.Context, c *Change, d Durability) (Version, error)

	// Sync returns when every Commit that returned before it was called survives
	// a power cut, with the blocks that it needs. Blocks that no commit needs
	// yet are not waited for: a long stream does not hold up a small fsync.
	Sync(ctx context.Context) error
}

// Durability is what the caller is promised when Commit returns.
type Durability uint8

const (
	// Lazy: every reader sees it; it survives a killed process within 10 ms
	// and a power cut within 5 s, always as a prefix of the commit order.
	Lazy Durability = iota
	// Sync: it survives kill and power cut, and so does all before it.
	Sync
)

// Change is what Commit carries out atomically.
//
// Every change is idempotent: (Session, Seq) names it for ever. An engine
// keeps the outcomes of at least the last OutcomesKept successful changes of
// each session, and answers a repeat with the stored outcome without doing it
// again. Seq is never reused for another change in its session.
type Change struct {
	Session ID
	Seq     uint64 // from 1

	// Origin is the door that asked; it travels with the event.
	Origin ID

	Guards []Guard
	Blocks []Block // small blocks
	// Writes: the first one is the deciding record of the change. No key
	// stands twice.
	Writes []Write
	Adds   []Add
	// Needs names the segments with blocks from PutBlock that the writes refer to:
	// a change is never durable without the content of the blocks that were
	// put to these before Commit was called.
	Needs []SegmentID
	// Events are the keys that watchers should look at.
	Events []string
}

// OutcomesKept is how many outcomes an engine keeps for each session.
const OutcomesKept = 1024

// Guard is a condition of a Change.
type Guard struct {
	Key     string
	Version Version // the record is in this version; zero: it is absent
	// Empty makes Key a prefix that no record may have, but those that the
	// change deletes; Version is ignored.
	Empty bool
}

// Block is a small block inside a Change.
type Block struct {
	ID   BlockID
	Data []byte
}

// Write replaces the value of a record, or deletes it if Value is nil. (A
// record may have an empty value that is not nil.)
type Write struct {
	Key   string
	Value []byte
}

// Add changes one field of a tally record: a record whose value is a Tally.
// Adds commute, need no guard, and never cause a Conflict. An
// Add to an absent record makes it; the record takes the change's Version. A
// change does not both write a key and add to it.
type Add struct {
	Key   string
	Field uint8
	Op    AddOp
	Value int64
}

// Deletes says whether the change deletes a record.
func (c *Change) Deletes(key string) bool {
	for i := range c.Writes {
		if c.Writes[i].Key == key {
			return c.Writes[i].Value == nil
		}
	}
	return false
}

// AddOp is how an Add combines with what is there (0 if nothing is).
type AddOp uint8

// The operations of an Add.
const (
	Sum AddOp = iota
	Max
)

// Cursor is a place in the feed. It is opaque, and can be kept in a file.
type Cursor string

// Event is an idempotent hint: something may have changed at these keys. Order
// holds per key only, and an event may come more than once.
type Event struct {
	Cursor  Cursor // continue after this event
	Session ID     // with Seq: the Change that did it
	Seq     uint64
	Origin  ID
	Keys    []string
}

// Feed is the stream of events of all changes with Events.
type Feed interface {
	// Head is the cursor after the newest event.
	Head(ctx context.Context) (Cursor, error)
	// Watch yields the events after the cursor, and waits for more until ctx
	// is done; then it ends without an error. "" is no cursor. It yields CursorExpired, and
	// ends, if events after the cursor are no longer kept (7 days or 1 GiB):
	// then the watcher looks at everything. Events of a change are yielded only
	// after its Commit can be seen by Get. A change made Lazy that a crash took
	// back may have been yielded.
	Watch(ctx context.Context, after Cursor) iter.Seq2[Event, error]
}

// Space is what an engine knows of the room below it, in bytes.
type Space struct {
	Total, Free, Available int64
}

// Store is an engine.
type Store interface {
	Blocks
	Records
	Feed
	// Space is the room of the whole store.
	Space(ctx context.Context) (Space, error)
	// Close makes everything durable and releases the store. Nothing else may
	// be called during or after it.
	Close() error
}
