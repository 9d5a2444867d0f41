package namespace

import (
	"context"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// formatVersion is that of the records this binary writes. It reads all older
// ones and refuses newer ones.
const formatVersion = 1

// Stamp begins every record: which format it is in, and which change of which
// site wrote it.
type Stamp struct {
	Format uint8 `cbor:"1,keyasint"`
	// Site and Counter name the change for ever, among all sites.
	Site    uint64 `cbor:"2,keyasint"`
	Counter uint64 `cbor:"3,keyasint"`
	// Clock is a hybrid logical clock: milliseconds since 1970 shifted left
	// by 16, never behind any stamp that its writer had read.
	Clock uint64 `cbor:"4,keyasint"`
}

func (s *Stamp) stamp() *Stamp { return s }

// stamped is any record.
type stamped interface{ stamp() *Stamp }

var (
	// Names are bytes, not text: strings travel as byte strings.
	encMode = must(cbor.EncOptions{String: cbor.StringToByteString}.EncMode())
	decMode = must(cbor.DecOptions{
		ByteStringToString: cbor.ByteStringToStringAllowed,
		MaxArrayElements:   1 << 20,
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// encode writes a record in the present format.
func encode(r stamped) []byte {
	r.stamp().Format = formatVersion
	return must(encMode.Marshal(r))
}

// decode reads the record under key into r.
func decode(key string, value []byte, r stamped) error {
	if err := decMode.Unmarshal(value, r); err != nil {
		return blockstore.E("decode", keyName(key), blockstore.Corrupt, err)
	}
	switch f := r.stamp().Format; {
	case f > formatVersion:
		return blockstore.E("decode", keyName(key), blockstore.NewerFormat, nil)
	case f == 0:
		return blockstore.E("decode", keyName(key), blockstore.Corrupt, nil)
	}
	return nil
}

// counterLease is how many counters a session takes at a time, so that it
// goes to the shared record once in a million changes.
const counterLease = 1 << 20

// stamper gives stamps to the changes of one session.
type stamper struct {
	writer *blockstore.Writer
	site   uint64

	mu        sync.Mutex
	next, end uint64 // the leased counters
	clock     uint64
}

// next stamp; it may have to lease counters, for which it asks the store.
func (s *stamper) stamp(ctx context.Context) (Stamp, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == s.end {
		if err := s.lease(ctx); err != nil {
			return Stamp{}, err
		}
	}
	s.next++
	s.clock = max(s.clock+1, uint64(time.Now().UnixMilli())<<16)
	return Stamp{Site: s.site, Counter: s.next, Clock: s.clock}, nil
}

// observe keeps the clock from falling behind a stamp that was read.
func (s *stamper) observe(r Stamp) {
	s.mu.Lock()
	s.clock = max(s.clock, r.Clock)
	s.mu.Unlock()
}

func (s *stamper) lease(ctx context.Context) error {
	key := settingKey("counter")
	var first uint64
	_, err := s.writer.Update(ctx, blockstore.ID{}, blockstore.Sync, func(tx *blockstore.Tx) error {
		var c Counter
		value, v, err := tx.Get(key)
		if err != nil {
			return err
		}
		if !v.IsZero() {
			if err := decode(key, value, &c); err != nil {
				return err
			}
		}
		first = c.Leased
		c.Leased += counterLease
		tx.Put(key, encode(&c))
		return nil
	})
	if err == nil {
		s.next, s.end = first, first+counterLease
	}
	return err
}

// Counter is the record of the counters given out at this site.
type Counter struct {
	Stamp
	Leased uint64 `cbor:"10,keyasint"`
}
