package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cairnfs/cairn/blockstore"
)

// await waits for a condition that some other goroutine brings about.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still waiting until %s", what)
		}
	}
}

func openSmallDisk(t *testing.T, total int64) (*Store, *quotaFS) {
	disk := newQuotaFS(vfs.NewMem(), total)
	s := openServed(t, "/store", Options{FS: disk})
	return s, disk
}

// put is a change of one record; without a value it deletes it.
func put(session blockstore.ID, seq uint64, key string, value []byte) *blockstore.Change {
	return &blockstore.Change{Session: session, Seq: seq, Writes: []blockstore.Write{{Key: key, Value: value}}}
}

// TestFull fills the disk with blocks and then with records. Each time something
// smaller must still go, all must stay readable, and removing must lead out of it.
func TestFull(t *testing.T) {
	s, _ := openSmallDisk(t, 64<<20)
	defer s.Close()
	ctx, session := t.Context(), blockstore.NewID()
	data := bytes.Repeat([]byte("full"), blockstore.MaxBlock/4)
	var blocks []blockstore.BlockID
	var err error
	for segment := blockstore.NewID(); err == nil; {
		id := blockstore.BlockID{Segment: segment, Number: uint32(len(blocks))}
		if err = s.PutBlock(ctx, id, data); err == nil {
			blocks = append(blocks, id)
		}
	}
	if !errors.Is(err, blockstore.NoSpace) || len(blocks) < 32 {
		t.Fatalf("after %d blocks: %v", len(blocks), err)
	}
	seq, err := uint64(0), error(nil)
	for err == nil {
		seq++
		_, err = s.Commit(ctx, put(session, seq, fmt.Sprint(seq), data[:8<<10]), blockstore.Lazy)
	}
	if !errors.Is(err, blockstore.NoSpace) || seq < 2 {
		t.Fatalf("at record %d: %v", seq, err)
	}
	if _, err := s.Commit(ctx, put(session, seq, "1", nil), blockstore.Sync); err != nil {
		t.Fatalf("delete on a full disk: %v", err)
	}
	if value, _, err := s.Get(ctx, "2"); err != nil || !bytes.Equal(value, data[:8<<10]) {
		t.Fatalf("record on a full disk: %d bytes, %v", len(value), err)
	}
	if got, err := s.GetBlock(ctx, blocks[7], 0, blockstore.MaxBlock); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("block on a full disk: %d bytes, %v", len(got), err)
	}
	if err := s.RemoveSegment(ctx, blocks[0].Segment, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.PutBlock(ctx, blockstore.BlockID{Segment: blockstore.NewID()}, data); err != nil {
		t.Fatalf("after the removal: %v", err)
	}
}

// TestOthersFillDisk lets others take all the space between two looks at it: the
// ballast must carry what was admitted, and the rest must wait, not fail.
func TestOthersFillDisk(t *testing.T) {
	s, disk := openSmallDisk(t, 256<<20)
	defer s.Close()
	ctx, session := t.Context(), blockstore.NewID()
	hasBallast := func() bool {
		_, err := disk.Stat("/store/" + ballastName)
		return !errors.Is(err, fs.ErrNotExist)
	}
	if !hasBallast() {
		t.Fatal("no ballast")
	}
	disk.fill(0)
	value := make([]byte, 10<<10) // too little for a new log
	commit := func(seq uint64) error {
		c := put(session, seq, fmt.Sprint(seq), value)
		c.Writes = append(c.Writes, blockstore.Write{Key: "other"}) // so it is not refused
		_, err := s.Commit(ctx, c, blockstore.Sync)
		return err
	}
	if err := commit(1); err != nil {
		t.Fatal(err)
	}
	if hasBallast() {
		t.Fatal("the ballast is there still")
	}
	disk.fill(0)
	waiting := make(chan error, 1)
	go func() { waiting <- commit(2) }()
	await(t, "the commit is in order", func() bool {
		_, v, err := s.Get(ctx, "2")
		return err == nil && !v.IsZero()
	})
	seq := uint64(3)
	await(t, "growth is refused", func() bool {
		_, err := s.Commit(ctx, put(session, seq, "3", value), blockstore.Lazy)
		seq++
		return errors.Is(err, blockstore.NoSpace)
	})
	disk.free("others")
	if err := <-waiting; err != nil {
		t.Fatal(err)
	}
	if err := s.tidy(ctx); err != nil || !hasBallast() {
		t.Fatalf("the ballast did not come back: %v", err)
	}
}
