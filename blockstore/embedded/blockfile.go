package embedded

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
)

// blockFile is the open file of a segment. Reads and writes of different blocks
// may go on at the same time.
type blockFile struct {
	vfs.File
	path string
}

// errHole says that no block is there.
var errHole = errors.New("no such block")

func (f blockFile) fd() (int, bool) {
	fd := f.Fd()
	return int(fd), fd != vfs.InvalidFd
}

// writeBlock puts a block into its slot.
func (f blockFile) writeBlock(id blockstore.BlockID, data []byte) error {
	frames := make([]byte, granules(len(data))*frameSize)
	for g := range granules(len(data)) {
		putFrame(frames[g*frameSize:], id, g, len(data), span(data, g))
	}
	fd, ok := f.fd()
	if !ok {
		return f.writeJoined(id, frames, data)
	}
	n, err := pwritev(fd, interleave(frames, data), slotOffset(id.Number))
	if err == nil && n < len(frames)+len(data) {
		return f.writeJoined(id, frames, data)
	}
	return err
}

// interleave is frame, granule, frame, granule, …
func interleave(frames, data []byte) [][]byte {
	n := granules(len(data))
	v := make([][]byte, 0, 2*n)
	for g := range n {
		v = append(v, frames[g*frameSize:(g+1)*frameSize], span(data, g))
	}
	return v
}

// writeJoined is for files without a descriptor, and for what pwritev left over.
func (f blockFile) writeJoined(id blockstore.BlockID, frames, data []byte) error {
	joined := make([]byte, 0, len(frames)+len(data))
	for _, part := range interleave(frames, data) {
		joined = append(joined, part...)
	}
	_, err := f.WriteAt(joined, slotOffset(id.Number))
	return err
}

// readBlock returns verified bytes of a block, from off on and at most n. The
// error is errHole if there is no block, errPastEnd if it ends before off.
func (f blockFile) readBlock(id blockstore.BlockID, off, n int) ([]byte, error) {
	if off >= blockstore.MaxBlock {
		return nil, f.notThere(id, off)
	}
	n = min(n, blockstore.MaxBlock-off)
	first, last := off/granule, (off+n-1)/granule
	frames := make([]byte, (last-first+1)*frameSize)
	data := make([]byte, (last-first+1)*granule)
	populate(data)
	got, err := f.readGranules(id, first, frames, data)
	if err != nil {
		return nil, err
	}
	size := frameLength(frames)
	if isHole(frames[:frameSize]) || size <= off {
		return nil, f.notThere(id, off)
	}
	end, err := verifyAll(id, first, size, frames, data[:got])
	if err != nil {
		return nil, err
	}
	from, to := off-first*granule, min(off-first*granule+n, end)
	if to-from < len(data)/2 { // do not let a short block keep the long buffer
		return append([]byte(nil), data[from:to]...), nil
	}
	return data[from:to:to], nil
}

// manyPages is from where on a buffer is populated.
const manyPages = 128 << 10

// populate has the system give a new buffer its pages at once, which costs less than
// that the read which fills it asks for one after the other.
func populate(b []byte) {
	if len(b) >= manyPages {
		_ = unix.Madvise(b, unix.MADV_POPULATE_WRITE)
	}
}

// verifyAll checks the granules from first on, and returns how many bytes of the
// block there are in data.
func verifyAll(id blockstore.BlockID, first, size int, frames, data []byte) (int, error) {
	total := 0
	for g := first; g == first || g*granule < size && (g-first)*frameSize < len(frames); g++ {
		i := g - first
		rest := data[min(i*granule, len(data)):]
		part, err := verify(frames[i*frameSize:(i+1)*frameSize], id, g, size, rest[:min(granule, len(rest))])
		if err != nil {
			return 0, err
		}
		total += len(part)
	}
	return total, nil
}

// readGranules fills frames and data with the granules from first on, and returns
// how many bytes of data the file has.
func (f blockFile) readGranules(id blockstore.BlockID, first int, frames, data []byte) (int, error) {
	at := slotOffset(id.Number) + granuleOffset(first)
	var n int
	var err error
	if fd, ok := f.fd(); ok {
		n, err = preadv(fd, interleave(frames, data), at)
	} else {
		n, err = f.readJoined(frames, data, at)
	}
	full, rest := n/(frameSize+granule), n%(frameSize+granule)
	return min(full*granule+max(0, rest-frameSize), len(data)), err
}

func (f blockFile) readJoined(frames, data []byte, at int64) (int, error) {
	joined := make([]byte, len(frames)+len(data))
	n, err := f.ReadAt(joined, at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	rest := joined[:n]
	for _, part := range interleave(frames, data) {
		rest = rest[copy(part, rest):]
	}
	return n, err
}

var errPastEnd = errors.New("past the end of the block")

// notThere says why there is no byte at off: no block, or a shorter one. It
// believes a length only when the checksum over it is right.
func (f blockFile) notThere(id blockstore.BlockID, off int) error {
	frame, data := make([]byte, frameSize), make([]byte, granule)
	got, err := f.readGranules(id, 0, frame, data)
	if err != nil {
		return err
	}
	if isHole(frame) {
		return errHole
	}
	size := frameLength(frame)
	if _, err := verifyAll(id, 0, size, frame, data[:got]); err != nil {
		return err
	}
	if size <= off {
		return fmt.Errorf("%w: at %d of %d", errPastEnd, off, size)
	}
	return fmt.Errorf("%w: granule %d is missing", errWrong, off/granule)
}

// blockSize is the length of a block by its first frame; 0 if it is not there.
func (f blockFile) blockSize(number uint32) (int, error) {
	var frame [frameSize]byte
	n, err := f.ReadAt(frame[:], slotOffset(number))
	if n < frameSize {
		if err == nil || errors.Is(err, io.EOF) {
			return 0, nil
		}
		return 0, err
	}
	return frameLength(frame[:]), nil
}

// punchBlock gives the space of a block back and leaves a hole.
func (f blockFile) punchBlock(number uint32) error {
	if fd, ok := f.fd(); ok {
		err := unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, slotOffset(number), slotSize)
		if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) {
			return err
		}
	}
	return f.clearFrames(number)
}

// clearFrames makes a hole for readers where the system can't make a real one.
func (f blockFile) clearFrames(number uint32) error {
	size, err := f.blockSize(number)
	if err != nil {
		return err
	}
	for g := granules(min(size, blockstore.MaxBlock)) - 1; g >= 0; g-- {
		if _, err := f.WriteAt(make([]byte, frameSize), slotOffset(number)+granuleOffset(g)); err != nil {
			return err
		}
	}
	return nil
}

// startWriteback asks the system to begin writing what is dirty, so that the next
// sync is short. It promises nothing.
func (f blockFile) startWriteback() {
	if fd, ok := f.fd(); ok {
		_ = unix.SyncFileRange(fd, 0, 0, unix.SYNC_FILE_RANGE_WRITE)
	}
}

func preadv(fd int, v [][]byte, at int64) (int, error) {
	total := 0
	for {
		n, err := unix.Preadv(fd, v, at+int64(total))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return total, err
		}
		total += n
		if v = advance(v, n); len(v) == 0 {
			return total, nil
		}
	}
}

func pwritev(fd int, v [][]byte, at int64) (int, error) {
	for {
		n, err := unix.Pwritev(fd, v, at)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// advance is what is left of v after its first n bytes.
func advance(v [][]byte, n int) [][]byte {
	for len(v) > 0 && n >= len(v[0]) {
		n -= len(v[0])
		v = v[1:]
	}
	if n > 0 {
		v[0] = v[0][n:]
	}
	return v
}
