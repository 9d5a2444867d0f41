package namespace

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
)

// Region is how much of a file one extents record tells, in bytes.
const Region = 4 << 20

// ExtentsRecord holds all extents of one region of one content.
type ExtentsRecord struct {
	Stamp
	List ExtentList `cbor:"10,keyasint"`
}

// ExtentList is extents in file order, none overlapping. Encoded, the segments
// stand once each, and an extent is five numbers.
type ExtentList []Extent

// Extent says that Length bytes of a file at Offset are in consecutive blocks
// of a segment, beginning At bytes into block Number. Every block that the
// extent runs through, but the last, is full: BlockSize bytes long. A small
// block is never part of a longer run.
type Extent struct {
	Offset, Length int64
	Segment        blockstore.SegmentID
	BlockSize      int
	Number         uint32
	At             int
}

// extentListWire has the ids of the segments one after the other, and of each
// segment the power of two that its block size is.
type extentListWire struct {
	_        struct{} `cbor:",toarray"`
	Segments []byte
	Sizes    []byte
	Extents  []uint64 // offset, length, segment's place, number, at
}

const numbersPerExtent = 5

var errExtents = errors.New("extents make no sense")

// MarshalCBOR encodes the list.
func (l ExtentList) MarshalCBOR() ([]byte, error) {
	w := extentListWire{Extents: make([]uint64, 0, numbersPerExtent*len(l))}
	var known []blockstore.SegmentID
	for _, e := range l {
		p := slices.Index(known, e.Segment)
		if p < 0 {
			p = len(known)
			known = append(known, e.Segment)
			w.Segments = append(w.Segments, e.Segment[:]...)
			w.Sizes = append(w.Sizes, byte(bits.TrailingZeros(uint(e.BlockSize))))
		}
		w.Extents = append(w.Extents, uint64(e.Offset), uint64(e.Length), uint64(p), uint64(e.Number), uint64(e.At))
	}
	return encMode.Marshal(&w)
}

// UnmarshalCBOR decodes a list and checks that it makes sense.
func (l *ExtentList) UnmarshalCBOR(b []byte) error {
	var w extentListWire
	if err := decMode.Unmarshal(b, &w); err != nil {
		return err
	}
	const idSize = len(blockstore.SegmentID{})
	if len(w.Segments) != idSize*len(w.Sizes) || len(w.Extents)%numbersPerExtent != 0 {
		return errExtents
	}
	list := make(ExtentList, 0, len(w.Extents)/numbersPerExtent)
	var end int64
	for n := w.Extents; len(n) > 0; n = n[numbersPerExtent:] {
		if n[2] >= uint64(len(w.Sizes)) {
			return errExtents
		}
		p := int(n[2])
		e := Extent{
			Offset: int64(n[0]), Length: int64(n[1]), Number: uint32(n[3]), At: int(n[4]),
			Segment:   blockstore.SegmentID(w.Segments[p*idSize:]),
			BlockSize: 1 << min(w.Sizes[p], 62),
		}
		if err := e.check(end); err != nil {
			return err
		}
		end = e.end()
		list = append(list, e)
	}
	*l = list
	return nil
}

func (e Extent) check(after int64) error {
	if e.Offset < after || e.Length <= 0 || e.end() < 0 || e.end() > MaxSize ||
		e.BlockSize <= 0 || e.BlockSize > blockstore.MaxBlock || e.At < 0 || e.At >= e.BlockSize {
		return fmt.Errorf("%w: [%d,+%d) in %s at %d", errExtents, e.Offset, e.Length, e.block(), e.At)
	}
	return nil
}
