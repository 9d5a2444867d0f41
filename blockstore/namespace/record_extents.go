package namespace

import (
	"errors"
	"fmt"

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

type extentListWire struct {
	_          struct{}               `cbor:",toarray"`
	Segments   []blockstore.SegmentID // each used once at least
	BlockSizes []int                  // one for each segment
	Extents    []uint64               // offset, length, segment's place, number, at
}

const numbersPerExtent = 5

var errExtents = errors.New("extents make no sense")

// MarshalCBOR encodes the list.
func (l ExtentList) MarshalCBOR() ([]byte, error) {
	w := extentListWire{Extents: make([]uint64, 0, numbersPerExtent*len(l))}
	place := make(map[blockstore.SegmentID]int, 4)
	for _, e := range l {
		p, ok := place[e.Segment]
		if !ok {
			p = len(w.Segments)
			place[e.Segment] = p
			w.Segments = append(w.Segments, e.Segment)
			w.BlockSizes = append(w.BlockSizes, e.BlockSize)
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
	if len(w.Segments) != len(w.BlockSizes) || len(w.Extents)%numbersPerExtent != 0 {
		return errExtents
	}
	list := make(ExtentList, 0, len(w.Extents)/numbersPerExtent)
	var end int64
	for n := w.Extents; len(n) > 0; n = n[numbersPerExtent:] {
		if n[2] >= uint64(len(w.Segments)) {
			return errExtents
		}
		e := Extent{
			Offset: int64(n[0]), Length: int64(n[1]), Number: uint32(n[3]), At: int(n[4]),
			Segment: w.Segments[n[2]], BlockSize: w.BlockSizes[n[2]],
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
