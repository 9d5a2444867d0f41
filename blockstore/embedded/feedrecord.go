package embedded

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// feedRecord is what the database keeps of each commit under its number: its
// events for the watchers, its name so that a repeat is noticed, and what recovery
// must check if the log is all that there is of it.
type feedRecord struct {
	at      time.Time // to the second
	session blockstore.ID
	seq     uint64
	origin  blockstore.ID
	// synced is the number of a commit, at most this one's, up to which
	// everything was durable when this was written.
	synced uint64
	events []string
	needs  []need
}

// need is the blocks of a segment that a commit was the first to name.
type need struct {
	segment blockstore.SegmentID
	blocks  []blockRange
}

const feedRecordFormat = 1

// encode appends the record of commit number to b:
//
//	format, time, session (16), sequence, origin (16), number - synced,
//	events: count, each (length, bytes),
//	needs: count, each (segment (16), count of ranges, each (from, length))
//
// where numbers without a size are unsigned varints.
func (r *feedRecord) encode(b []byte, number uint64) []byte {
	b = append(b, feedRecordFormat)
	b = binary.AppendUvarint(b, uint64(r.at.Unix()))
	b = append(b, r.session[:]...)
	b = binary.AppendUvarint(b, r.seq)
	b = append(b, r.origin[:]...)
	b = binary.AppendUvarint(b, number-r.synced)
	b = binary.AppendUvarint(b, uint64(len(r.events)))
	for _, key := range r.events {
		b = binary.AppendUvarint(b, uint64(len(key)))
		b = append(b, key...)
	}
	b = binary.AppendUvarint(b, uint64(len(r.needs)))
	for _, n := range r.needs {
		b = append(b, n.segment[:]...)
		b = binary.AppendUvarint(b, uint64(len(n.blocks)))
		for _, blocks := range n.blocks {
			b = binary.AppendUvarint(b, uint64(blocks.From))
			b = binary.AppendUvarint(b, uint64(blocks.To-blocks.From))
		}
	}
	return b
}

// size is about how many bytes encode appends.
func (r *feedRecord) size() int {
	n := 64
	for _, key := range r.events {
		n += 2 + len(key)
	}
	for _, need := range r.needs {
		n += 18 + 8*len(need.blocks)
	}
	return n
}

// decodeFeedRecord is the inverse of encode.
func decodeFeedRecord(b []byte, number uint64) (*feedRecord, error) {
	d := decoder{rest: b}
	if format := d.bytes(1); d.bad || format[0] != feedRecordFormat {
		return nil, blockstore.E("decode feed record", fmt.Sprint(number), blockstore.Corrupt, nil)
	}
	r := &feedRecord{at: time.Unix(int64(d.uvarint()), 0)}
	r.session = d.id()
	r.seq = d.uvarint()
	r.origin = d.id()
	r.synced = number - d.uvarint()
	for range d.count(1) {
		r.events = append(r.events, string(d.bytes(d.count(1))))
	}
	for range d.count(len(blockstore.ID{})) {
		r.needs = append(r.needs, d.need())
	}
	if d.bad || len(d.rest) > 0 || r.synced > number {
		return nil, blockstore.E("decode feed record", fmt.Sprint(number), blockstore.Corrupt, nil)
	}
	return r, nil
}

// decoder reads from a byte slice; what it returns counts only if it is not bad
// in the end.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) need() need {
	n := need{segment: d.id()}
	for range d.count(2) {
		from, length := d.uvarint(), d.uvarint()
		if from+length > uint64(blockstore.SmallBit) || from+length < from {
			d.bad = true
			return need{}
		}
		n.blocks = append(n.blocks, blockRange{uint32(from), uint32(from + length)})
	}
	return n
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// count reads the count of things of at least size bytes; one that can't be is
// bad, so that a corrupt record can't ask for memory.
func (d *decoder) count(size int) int {
	n := d.uvarint()
	if n > uint64(len(d.rest)/size) {
		d.bad, d.rest = true, nil
		return 0
	}
	return int(n)
}

// bytes returns the next n bytes, of its own memory if there are too few.
func (d *decoder) bytes(n int) []byte {
	if n > len(d.rest) {
		d.bad, d.rest = true, nil
		return make([]byte, n)
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) id() (id blockstore.ID) {
	copy(id[:], d.bytes(len(id)))
	return id
}
