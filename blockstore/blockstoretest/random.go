package blockstoretest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/cairnfs/cairn/blockstore"
)

var randomProperties = []property{
	{"Random1", func(h *harness) { testRandom(h, 1) }},
	{"Random2", func(h *harness) { testRandom(h, 2) }},
	{"Random3", func(h *harness) { testRandom(h, 3) }},
	{"Random4", func(h *harness) { testRandom(h, 4) }},
}

// randomSteps stays below OutcomesKept, so that any change may be repeated.
const randomSteps = 1000

// walker takes random steps on a store and on a model, which must agree on
// every answer. All that it does follows from the seed alone, so a seed does
// and finds the same on every engine.
type walker struct {
	*harness
	rng      *rand.Rand
	m        *model
	segments []segmentState
	removed  map[blockstore.SegmentID]bool
	changes  []*blockstore.Change // all that were committed or refused
	step     int
}

// segmentState is a segment and how many blocks of either kind it ever had.
type segmentState struct {
	id            blockstore.SegmentID
	blocks, small uint32
}

var steps = []struct {
	weight int
	name   string
	step   func(w *walker)
}{
	{40, "commit", (*walker).commitRandom},
	{6, "repeat", (*walker).repeat},
	{12, "get", (*walker).getRandom},
	{8, "scan", (*walker).scanRandom},
	{12, "put block", (*walker).putRandom},
	{3, "put block again", (*walker).putAgain},
	{15, "read block", (*walker).readRandom},
	{4, "delete blocks", (*walker).deleteRandom},
	{2, "remove segment", (*walker).removeRandom},
	{3, "list blocks", (*walker).listRandom},
	{2, "watch", (*walker).watchRandom},
	{1, "sync", func(w *walker) { w.ok(w.store.Sync(w.ctx)) }},
	{1, "reopen", func(w *walker) { w.reopen() }},
}

func testRandom(h *harness, seed uint64) {
	w := &walker{
		harness: h, rng: rand.New(rand.NewPCG(seed, 0)), m: newModel(),
		removed: make(map[blockstore.SegmentID]bool),
	}
	h.session = w.id()
	total := 0
	for _, s := range steps {
		total += s.weight
	}
	var name string
	defer func() {
		if h.Failed() {
			h.Logf("seed %d, step %d: %s", seed, w.step, name)
		}
	}()
	for w.step = range randomSteps {
		n, i := w.rng.IntN(total), 0
		for ; n >= steps[i].weight; i++ {
			n -= steps[i].weight
		}
		name = steps[i].name
		steps[i].step(w)
	}
	name = "the end"
	w.checkAll()
	w.reopen()
	w.checkAll()
}

// checkAll compares everything there is.
func (w *walker) checkAll() {
	w.Helper()
	w.checkScan("", "")
	w.checkList(blockstore.BlockID{})
	for id, data := range w.m.blocks {
		w.hasBlock(id, data)
	}
	if len(w.m.events) > 0 {
		w.checkFeed(0)
	}
}

// id returns a random ID that follows from the seed.
func (w *walker) id() (id blockstore.ID) {
	for i := range id {
		id[i] = byte(w.rng.Uint32())
	}
	return id
}

// chance is true in one of n cases.
func (w *walker) chance(n int) bool { return w.rng.IntN(n) == 0 }

// key is one of about a hundred keys, many of them prefixes of others.
func (w *walker) key() string {
	key := ""
	for range 1 + w.rng.IntN(3) {
		key += []string{"\x00", "a", "/", "\xff"}[w.rng.IntN(4)]
	}
	return key
}

func (w *walker) tallyKey() string { return "tally" + string(rune('0'+w.rng.IntN(4))) }

// anyKey is a key of a record, a tally, or nothing.
func (w *walker) anyKey() string {
	switch w.rng.IntN(8) {
	case 0:
		return ""
	case 1:
		return w.tallyKey()
	default:
		return w.key()
	}
}

// commitRandom commits a change that most often is in order.
func (w *walker) commitRandom() {
	c := &blockstore.Change{Origin: w.id(), Guards: w.guards()}
	used := map[string]bool{}
	for range w.rng.IntN(4) {
		if wr := w.write(); !used[wr.Key] {
			c.Writes = append(c.Writes, wr)
			used[wr.Key] = true
		}
	}
	for range w.rng.IntN(3) {
		a := blockstore.Add{
			Key: w.tallyKey(), Field: uint8(w.rng.IntN(4)),
			Op: blockstore.AddOp(w.rng.IntN(2)), Value: w.rng.Int64() >> w.rng.IntN(64),
		}
		if !used[a.Key] {
			c.Adds = append(c.Adds, a)
		}
	}
	for range max(0, w.rng.IntN(6)-3) {
		s := w.segment()
		c.Blocks = append(c.Blocks, blockstore.Block{
			ID: small(s.id, s.small), Data: content(w.anyBlock(), 1+w.rng.IntN(blockstore.MaxSmall)),
		})
		s.small++
	}
	for range max(0, w.rng.IntN(5)-2) {
		c.Events = append(c.Events, w.key())
	}
	if len(w.segments) > 0 && w.chance(4) {
		c.Needs = append(c.Needs, w.segments[w.rng.IntN(len(w.segments))].id)
	}
	w.try(w.name(c))
}

// write is a random write, at times of a tally.
func (w *walker) write() blockstore.Write {
	switch w.rng.IntN(10) {
	case 0:
		return blockstore.Write{Key: w.tallyKey()}
	case 1:
		return blockstore.Write{Key: w.tallyKey(), Value: blockstore.Tally{w.rng.Int64()}.Encode()}
	case 2, 3, 4:
		return blockstore.Write{Key: w.key()}
	default:
		return blockstore.Write{Key: w.key(), Value: content(w.anyBlock(), w.rng.IntN(1<<w.rng.IntN(14)))}
	}
}

// guards hold in about three of four changes.
func (w *walker) guards() []blockstore.Guard {
	var guards []blockstore.Guard
	for range w.rng.IntN(3) {
		g := blockstore.Guard{Key: w.key()}
		switch w.rng.IntN(8) {
		case 0:
			g.Empty = true
		case 1:
			g.Key = w.tallyKey()
			g.Version = w.m.records[w.key()].version
		default:
			g.Version = w.m.records[g.Key].version
		}
		guards = append(guards, g)
	}
	return guards
}

// try commits the change, for the first time or again, and holds the store to
// what the model makes of it.
func (w *walker) try(c *blockstore.Change) {
	w.Helper()
	before := w.head()
	got, err := w.store.Commit(w.ctx, c, blockstore.Durability(w.rng.IntN(30)/29))
	old, done := w.m.done[changeName{c.Session, c.Seq}]
	switch {
	case done:
		w.ok(err)
		if got != old {
			w.Fatalf("repeat of change %d returned %v, the change %v", c.Seq, got, old)
		}
	case !w.m.holds(c):
		w.kind(err, blockstore.Conflict)
	default:
		w.ok(err)
		if w.m.versions[got] {
			w.Fatalf("change %d took version %v again", c.Seq, got)
		}
		w.m.apply(c, got, before)
	}
	w.changes = append(w.changes, c)
}

// repeat sends any earlier change again, unless that would put blocks into a
// segment that was removed: writers don't do that.
func (w *walker) repeat() {
	if len(w.changes) == 0 {
		return
	}
	c := w.changes[w.rng.IntN(len(w.changes))]
	lost := slices.ContainsFunc(c.Blocks, func(b blockstore.Block) bool { return w.removed[b.ID.Segment] }) ||
		slices.ContainsFunc(c.Needs, func(s blockstore.SegmentID) bool { return w.removed[s] })
	if _, done := w.m.done[changeName{c.Session, c.Seq}]; done || !lost {
		w.try(c)
	}
}

func (w *walker) getRandom() {
	key := w.key()
	want := w.m.records[key]
	if want.version.IsZero() {
		w.absent(key)
		return
	}
	w.holds(key, want.value, want.version)
}

func (w *walker) scanRandom() { w.checkScan(w.anyKey(), w.anyKey()) }

func (w *walker) checkScan(prefix, after string) {
	w.Helper()
	got, want := w.scan(prefix, after), w.m.keys(prefix, after)
	if !slices.Equal(scannedKeys(got), want) {
		w.Fatalf("scan of %q after %q: %q, want %q", prefix, after, scannedKeys(got), want)
	}
	for _, r := range got {
		if r := (modelRecord{string(r.Value), r.Version}); r != w.m.records[want[0]] {
			w.Fatalf("scanned %q as %+v, want %+v", want[0], r, w.m.records[want[0]])
		}
		want = want[1:]
	}
}

// segment is one to write to, a new one at times.
func (w *walker) segment() *segmentState {
	if len(w.segments) == 0 || w.chance(8) {
		w.segments = append(w.segments, segmentState{id: w.id()})
	}
	return &w.segments[w.rng.IntN(len(w.segments))]
}

// anyBlock is the name of a block that there is, was, or never was.
func (w *walker) anyBlock() blockstore.BlockID {
	if len(w.segments) == 0 || w.chance(20) {
		return large(w.id(), w.rng.Uint32N(3))
	}
	s := w.segments[w.rng.IntN(len(w.segments))]
	if w.chance(2) {
		return small(s.id, w.rng.Uint32N(s.small+1))
	}
	return large(s.id, w.rng.Uint32N(s.blocks+1))
}

func (w *walker) putRandom() {
	s := w.segment()
	id := large(s.id, s.blocks)
	s.blocks++
	data := content(id, 1+w.rng.IntN(blockstore.MaxBlock>>w.rng.IntN(12)))
	w.ok(w.store.PutBlock(w.ctx, id, data))
	w.m.blocks[id] = data
}

func (w *walker) putAgain() {
	if id := w.anyBlock(); !id.Small() && w.m.blocks[id] != nil {
		w.ok(w.store.PutBlock(w.ctx, id, w.m.blocks[id]))
	}
}

// readRandom reads any range of any block, often past its end.
func (w *walker) readRandom() {
	id := w.anyBlock()
	want, found := w.m.blocks[id]
	off, n := w.rng.IntN(len(want)*9/8+1), 1+w.rng.IntN(len(want)+10)
	got, err := readBlock(w.ctx, w.store, id, off, n)
	switch {
	case !found:
		w.kind(err, blockstore.NotFound)
	case off >= len(want):
		w.kind(err, blockstore.OutOfRange)
	default:
		w.ok(err)
		if !bytes.Equal(got, want[off:off+min(n, len(want)-off)]) {
			w.Fatalf("block %v: wrong bytes for %d at %d of %d", id, n, off, len(want))
		}
	}
}

func (w *walker) deleteRandom() {
	var ids []blockstore.BlockID
	for range w.rng.IntN(5) {
		ids = append(ids, w.anyBlock())
		delete(w.m.blocks, ids[len(ids)-1])
	}
	w.ok(w.store.DeleteBlocks(w.ctx, ids))
}

// removeRandom removes a segment, and nothing is put there again.
func (w *walker) removeRandom() {
	if len(w.segments) == 0 {
		return
	}
	i := w.rng.IntN(len(w.segments))
	s := w.segments[i]
	w.segments = slices.Delete(w.segments, i, i+1)
	w.removed[s.id] = true
	w.ok(w.store.RemoveSegment(w.ctx, s.id, s.blocks, s.small))
	for id := range w.m.blocks {
		if id.Segment == s.id {
			delete(w.m.blocks, id)
		}
	}
}

func (w *walker) listRandom() {
	after := blockstore.BlockID{}
	if w.chance(2) {
		after = w.anyBlock()
	}
	w.checkList(after)
}

func (w *walker) checkList(after blockstore.BlockID) {
	w.Helper()
	if got, want := w.list(after), w.m.blocksAfter(after); !slices.Equal(got, want) {
		w.Fatalf("list after %v: %v, want %v", after, got, want)
	}
}

func (w *walker) watchRandom() {
	if len(w.m.events) > 0 {
		w.checkFeed(w.rng.IntN(len(w.m.events)))
	}
}

// checkFeed watches from before the i-th event.
func (w *walker) checkFeed(i int) {
	w.Helper()
	want := w.m.events[i:]
	got := withoutOlder(w.watchAll(want[0].Cursor, want), want)
	w.ok(sameOrder(got, want))
}

// sameOrder compares events, of which only those of one key have an order.
func sameOrder(got, want []blockstore.Event) error {
	byKey := func(events []blockstore.Event) map[string][]changeName {
		names := make(map[string][]changeName)
		for _, e := range events {
			for _, key := range e.Keys {
				names[key] = append(names[key], nameOf(e))
			}
		}
		return names
	}
	g, w := byKey(got), byKey(want)
	for key := range w {
		if !slices.Equal(g[key], w[key]) {
			return fmt.Errorf("events at %q came in another order", key)
		}
	}
	return nil
}
