package namespace

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
)

// Options of an open volume.
type Options struct {
	Logger *slog.Logger // default: none
	// Session names the session. Default: a new id.
	Session blockstore.ID
	// Alive says whether another session, that is on record, may still be at work.
	// Default: it is until it gave no sign of life for a minute.
	Alive func(session blockstore.ID) bool
	// Exclusive: no other session is alive.
	Exclusive bool
	// Command describes the session to people.
	Command string
	// FlushEvery is how often open files are committed. Default: 2 s, so
	// that no byte waits 5 s.
	FlushEvery time.Duration
	// CollectEvery is how often the collector looks for work. Default: 1 s.
	CollectEvery time.Duration
}

func (o *Options) defaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Session.IsZero() {
		o.Session = blockstore.NewID()
	}
	if o.Exclusive {
		o.Alive = func(blockstore.ID) bool { return false }
	}
	if o.FlushEvery == 0 {
		o.FlushEvery = 2 * time.Second
	}
	if o.CollectEvery == 0 {
		o.CollectEvery = time.Second
	}
}

// Volume is one file system: buckets, history and settings in one store.
//
// Lock order: a live node's mu, then Volume.mu, then Door.mu. No lock of a node
// is taken while another node's is held.
type Volume struct {
	store   blockstore.Store
	opts    Options
	log     *slog.Logger
	writer  *blockstore.Writer
	stamper *stamper
	id      blockstore.ID
	created Time
	session blockstore.ID
	nodes   *nodeCache
	buckets decodedCache[NodeID, BucketRecord]
	entries decodedCache[string, EntryRecord]
	opens   *openTable
	readers *openTable    // of contents of history, by their ids
	puts    chan struct{} // a place for each block on its way to the engine
	own     *Door         // of the collector

	collecting sync.Mutex  // held by whoever collects
	rulesRun   int64       // the day when the buckets' rules were carried out; guarded by collecting
	full       atomic.Bool // the engine had no room

	signs signs // of life

	// unclean: something was given up that only the next start finds.
	unclean atomic.Bool

	mu       sync.RWMutex
	settings Settings
	doors    []*Door
	streams  *streamTable
}

// putsAtOnce bounds the blocks that wait in memory for the engine.
const putsAtOnce = 8

// Format makes the records of a new volume. It fails with Exists if there is
// one already, Invalid if a setting is.
func Format(ctx context.Context, s blockstore.Store, set Settings) error {
	if err := set.check(); err != nil {
		return err
	}
	var site [8]byte
	rand.Read(site[:])
	v := VolumeRecord{
		Stamp: Stamp{Site: binary.BigEndian.Uint64(site[:]), Clock: uint64(time.Now().UnixMilli()) << 16},
		ID:    blockstore.NewID(), Created: Now(), Settings: set,
	}
	v.Site = v.Stamp.Site
	root := Node{
		Stamp: v.Stamp, Kind: Dir, Mode: 0o755, UID: uint32(os.Getuid()), GID: uint32(os.Getgid()),
		Btime: v.Created, Atime: v.Created, Mtime: v.Created, MtimeSet: v.Created,
	}
	w := blockstore.NewWriter(s, blockstore.NewID())
	_, err := w.Update(ctx, blockstore.ID{}, blockstore.Sync, func(tx *blockstore.Tx) error {
		if _, have, err := tx.Get(settingKey("volume")); err != nil || !have.IsZero() {
			if err == nil {
				err = blockstore.E("format", "volume", blockstore.Exists, nil)
			}
			return err
		}
		tx.Put(settingKey("volume"), encode(&v))
		tx.Put(nodeKey(RootID), encode(&root))
		tx.Add(tallyKey(RootID), tallyCtime, blockstore.Max, int64(v.Created))
		return nil
	})
	return err
}

// Open opens the volume in a store and begins a session. It fails with
// NotFound if the store has no volume, NewerFormat if this binary is too old
// for it. The store stays its owner's to close, after the volume.
func Open(ctx context.Context, s blockstore.Store, opts Options) (*Volume, error) {
	opts.defaults()
	rec, err := readVolume(ctx, s)
	if err != nil {
		return nil, err
	}
	session := opts.Session
	w := blockstore.NewWriter(s, session)
	v := &Volume{
		store: s, opts: opts, log: opts.Logger, writer: w, session: session,
		stamper: &stamper{writer: w, site: rec.Site, clock: rec.Clock},
		id:      rec.ID, created: rec.Created, settings: rec.Settings,
		nodes: newNodeCache(), buckets: newDecodedCache[NodeID, BucketRecord](cachedBuckets),
		entries: newDecodedCache[string, EntryRecord](cachedEntries), opens: newOpenTable(), readers: newOpenTable(), streams: newStreamTable(),
		puts: make(chan struct{}, putsAtOnce),
	}
	v.own = v.Door("collector")
	if err := v.beginSession(ctx); err != nil {
		return nil, err
	}
	return v, v.buryDead(ctx)
}

func readVolume(ctx context.Context, s blockstore.Store) (*VolumeRecord, error) {
	value, version, err := s.Get(ctx, settingKey("volume"))
	if err != nil {
		return nil, err
	}
	if version.IsZero() {
		return nil, blockstore.E("open", "volume", blockstore.NotFound, nil)
	}
	rec := new(VolumeRecord)
	return rec, decode(settingKey("volume"), value, rec)
}

// Serve does the background work until ctx is done: it commits open files,
// hears of the changes of other sessions, and collects.
func (v *Volume) Serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return v.every(ctx, v.opts.FlushEvery, v.flushOld) })
	g.Go(func() error { return v.every(ctx, v.opts.CollectEvery, v.collectSome) })
	g.Go(func() error { return v.every(ctx, sessionBeat, v.attend) })
	g.Go(func() error { return v.listen(ctx) })
	return g.Wait()
}

// every runs do again and again. An error is logged and the next round tries
// again, for there is nobody to return it to and nothing is lost by waiting.
func (v *Volume) every(ctx context.Context, period time.Duration, do func(context.Context) error) error {
	t := time.NewTicker(period)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if err := do(ctx); err != nil && ctx.Err() == nil {
			v.log.Error("background work failed; it will be tried again", "err", err)
		}
	}
}

// Close commits every open file of every door durably and ends the session.
// Serve must have returned.
func (v *Volume) Close(ctx context.Context) error {
	var first error
	for _, d := range v.allDoors() {
		if err := d.Flush(ctx, blockstore.Lazy); err != nil && first == nil {
			first = err
		}
	}
	if first == nil {
		first = v.endSession(ctx)
	}
	for range cap(v.puts) {
		v.puts <- struct{}{} // no block is on its way any more
	}
	if err := v.store.Sync(ctx); err != nil && first == nil {
		first = err
	}
	return first
}

// ID names the volume for ever.
func (v *Volume) ID() blockstore.ID { return v.id }

func (v *Volume) allDoors() []*Door {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return append([]*Door(nil), v.doors...)
}

// flushOld commits what has waited in open files.
func (v *Volume) flushOld(ctx context.Context) error {
	var first error
	for _, d := range v.allDoors() {
		if err := d.flushOld(ctx); err != nil && first == nil {
			first = err
		}
	}
	return first
}
