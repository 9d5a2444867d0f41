package blockstoretest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
)

// harness is one store under test, with the calls that must succeed made
// short. Its methods that fail the test are for the test's own goroutine.
type harness struct {
	*testing.T
	suite   Suite
	store   blockstore.Store
	ctx     context.Context //nolint:containedctx // lives as long as the test
	session blockstore.ID
	seq     uint64
}

func newHarness(t *testing.T, s Suite, open func(t *testing.T) blockstore.Store) *harness {
	t.Helper()
	h := &harness{T: t, suite: s, store: open(t), ctx: t.Context(), session: blockstore.NewID()}
	t.Cleanup(func() {
		if err := h.store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return h
}

// reopen does nothing on an engine that can't.
func (h *harness) reopen() {
	h.Helper()
	if h.suite.Reopen != nil {
		h.store = h.suite.Reopen(h.T, h.store)
	}
}

// ok fails the test on an error.
func (h *harness) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// kind fails the test unless the error is of the kind.
func (h *harness) kind(err error, want blockstore.Kind) {
	h.Helper()
	if err == nil || blockstore.KindOf(err) != want || !errors.Is(err, want) {
		h.Fatalf("error %v (%v), want %v", err, blockstore.KindOf(err), want)
	}
}

// name gives the change the next name of the harness's session.
func (h *harness) name(c *blockstore.Change) *blockstore.Change {
	h.seq++
	c.Session, c.Seq = h.session, h.seq
	return c
}

// commit carries out a change under a new name, which must succeed.
func (h *harness) commit(c blockstore.Change) blockstore.Version {
	h.Helper()
	v, err := h.store.Commit(h.ctx, h.name(&c), blockstore.Lazy)
	h.ok(err)
	if v.IsZero() {
		h.Fatal("commit returned the version of an absent record")
	}
	return v
}

// refuse carries out a change under a new name, which must fail with the kind.
func (h *harness) refuse(c blockstore.Change, want blockstore.Kind) {
	h.Helper()
	_, err := h.store.Commit(h.ctx, h.name(&c), blockstore.Lazy)
	h.kind(err, want)
}

func (h *harness) put(key, value string) blockstore.Version {
	h.Helper()
	return h.commit(blockstore.Change{Writes: []blockstore.Write{write(key, value)}})
}

func (h *harness) delete(key string) {
	h.Helper()
	h.commit(blockstore.Change{Writes: []blockstore.Write{{Key: key}}})
}

func (h *harness) get(key string) ([]byte, blockstore.Version) {
	h.Helper()
	value, v, err := h.store.Get(h.ctx, key)
	h.ok(err)
	return value, v
}

// holds fails the test unless the record is there with value and version.
func (h *harness) holds(key, value string, version blockstore.Version) {
	h.Helper()
	if got, v := h.get(key); string(got) != value || v != version {
		h.Fatalf("record %q is %.40q at %v, want %.40q at %v", key, got, v, value, version)
	}
}

// absent fails the test if the record is there.
func (h *harness) absent(key string) {
	h.Helper()
	if value, v := h.get(key); value != nil || !v.IsZero() {
		h.Fatalf("record %q is %.40q at %v, want it absent", key, value, v)
	}
}

func (h *harness) tally(key string) blockstore.Tally {
	h.Helper()
	value, _ := h.get(key)
	t, err := blockstore.DecodeTally(value)
	h.ok(err)
	return t
}

func (h *harness) scan(prefix, after string) []blockstore.Record {
	h.Helper()
	var rs []blockstore.Record
	for r, err := range h.store.Scan(h.ctx, prefix, after) {
		h.ok(err)
		rs = append(rs, r)
	}
	return rs
}

func (h *harness) list(after blockstore.BlockID) []blockstore.BlockInfo {
	h.Helper()
	var bs []blockstore.BlockInfo
	for b, err := range h.store.ListBlocks(h.ctx, after) {
		h.ok(err)
		bs = append(bs, b)
	}
	return bs
}

func (h *harness) head() blockstore.Cursor {
	h.Helper()
	c, err := h.store.Head(h.ctx)
	h.ok(err)
	return c
}

// putBlock puts a block of either kind, small ones by a change.
func (h *harness) putBlock(id blockstore.BlockID, data []byte) {
	h.Helper()
	if id.Small() {
		h.commit(blockstore.Change{Blocks: []blockstore.Block{{ID: id, Data: data}}})
		return
	}
	h.ok(h.store.PutBlock(h.ctx, id, data))
}

// hasBlock fails the test unless the block is there, whole.
func (h *harness) hasBlock(id blockstore.BlockID, want []byte) {
	h.Helper()
	got, err := readBlock(h.ctx, h.store, id, 0, blockstore.MaxBlock)
	h.ok(err)
	if !bytes.Equal(got, want) {
		h.Fatalf("block %v has %d bytes, not the %d put, or others", id, len(got), len(want))
	}
}

func (h *harness) noBlock(id blockstore.BlockID) {
	h.Helper()
	_, err := h.store.GetBlock(h.ctx, id, 0, 1)
	h.kind(err, blockstore.NotFound)
}

// readBlock reads on over every early stop, and holds GetBlock to its contract
// about them.
func readBlock(ctx context.Context, s blockstore.Blocks, id blockstore.BlockID, off, n int) ([]byte, error) {
	var data []byte
	for n > 0 {
		got, err := s.GetBlock(ctx, id, off, n)
		if len(data) > 0 && errors.Is(err, blockstore.OutOfRange) {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		if len(got) == 0 || len(got) > n {
			return nil, fmt.Errorf("block %v: %d bytes for %d at %d", id, len(got), n, off)
		}
		data, off, n = append(data, got...), off+len(got), n-len(got)
		if n == 0 || off%blockstore.Granule == 0 {
			continue
		}
		if _, err := s.GetBlock(ctx, id, off, 1); !errors.Is(err, blockstore.OutOfRange) {
			return nil, fmt.Errorf("block %v: stopped early at %d, which is neither its end nor a granule's (%v)", id, off, err)
		}
		return data, nil
	}
	return data, nil
}

func write(key, value string) blockstore.Write {
	return blockstore.Write{Key: key, Value: []byte(value)}
}

// content returns n bytes that belong to the block alone.
func content(id blockstore.BlockID, n int) []byte {
	var seed [32]byte
	copy(seed[:], id.Segment[:])
	binary.BigEndian.PutUint32(seed[16:], id.Number)
	data := make([]byte, n)
	rand.NewChaCha8(seed).Read(data)
	return data
}

// scribble makes a buffer useless to whoever kept it.
func scribble(buf []byte) {
	for i := range buf {
		buf[i] ^= 0xa5
	}
}
