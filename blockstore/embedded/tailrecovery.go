package embedded

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// A file of the tail log begins with tailHead. Then come frames: the length of the
// batch and the CRC-32C of all that follows (4 bytes each), the number of the batch
// (8 bytes), and the batch as Pebble represents it. Numbers are big-endian.
const tailFrameHead = 16

// tailHead is the first line of a file of the tail, for one boot.
func tailHead(boot string) []byte { return fmt.Appendf(nil, "cairn tail 1 %s\n", boot) }

// tailBatch is a batch that was read from the tail.
type tailBatch struct {
	number uint64
	repr   []byte
}

func appendTailFrame(b []byte, number uint64, batch []byte) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(len(batch)))
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, number)
	b = append(b, batch...)
	binary.BigEndian.PutUint32(b[start+4:], crc32.Checksum(b[start+8:], castagnoli))
	return b
}

// parseTail returns the frames of a file up to the first that is torn. A file of
// another boot has none.
func parseTail(data []byte, boot string) (batches []tailBatch) {
	data, ok := bytes.CutPrefix(data, tailHead(boot))
	if !ok || boot == "" {
		return nil
	}
	for len(data) >= tailFrameHead {
		size := int64(binary.BigEndian.Uint32(data))
		if size > int64(len(data)-tailFrameHead) {
			break
		}
		end := tailFrameHead + int(size)
		if crc32.Checksum(data[8:end], castagnoli) != binary.BigEndian.Uint32(data[4:]) {
			break
		}
		batches = append(batches, tailBatch{binary.BigEndian.Uint64(data[8:]), data[tailFrameHead:end]})
		data = data[end:]
	}
	return batches
}

// read returns the batches that come right after batch last.
func (t *tail) read(last uint64) (batches []tailBatch, err error) {
	names, err := t.names()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := readFile(t.fs, t.fs.PathJoin(t.dir, name))
		if err != nil {
			return nil, err
		}
		for _, b := range parseTail(data, t.boot) {
			if b.number == last+1 {
				batches = append(batches, b)
				last = b.number
			}
		}
	}
	return batches, nil
}

// recoverTail commits again what a killed process had not yet in the log. That it
// has been lost from the log, but not from the tail, does not mean that the blocks
// are there: so they are checked as those of the log are.
func (s *Store) recoverTail() error {
	const op = "recover tail"
	last, err := s.lastNumber()
	if err != nil {
		return err
	}
	batches, err := s.tail.read(last)
	if err != nil {
		s.log.Warn("the tail log can't be read", "error", err)
	}
	if batches, err = s.whole(batches); err != nil {
		return fault(op, s.dir, err)
	}
	for _, t := range batches {
		if err := s.recommit(op, t); err != nil {
			return err
		}
	}
	if len(batches) > 0 {
		s.log.Info("recovered what a killed process left", "batches", len(batches))
	}
	return nil
}

func (s *Store) recommit(op string, t tailBatch) error {
	b := s.db.NewBatch()
	defer b.Close()
	if err := b.SetRepr(slices.Clone(t.repr)); err != nil {
		return fault(op, s.dir, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.apply(op, s.dir, b, pebble.NoSync)
}

// whole returns the batches before the first whose blocks are not all there, and
// makes the log wait for those of the others.
func (s *Store) whole(batches []tailBatch) ([]tailBatch, error) {
	r := newRecovery(s.segs)
	for i, t := range batches {
		if err := r.readBatch(t.repr, int64(i)); err != nil {
			return nil, err
		}
	}
	at, cause := r.end()
	if cause != nil {
		s.log.Warn("the tail log is cut before a commit whose content was lost", "error", cause)
		batches = batches[:at]
	}
	return batches, nil
}

// startNumbers makes this run's numbers differ from those of all runs before: of
// them only the ones right after a number that was synced can have been lost. What
// was recovered is synced with it, so the old tail can go.
func (s *Store) startNumbers() error {
	const op = "open store"
	last, err := s.lastNumber()
	if err != nil {
		return err
	}
	s.last = last + numberGap
	b := s.db.NewBatch()
	defer b.Close()
	if err := s.logNumbered(op, s.dir, b); err != nil {
		return err
	}
	if err := s.syncLog(op); err != nil {
		return err
	}
	if err := s.tail.clear(); err != nil {
		return fault(op, s.dir, err)
	}
	return nil
}

// lastNumber is the number of the newest batch in the database.
func (s *Store) lastNumber() (uint64, error) {
	last, err := s.loadNumber(numberKey)
	if err != nil {
		return 0, err
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: feedKey(0), UpperBound: []byte{feedKeys + 1}})
	if err != nil {
		return 0, fault("open feed", "", err)
	}
	if it.Last() {
		number, ok := parseFeedKey(it.Key())
		if !ok {
			_ = it.Close()
			return 0, blockstore.E("open feed", fmt.Sprintf("%x", it.Key()), blockstore.Corrupt, nil)
		}
		last = max(last, number)
	}
	if err := it.Close(); err != nil {
		return 0, fault("open feed", "", err)
	}
	return last, nil
}
