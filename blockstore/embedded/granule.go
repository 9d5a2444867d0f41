package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/cairnfs/cairn/blockstore"
)

const (
	granule   = blockstore.Granule
	frameSize = 8
	// slotSize leaves room for the frames of a full block, and is a multiple of
	// the page size, so that a slot can be punched out.
	slotSize = blockstore.MaxBlock + 4096
)

// errWrong says that what is on disk is not what was written.
var errWrong = errors.New("wrong checksum")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// slotOffset is where a block begins in the file of its segment.
func slotOffset(number uint32) int64 { return int64(number) * slotSize }

// granuleOffset is where the frame of a granule is, from the start of its slot.
func granuleOffset(g int) int64 { return int64(g) * (frameSize + granule) }

func granules(size int) int { return (size + granule - 1) / granule }

// span is the bytes of granule g in a block of that size.
func span(data []byte, g int) []byte {
	return data[g*granule : min((g+1)*granule, len(data))]
}

// putFrame writes the frame of granule g of a block.
func putFrame(frame []byte, id blockstore.BlockID, g, size int, data []byte) {
	binary.BigEndian.PutUint32(frame, checksum(id, g, size, data))
	binary.BigEndian.PutUint32(frame[4:], uint32(size))
}

func checksum(id blockstore.BlockID, g, size int, data []byte) uint32 {
	var head [28]byte
	copy(head[:], id.Segment[:])
	binary.BigEndian.PutUint32(head[16:], id.Number)
	binary.BigEndian.PutUint32(head[20:], uint32(g))
	binary.BigEndian.PutUint32(head[24:], uint32(size))
	return crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, data)
}

// frameLength is the length of the block that the frame is of: 0 in a hole.
func frameLength(frame []byte) int {
	return int(binary.BigEndian.Uint32(frame[4:]))
}

// isHole says whether nothing was ever written there.
func isHole(frame []byte) bool { return binary.BigEndian.Uint64(frame) == 0 }

// verify checks a frame of granule g against the bytes that follow it, and
// returns those of the granule.
//
// All its errors are errWrong.
func verify(frame []byte, id blockstore.BlockID, g, size int, data []byte) ([]byte, error) {
	length := frameLength(frame)
	if length != size || length == 0 || length > blockstore.MaxBlock {
		return nil, fmt.Errorf("%w: granule %d: block length %d, not %d", errWrong, g, length, size)
	}
	want := min(granule, length-g*granule)
	if want > len(data) {
		return nil, fmt.Errorf("%w: granule %d: %d of %d bytes", errWrong, g, len(data), want)
	}
	if binary.BigEndian.Uint32(frame) != checksum(id, g, length, data[:want]) {
		return nil, fmt.Errorf("%w: granule %d", errWrong, g)
	}
	return data[:want], nil
}
