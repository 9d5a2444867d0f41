package embedded

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// outcomesScanned is how many commits Open reads for the outcomes of the sessions.
const outcomesScanned = 1 << 16

// loadFeed finds out where the last run ended.
func (s *Store) loadFeed() error {
	trimmed, err := s.loadNumber(trimmedKey)
	if err != nil {
		return err
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: feedKey(0), UpperBound: []byte{feedKeys + 1}})
	if err != nil {
		return fault("open feed", "", err)
	}
	last := trimmed
	var tail []event
	for ok := it.Last(); ok && len(tail) < outcomesScanned; ok = it.Prev() {
		number, r, err := readFeed(it)
		if err != nil {
			return errors.Join(err, it.Close())
		}
		last = max(last, number)
		tail = append(tail, event{number: number, session: r.session, seq: r.seq})
	}
	if err := it.Close(); err != nil {
		return fault("open feed", "", err)
	}
	for i := len(tail) - 1; i >= 0; i-- {
		s.sessions.add(tail[i].session, tail[i].seq, tail[i].number)
	}
	size, err := s.db.EstimateDiskUsage(feedKey(0), []byte{feedKeys + 1})
	if err != nil {
		return fault("open feed", "", err)
	}
	s.feed.head, s.feed.floor, s.feed.trimmed, s.feed.bytes = last, last, trimmed, int64(size)
	return nil
}

// loadNumber reads a setting that is a number; one that is not there is 0.
func (s *Store) loadNumber(key []byte) (uint64, error) {
	value, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fault("open feed", "", err)
	}
	defer closer.Close()
	if len(value) != 8 {
		return 0, blockstore.E("open feed", "", blockstore.Corrupt, nil)
	}
	return binary.BigEndian.Uint64(value), nil
}

// trimFeed forgets the commits that are older than the retention allows, or more
// than it has room for.
func (s *Store) trimFeed(now time.Time) error {
	to, size, err := s.trimPoint(now)
	if err != nil || to == 0 {
		return err
	}
	// Watchers hear of it first: what they read meanwhile may lack events.
	s.feed.mu.Lock()
	s.feed.trimmed = to
	s.feed.bytes = max(0, s.feed.bytes-size)
	s.feed.mu.Unlock()

	b := s.db.NewBatch()
	defer b.Close()
	_ = b.DeleteRange(feedKey(0), feedKey(to+1), nil)
	_ = b.Set(trimmedKey, binary.BigEndian.AppendUint64(nil, to), nil)
	return s.logNumbered("trim feed", "", b)
}

// trimPoint is the last commit to forget, 0 for none, and the bytes up to there.
func (s *Store) trimPoint(now time.Time) (to uint64, size int64, err error) {
	head, trimmed := s.feed.state()
	s.feed.mu.Lock()
	excess := s.feed.bytes - s.opts.FeedBytes
	s.feed.mu.Unlock()
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: feedKey(trimmed + 1), UpperBound: feedKey(head + 1)})
	if err != nil {
		return 0, 0, fault("trim feed", "", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		number, r, err := readFeed(it)
		if err != nil {
			return 0, 0, errors.Join(err, it.Close())
		}
		if size >= excess && now.Sub(r.at) < s.opts.FeedAge {
			break
		}
		to = number
		size += int64(len(it.Key()) + len(it.Value()))
	}
	return to, size, it.Close()
}
