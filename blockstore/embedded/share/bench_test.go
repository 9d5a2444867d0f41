package share

import (
	"errors"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
)

// benchGuest is a guest of another process, which does nothing else.
func benchGuest(b *testing.B) *served {
	p := newPlace(b)
	owner := p.start(b)
	guest := p.open(b)
	b.Cleanup(func() {
		if guest.isOwner() {
			b.Error("the guest is the owner")
		}
		if err := errors.Join(guest.Close(), owner.stdin.Close()); err != nil {
			b.Error(err)
		}
		<-owner.ended
		if err := owner.Wait(); err != nil {
			b.Error(err)
		}
	})
	return guest
}

func benchPut(key string, seq int, session blockstore.ID) *blockstore.Change {
	return &blockstore.Change{
		Session: session, Seq: uint64(seq),
		Writes: []blockstore.Write{{Key: key, Value: make([]byte, 200)}},
	}
}

func BenchmarkGet(b *testing.B) {
	s := benchGuest(b)
	if _, err := s.Commit(b.Context(), benchPut("k", 1, blockstore.NewID()), blockstore.Lazy); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := s.Get(b.Context(), "k"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCommit(b *testing.B) {
	s := benchGuest(b)
	session := blockstore.NewID()
	for seq := 1; b.Loop(); seq++ {
		if _, err := s.Commit(b.Context(), benchPut("k", seq, session), blockstore.Lazy); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPutBlock(b *testing.B) {
	s := benchGuest(b)
	id, data := blockstore.BlockID{Segment: blockstore.NewID()}, make([]byte, blockstore.MaxBlock)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := s.PutBlock(b.Context(), id, data); err != nil {
			b.Fatal(err)
		}
	}
}
