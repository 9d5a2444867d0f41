package namespace_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// TestSessionsRace has several sessions clone, overwrite, change, remove, upload
// and collect at once, and others beside them that are killed at any time. All
// bytes of a file are the same ones; in the end nothing is left.
func TestSessionsRace(t *testing.T) {
	defer namespace.SmallDrafts()()
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		synctest.Test(t, func(t *testing.T) { raceSessions(t, seed) })
	}
}

func raceSessions(t *testing.T, seed uint64) {
	set := smallBlocks
	set.HistoryTime = time.Duration(seed%3) * time.Minute
	c := newCrowd()
	last, err := c.begin(set)
	must(t, err)
	must(t, last.version(seed%2 > 0))
	var wg sync.WaitGroup
	for i := range uint64(3) {
		wg.Go(func() { c.work(t, rand.New(rand.NewPCG(seed, i)), 60) })
	}
	wg.Go(func() {
		rng := rand.New(rand.NewPCG(seed, 100))
		for range 25 {
			c.dieAtWork(t, rng)
		}
	})
	wg.Wait()
	time.Sleep(time.Minute) // the dead are buried
	must(t, last.Check())
	must(t, last.clear())
	time.Sleep(time.Hour)
	empty(t, c.store, last.Session)
	must(t, last.End())
}

// clear removes all there is: files, uploads and versions.
func (m *member) clear() error {
	err := errors.Join(namespacetest.Clear(m.Session, "."), m.version(false))
	for u, failed := range m.Volume.ListUploads(bg, m.Root, "", "", "") {
		err = errors.Join(err, failed, m.Door.AbortUpload(bg, u))
	}
	for l, failed := range m.Volume.ListVersions(bg, m.Root, namespace.ListVersions{}) {
		_, gone := m.Door.DeleteKey(bg, m.Root, l.Key, l.Version, nil)
		err = errors.Join(err, failed, gone)
	}
	return err
}

// crowd is sessions on one store, each of which is known to be alive or not.
type crowd struct {
	store blockstore.Store

	mu     sync.Mutex
	living map[blockstore.ID]bool
}

func newCrowd() *crowd {
	return &crowd{store: memstore.New(), living: make(map[blockstore.ID]bool)}
}

// member is a session that can be killed.
type member struct {
	*namespacetest.Session
	c    *crowd
	id   blockstore.ID
	life *mortal
}

func (c *crowd) begin(set namespace.Settings) (*member, error) {
	m := &member{c: c, id: blockstore.NewID(), life: &mortal{Store: c.store}}
	c.set(m.id, true)
	var err error
	m.Session, err = namespacetest.Begin(m.life, set, namespace.Options{
		Session: m.id, Alive: c.alive, FlushEvery: time.Hour, CollectEvery: 5 * time.Millisecond,
	})
	return m, err
}

func (c *crowd) set(id blockstore.ID, alive bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.living[id] = alive
}

func (c *crowd) alive(id blockstore.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.living[id]
}

// version makes the bucket versioned, or ends that.
func (m *member) version(on bool) error {
	return m.Volume.SetBucketConfig(bg, m.Root, func(b *namespace.BucketRecord) error {
		switch {
		case on:
			b.Versioning = namespace.VersioningEnabled
		case b.Versioning != "":
			b.Versioning = namespace.VersioningSuspended
		}
		return nil
	})
}

// kill ends the session as kill -9 does: nothing that it does from now on happens.
func (m *member) kill() error {
	m.life.dead.Store(true)
	m.c.set(m.id, false)
	return m.Session.Kill()
}

// sharer is a racer in a session of its own.
type sharer struct {
	*racer
	volume *namespace.Volume
}

func (m *member) sharer(rng *rand.Rand) *sharer { return &sharer{&racer{m.Direct, rng}, m.Volume} }

// racing is what a session may do at any time.
var racing = []func(*sharer) error{
	(*sharer).put, (*sharer).clone, (*sharer).clone, (*sharer).change, (*sharer).remove, (*sharer).read, (*sharer).upload,
	(*sharer).hold, (*sharer).restore, (*sharer).deleteVersion, (*sharer).deleteVersion,
}

// hold has a file open for a while, whatever becomes of it meanwhile.
func (r *sharer) hold() error {
	a, err := r.Door.Lookup(bg, r.Root, r.name())
	if err != nil {
		return err
	}
	f, err := r.Door.Open(bg, a.ID, namespace.OpenRead|namespace.OpenWrite)
	if err != nil {
		return err
	}
	for range 3 {
		time.Sleep(time.Duration(r.rng.IntN(8000)) * time.Millisecond)
		if a, err = f.Attr(bg); err == nil && a.Size > 0 {
			_, err = f.WriteAt(bg, fill(byte(r.rng.IntN(256)), int(a.Size)), 0)
		}
		if err != nil {
			err = fmt.Errorf("a file that is held: %v", err)
			break
		}
	}
	return errors.Join(err, f.Close(bg))
}

func (r *sharer) restore() error {
	_, err := r.Door.Restore(bg, namespacetest.Bucket+"/"+r.name(), namespace.Restore{})
	return err
}

// deleteVersion deletes one of the versions of a key for good.
func (r *sharer) deleteVersion() error {
	var all []namespace.Listed
	for l, err := range r.volume.ListVersions(bg, r.Root, namespace.ListVersions{Prefix: r.name()}) {
		if err != nil {
			return err
		}
		all = append(all, l)
	}
	if len(all) == 0 {
		return nil
	}
	l := all[r.rng.IntN(len(all))]
	_, err := r.Door.DeleteKey(bg, r.Root, l.Key, l.Version, nil)
	return err
}

// work begins sessions one after the other that each do some things.
func (c *crowd) work(t *testing.T, rng *rand.Rand, steps int) {
	for steps > 0 {
		m, err := c.begin(smallBlocks)
		if err != nil {
			t.Error(err)
			return
		}
		r := m.sharer(rng)
		for range min(steps, 20) {
			steps--
			err := racing[rng.IntN(len(racing))](r)
			switch blockstore.KindOf(err) {
			case blockstore.NotFound, blockstore.Stale:
				err = nil // somebody was faster
			}
			if err != nil {
				t.Errorf("%v", err)
			}
			time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
		}
		if err := errors.Join(m.Kill(), m.Volume.Close(t.Context())); err != nil {
			t.Error(err)
		}
		c.set(m.id, false)
	}
}

// dieAtWork begins a session that is killed at some call.
func (c *crowd) dieAtWork(t *testing.T, rng *rand.Rand) {
	m, err := c.begin(smallBlocks)
	if err != nil {
		t.Error(err)
		return
	}
	m.life.left.Store(1 + rng.Int64N(200))
	r := m.sharer(rng)
	for !m.life.dead.Load() {
		_ = racing[rng.IntN(len(racing))](r)
		time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
	}
	if err := m.kill(); err != nil {
		t.Error(err)
	}
}

// mortal is a store for a session that is killed after some calls that change
// something.
type mortal struct {
	blockstore.Store
	left atomic.Int64 // calls; 0: no end of them
	dead atomic.Bool
}

var errKilled = blockstore.E("call", "", blockstore.Closed, errors.New("killed"))

func (m *mortal) lives() error {
	if m.left.Load() > 0 && m.left.Add(-1) == 0 {
		m.dead.Store(true)
	}
	if m.dead.Load() {
		return errKilled
	}
	return nil
}

func (m *mortal) Commit(ctx context.Context, c *blockstore.Change, d blockstore.Durability) (blockstore.Version, error) {
	if err := m.lives(); err != nil {
		return blockstore.Version{}, err
	}
	return m.Store.Commit(ctx, c, d)
}

func (m *mortal) PutBlock(ctx context.Context, id blockstore.BlockID, data []byte) error {
	if err := m.lives(); err != nil {
		return err
	}
	return m.Store.PutBlock(ctx, id, data)
}

func (m *mortal) DeleteBlocks(ctx context.Context, ids []blockstore.BlockID) error {
	if err := m.lives(); err != nil {
		return err
	}
	return m.Store.DeleteBlocks(ctx, ids)
}

func (m *mortal) RemoveSegment(ctx context.Context, id blockstore.SegmentID, blocks, small uint32) error {
	if err := m.lives(); err != nil {
		return err
	}
	return m.Store.RemoveSegment(ctx, id, blocks, small)
}
