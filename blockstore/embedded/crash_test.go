package embedded

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cairnfs/cairn/blockstore"
)

// TestPowerCut does random work on a file system that keeps what was synced, cuts
// the power at its sync points, and holds what Open finds to the promises: a prefix
// of the commit order, with every Sync commit that was acknowledged, and every
// block whole that a surviving commit needs.
func TestPowerCut(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newPowerCut(t, seed)
			w.run(60)
			for _, cut := range w.cuts {
				w.check(cut)
			}
		})
	}
}

// powerCut is one run of random work.
type powerCut struct {
	*testing.T
	rng     *rand.Rand // of the worker
	store   *Store
	session blockstore.ID

	mem  *vfs.MemFS
	mu   sync.Mutex
	cutR *rand.Rand // of the cuts, guarded by mu as what follows
	cuts []cut
	// done are the commits in order; acked says up to which one Commit returned
	// after a sync, and begun up to which one Commit was called.
	done         []work
	acked, begun int
}

// work is a commit: it sets "count" to its index and key to it as well, and refers
// to blocks, or ends the need of a segment.
type work struct {
	key    string
	blocks []blockstore.BlockID
	drops  blockstore.SegmentID
}

// cut is the disk after a power cut, and what is known of it.
type cut struct {
	fs           *vfs.MemFS
	percent      int    // of what was not synced that survived anyway
	boot         string // if it is the one before, the tail log counts
	acked, begun int
}

const crashDir = "/cairn/store"

func newPowerCut(t *testing.T, seed uint64) *powerCut {
	w := &powerCut{
		T:   t,
		rng: rand.New(rand.NewPCG(seed, 1)), cutR: rand.New(rand.NewPCG(seed, 2)),
		mem: vfs.NewCrashableMem(), session: blockstore.NewID(),
	}
	s, err := Open(crashDir, Options{Create: true, FS: hookedFS{w.mem, w.cutPower}, Boot: "same", Logger: testLog(t), RecordCache: 1 << 10})
	if err != nil {
		t.Fatal(err)
	}
	w.store = s
	return w
}

// cutPower is called before every sync, from any goroutine.
func (w *powerCut) cutPower() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cutR.IntN(12) != 0 {
		return
	}
	c := cut{percent: []int{0, 10, 50, 90}[w.cutR.IntN(4)], boot: crashBoot(w.cutR), acked: w.acked, begun: w.begun}
	c.fs = w.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: c.percent, RNG: w.cutR})
	w.cuts = append(w.cuts, c)
}

// crashBoot is the boot after a cut. Open must find a state that was there, even if
// it is told that this was no power cut.
func crashBoot(rng *rand.Rand) string { return []string{"same", "another"}[rng.IntN(2)] }

func (w *powerCut) run(commits int) {
	defer w.store.Close()
	var live []blockstore.SegmentID
	for range commits {
		next := work{key: fmt.Sprintf("k%d", w.rng.IntN(8))}
		switch p := w.rng.IntN(10); {
		case p < 5:
			if len(live) == 0 || w.rng.IntN(3) == 0 {
				live = append(live, blockstore.NewID())
			}
			next.blocks = w.putBlocks(live[w.rng.IntN(len(live))])
		case p < 7 && len(live) > 1:
			next.drops = live[0]
			live = live[1:]
		}
		w.commit(next)
		w.disturb()
	}
}

// putBlocks puts the next blocks of a segment.
func (w *powerCut) putBlocks(segment blockstore.SegmentID) (ids []blockstore.BlockID) {
	var last int
	for _, d := range w.done {
		for _, id := range d.blocks {
			if id.Segment == segment {
				last = max(last, int(id.Number)+1)
			}
		}
	}
	if w.rng.IntN(4) == 0 {
		w.discard(blockstore.BlockID{Segment: segment, Number: uint32(last)})
		last++
	}
	for i := range 1 + w.rng.IntN(2) {
		id := blockstore.BlockID{Segment: segment, Number: uint32(last + i)}
		if err := w.store.PutBlock(w.Context(), id, crashContent(id)); err != nil {
			w.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// discard puts a block and removes it before any commit needed its segment.
func (w *powerCut) discard(id blockstore.BlockID) {
	err := w.store.PutBlock(w.Context(), id, crashContent(id))
	if err == nil {
		err = w.store.DeleteBlocks(w.Context(), []blockstore.BlockID{id})
	}
	if err == nil && w.rng.IntN(2) == 0 {
		err = w.store.reclaim(w.Context())
	}
	if err != nil {
		w.Fatal(err)
	}
}

// crashContent is the bytes of a block: its length and content follow from its id.
func crashContent(id blockstore.BlockID) []byte {
	var seed [32]byte
	copy(seed[:], id.Segment[:])
	binary.BigEndian.PutUint32(seed[16:], id.Number)
	data := make([]byte, 1+int(seed[15])*(300+int(id.Number)))
	rand.NewChaCha8(seed).Read(data)
	return data
}

// commit commits the next work, and removes what it drops.
func (w *powerCut) commit(next work) {
	d := blockstore.Durability(w.rng.IntN(5) / 4)
	w.mu.Lock()
	w.done = append(w.done, next)
	w.begun = len(w.done)
	w.mu.Unlock()
	value := binary.AppendUvarint(nil, uint64(w.begun))
	c := &blockstore.Change{
		Session: w.session, Seq: uint64(w.begun),
		Writes: []blockstore.Write{{Key: "count", Value: value}, {Key: next.key, Value: value}},
		Adds:   []blockstore.Add{{Key: "sum", Op: blockstore.Sum, Value: 1}},
		Blocks: []blockstore.Block{{ID: smallOf(w.session, w.begun), Data: value}},
		Events: []string{next.key},
	}
	for _, id := range next.blocks {
		if !slices.Contains(c.Needs, id.Segment) {
			c.Needs = append(c.Needs, id.Segment)
		}
	}
	if _, err := w.store.Commit(w.Context(), c, d); err != nil {
		w.Fatal(err)
	}
	if d == blockstore.Sync {
		w.ack(w.begun)
	}
	if !next.drops.IsZero() {
		if err := w.store.RemoveSegment(w.Context(), next.drops, 0, 0); err != nil {
			w.Fatal(err)
		}
	}
}

func smallOf(segment blockstore.SegmentID, n int) blockstore.BlockID {
	return blockstore.BlockID{Segment: segment, Number: blockstore.SmallBit | uint32(n)}
}

func (w *powerCut) ack(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acked = max(w.acked, n)
}

// disturb does now and then what Serve and a busy database do.
func (w *powerCut) disturb() {
	var err error
	switch w.rng.IntN(12) {
	case 0:
		err = w.store.push()
	case 1:
		err = w.store.reclaim(w.Context())
	case 2:
		_, err = w.store.flush()
	case 3:
		n := w.begun
		if err = w.store.Sync(w.Context()); err == nil {
			w.ack(n)
		}
	}
	if err != nil {
		w.Fatal(err)
	}
}

// check opens the store after a cut, and after another one during that.
func (w *powerCut) check(c cut) {
	var again *cut
	opening := true
	w.checkOpen(c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if opening && again == nil && w.cutR.IntN(8) == 0 {
			clone := c.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: c.percent, RNG: w.cutR})
			again = &cut{clone, c.percent, crashBoot(w.cutR), c.acked, c.begun}
		}
	}, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		opening = false
	})
	if again != nil {
		w.checkOpen(*again, func() {}, func() {})
	}
}

func (w *powerCut) checkOpen(c cut, beforeSync, opened func()) {
	s, err := Open(crashDir, Options{Create: true, FS: hookedFS{c.fs, beforeSync}, Boot: c.boot, Logger: testLog(w)})
	if err != nil {
		w.Fatalf("open with %d%% of the unsynced: %v", c.percent, err)
	}
	opened()
	defer s.Close()
	count := w.number(s, "count")
	if count < c.acked || count > c.begun {
		w.Fatalf("%d commits survived of %d, of which %d were durable (with %d%% of the unsynced)", count, c.begun, c.acked, c.percent)
	}
	w.checkRecords(s, count)
	for i, d := range w.done[:count] {
		dropped := func(v work) bool { return len(d.blocks) > 0 && v.drops == d.blocks[0].Segment }
		if slices.ContainsFunc(w.done[:count], dropped) {
			continue
		}
		for _, id := range d.blocks {
			w.checkBlock(s, i, id)
		}
	}
	w.checkRepeat(s, count)
}

func (w *powerCut) checkRecords(s *Store, count int) {
	want := make(map[string]int)
	for i, d := range w.done[:count] {
		want[d.key] = i + 1
		small, err := s.GetBlock(w.Context(), smallOf(w.session, i+1), 0, blockstore.MaxSmall)
		if err != nil || !bytes.Equal(small, binary.AppendUvarint(nil, uint64(i+1))) {
			w.Fatalf("small block of commit %d: %v", i+1, err)
		}
	}
	for k := range 8 {
		key := fmt.Sprintf("k%d", k)
		if got := w.number(s, key); got != want[key] {
			w.Fatalf("%s is of commit %d, want %d, after %d commits", key, got, want[key], count)
		}
	}
	sum, _, err := s.Get(w.Context(), "sum")
	tally, err2 := blockstore.DecodeTally(sum)
	if err != nil || err2 != nil || tally.Field(0) != int64(count) {
		w.Fatalf("tally is %v after %d commits (%v, %v)", tally, count, err, err2)
	}
}

func (w *powerCut) number(s *Store, key string) int {
	value, _, err := s.Get(w.Context(), key)
	if err != nil {
		w.Fatal(err)
	}
	n, _ := binary.Uvarint(value)
	return int(n)
}

func (w *powerCut) checkBlock(s *Store, commit int, id blockstore.BlockID) {
	got, err := s.GetBlock(w.Context(), id, 0, blockstore.MaxBlock)
	if err != nil || !bytes.Equal(got, crashContent(id)) {
		w.Fatalf("block %v that commit %d needs: %d bytes, %v", id, commit+1, len(got), err)
	}
}

// checkRepeat repeats the last commit that survived, which must be known, and the
// first that did not, which must be carried out.
func (w *powerCut) checkRepeat(s *Store, count int) {
	for n := max(count, 1); n <= count+1; n++ {
		c := &blockstore.Change{
			Session: w.session, Seq: uint64(n),
			Writes: []blockstore.Write{{Key: "repeat", Value: []byte{byte(n)}}},
		}
		if _, err := s.Commit(w.Context(), c, blockstore.Sync); err != nil {
			w.Fatal(err)
		}
		_, v, err := s.Get(w.Context(), "repeat")
		if err != nil || v.IsZero() != (n <= count) {
			w.Fatalf("commit %d of %d repeated: record at %v, %v", n, count, v, err)
		}
	}
}

// hookedFS calls a function before every sync of a file or directory.
type hookedFS struct {
	vfs.FS
	beforeSync func()
}

type hookedFile struct {
	vfs.File
	beforeSync func()
}

func (h hookedFS) wrap(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return hookedFile{f, h.beforeSync}, nil
}

func (h hookedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return h.wrap(h.FS.Create(name, c))
}

func (h hookedFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return h.wrap(h.FS.OpenReadWrite(name, c, o...))
}

func (h hookedFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return h.wrap(h.FS.ReuseForWrite(old, name, c))
}

func (h hookedFS) OpenDir(name string) (vfs.File, error) { return h.wrap(h.FS.OpenDir(name)) }

func (f hookedFile) Sync() error {
	f.beforeSync()
	return f.File.Sync()
}

func (f hookedFile) SyncData() error {
	f.beforeSync()
	return f.File.SyncData()
}
