package cache

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/cairnfs/cairn/blockstore"
)

// A file of the disk tier is a head, then the bytes of one block. It is written
// under another name and renamed, but never synced: a crash, like everything
// else that may befall it, is found out by the checksum.
//
//	 0  magic
//	 8  segment
//	24  number
//	28  length of the block
//	32  CRC-32C of all the above and the block
const (
	entryMagic = "cairnbk1"
	headSize   = 36
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errDamaged = errors.New("damaged")

// entrySize is what a block takes on disk, about.
func entrySize(data []byte) int64 { return onDisk(int64(headSize + len(data))) }

// onDisk is what a file of a size takes, about.
func onDisk(size int64) int64 { return (size + 4095) &^ 4095 }

// entryHead is the head of the file of a block, with its checksum.
func entryHead(id blockstore.BlockID, data []byte) []byte {
	head := make([]byte, 0, headSize)
	head = append(head, entryMagic...)
	head = append(head, id.Segment[:]...)
	head = binary.BigEndian.AppendUint32(head, id.Number)
	head = binary.BigEndian.AppendUint32(head, uint32(len(data)))
	sum := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, data)
	return binary.BigEndian.AppendUint32(head, sum)
}

// readEntry returns the block in a file, which has to be the one named. The
// bytes are in a buffer of their own, as they may be kept for long.
func readEntry(f io.Reader, id blockstore.BlockID) ([]byte, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(head[28:])
	if length == 0 || length > blockstore.MaxBlock {
		return nil, errDamaged
	}
	data := make([]byte, length)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, err
	}
	if string(head[:]) != string(entryHead(id, data)) {
		return nil, errDamaged
	}
	return data, nil
}

// writeEntry makes the file of a block; a failed one leaves nothing.
func writeEntry(path string, id blockstore.BlockID, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "*"+tempSuffix)
	if err != nil {
		return err
	}
	_, err = f.Write(entryHead(id, data))
	if err == nil {
		_, err = f.Write(data)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
