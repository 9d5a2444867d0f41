package embedded

import (
	"encoding/binary"

	"github.com/cairnfs/cairn/blockstore"
)

// The kinds of database keys: see the package comment.
const (
	recordKeys  = 'r'
	smallKeys   = 's'
	feedKeys    = 'f'
	removalKeys = 'd'
	metaKeys    = 'm'
)

// trimmedKey holds the number of the last commit that the feed has forgotten.
var trimmedKey = []byte{metaKeys, 't'}

// numberKey holds the number of the last batch that was no commit.
var numberKey = []byte{metaKeys, 'n'}

// numberGap is left in the commit numbers at every Open: many times more than the
// commits that can be in the log without being synced.
const numberGap = 1 << 32

func recordKey(key string) []byte {
	return append(append(make([]byte, 0, 1+len(key)), recordKeys), key...)
}

func smallKey(id blockstore.BlockID) []byte {
	return blockKey(smallKeys, id)
}

func blockKey(kind byte, id blockstore.BlockID) []byte {
	b := append(make([]byte, 0, 21), kind)
	b = append(b, id.Segment[:]...)
	return binary.BigEndian.AppendUint32(b, id.Number)
}

func segmentKey(kind byte, id blockstore.SegmentID) []byte {
	return append(append(make([]byte, 0, 17), kind), id[:]...)
}

// parseBlockKey is the inverse of blockKey and, with whole set, of segmentKey.
func parseBlockKey(key []byte) (id blockstore.BlockID, whole, ok bool) {
	if len(key) != 17 && len(key) != 21 {
		return id, false, false
	}
	copy(id.Segment[:], key[1:17])
	if len(key) == 17 {
		return id, true, true
	}
	id.Number = binary.BigEndian.Uint32(key[17:])
	return id, false, true
}

func feedKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{feedKeys}, number)
}

func parseFeedKey(key []byte) (number uint64, ok bool) {
	if len(key) != 9 || key[0] != feedKeys {
		return 0, false
	}
	return binary.BigEndian.Uint64(key[1:]), true
}

// prefixEnd is the first key after all that have the prefix, which must not be
// empty nor all 0xff.
func prefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	end[len(end)-1]++
	return end
}
