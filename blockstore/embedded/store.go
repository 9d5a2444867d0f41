package embedded

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cairnfs/cairn/blockstore"
)

// Options of a store; the zero value is ready to use.
type Options struct {
	// Create makes the store if the directory is empty or absent.
	Create bool
	// FS is where the directory is. Default: the system's files.
	FS vfs.FS
	// Boot names the time for which FS keeps what is written to it without being
	// synced. Default: since the machine was started.
	Boot string
	// Logger hears of damage, recovery and a full disk. Default: nobody.
	Logger *slog.Logger
	// BlockCache and RecordCache are memory for blocks of the database and for
	// records, in bytes. Default 64 MiB and 32 MiB.
	BlockCache  int64
	RecordCache int
	// FeedAge and FeedBytes are how long and how much of the feed is kept.
	// Default 7 days and 1 GiB.
	FeedAge   time.Duration
	FeedBytes int64
	// Reserve is the free space below which content is refused, at most a
	// sixteenth of the disk. Default 128 MiB, enough to flush all memtables.
	Reserve int64
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	o.Boot = orDefault(o.Boot, systemBoot())
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.BlockCache = orDefault(o.BlockCache, 64<<20)
	o.RecordCache = orDefault(o.RecordCache, 32<<20)
	o.FeedAge = orDefault(o.FeedAge, 7*24*time.Hour)
	o.FeedBytes = orDefault(o.FeedBytes, 1<<30)
	o.Reserve = orDefault(o.Reserve, 128<<20)
	return o
}

func orDefault[T comparable](v, or T) T {
	var zero T
	if v == zero {
		return or
	}
	return v
}

// Store is an embedded store that is open. It is safe for concurrent use.
//
// Lock order: reclaimMu, mu, segment.syncMu, segments.mu, segment.fileMu; the locks
// of cache, groups, feed and room are taken last and hold no other.
type Store struct {
	dir    string
	opts   Options
	log    *slog.Logger
	id     blockstore.ID
	lock   io.Closer
	room   *room
	health *health
	segs   *segments
	db     *pebble.DB
	tail   *tail
	cache  *recordCache
	groups *groups
	ahead  recordAhead
	feed   feed
	closed atomic.Bool
	// stuck says that Pebble gave up, so that its locks stay taken.
	stuck atomic.Bool

	// reclaimMu is held while doomed blocks are removed on disk.
	reclaimMu sync.Mutex

	// mu makes the commit order. Everything that is written to db is written with
	// mu held.
	mu       sync.Mutex
	last     uint64 // the number of the newest batch
	sessions sessions

	// synced is a number up to which all batches are durable.
	synced atomic.Uint64
	// begun is the number of the newest batch that a reader may see, and pushed one
	// up to which all batches are known to survive a kill.
	begun, pushed atomic.Uint64
	// applying: a change is in the database, and perhaps not yet in the cache. It is
	// set with mu held by who makes changes.
	applying atomic.Bool
	// pushes wakes the pusher.
	pushes chan struct{}
}

var _ blockstore.Store = (*Store)(nil)

// Open opens the store in dir and recovers it if it was not closed. It starts
// nothing: see Serve. Without a store there the error is NotFound, unless
// Options.Create is set; if another process has it, Locked.
func Open(dir string, o Options) (*Store, error) {
	o = o.withDefaults()
	s := &Store{
		dir: dir, opts: o, log: o.Logger,
		health:   newHealth(o.Logger),
		segs:     newSegments(o.FS, o.FS.PathJoin(dir, segmentsName)),
		cache:    newRecordCache(o.RecordCache),
		groups:   newGroups(),
		ahead:    recordAhead{last: make(map[byte]lastMiss)},
		tail:     newTail(o.FS, o.FS.PathJoin(dir, tailName), o.Boot, o.Logger),
		sessions: newSessions(),
		pushes:   make(chan struct{}, 1),
	}
	if o.Create {
		if err := makeDir(o.FS, dir); err != nil {
			return nil, fault("open store", dir, err)
		}
	}
	if err := s.open(); err != nil {
		return nil, cmp.Or(err, s.closeFiles(), s.unlock())
	}
	return s, nil
}

func (s *Store) open() (err error) {
	if !s.opts.Create {
		if _, err := readFormat(s.opts.FS, s.dir); err != nil {
			return err // and no lock file where there is no store
		}
	}
	if s.lock, err = lockStore(s.opts.FS, s.dir); err != nil {
		return err
	}
	s.id, err = readFormat(s.opts.FS, s.dir)
	if errors.Is(err, blockstore.NotFound) && s.opts.Create {
		s.id, err = format(s.opts.FS, s.dir)
	}
	if err != nil {
		return err
	}
	if s.room, err = newRoom(s.opts.FS, s.dir, s.opts.Reserve, s.log); err != nil {
		return fault("open store", s.dir, err)
	}
	return s.openRecords()
}

func (s *Store) openRecords() (err error) {
	if err := recoverLog(s.opts.FS, s.dir, s.segs, s.log); err != nil {
		return err
	}
	ordered := &orderedFS{FS: s.opts.FS, segs: s.segs, room: s.room, health: s.health}
	s.db, err = openDatabase(ordered, s.opts.FS.PathJoin(s.dir, recordsName), s.opts, s.health)
	if err != nil {
		return err
	}
	if err := s.recoverTail(); err != nil {
		return err
	}
	if err := s.loadFeed(); err != nil {
		return err
	}
	if err := s.startNumbers(); err != nil {
		return err
	}
	if err := s.resumeRemovals(); err != nil {
		return err
	}
	if err := s.room.refill(); err != nil {
		s.log.Warn("the store has no ballast", "error", err)
	}
	return nil
}

// usable says why an operation can't begin.
func (s *Store) usable(ctx context.Context, op, name string) error {
	if s.closed.Load() {
		return blockstore.E(op, name, blockstore.Closed, nil)
	}
	if err := ctx.Err(); err != nil {
		return blockstore.E(op, name, blockstore.Canceled, err)
	}
	return nil
}

// Close makes everything durable and leaves nothing for the next Open to recover.
// Serve must have returned. If Pebble gave up the store keeps its lock until the
// process ends, because parts of Pebble may still be at work in it.
func (s *Store) Close() error {
	const op = "close store"
	if s.closed.Load() {
		return blockstore.E(op, s.dir, blockstore.Closed, nil)
	}
	s.room.close()
	flushed, err := s.settleAll()
	s.closed.Store(true)
	s.feed.close()
	if s.stuck.Load() {
		return s.health.check(op, s.dir)
	}
	if err = cmp.Or(err, s.closeFiles()); err == nil {
		err = s.tidyUp(flushed)
	}
	return cmp.Or(err, s.unlock())
}

// settleAll makes everything durable. If there is room for the tables it needs no
// log any more: flushed says so.
func (s *Store) settleAll() (flushed bool, err error) {
	ctx := context.Background()
	if err := s.reclaim(ctx); err != nil {
		return false, err
	}
	if err := s.Sync(ctx); err != nil {
		return false, err
	}
	if s.room.take(2*memTableSize, metadata) != nil {
		return false, nil
	}
	return s.flush()
}

// flush makes tables of what is in memory. It gives up when the disk does: then
// Pebble tries again and again, and the log has it all anyway.
func (s *Store) flush() (done bool, err error) {
	const op = "flush"
	var flushed <-chan struct{}
	s.mu.Lock()
	err = s.write(op, s.dir, func() (err error) {
		flushed, err = s.db.AsyncFlush()
		return err
	})
	s.mu.Unlock()
	if err != nil {
		return false, err
	}
	select {
	case <-flushed:
		done = true
	case <-s.health.failed:
	case <-time.After(lastWait):
		s.log.Warn("the tables can't be written; the log is kept")
	}
	return done, s.health.check(op, s.dir)
}

// tidyUp removes the files of a database that was closed which the next Open does
// without: the tail, for all is synced, and the logs if all is in tables. Those have
// space allocated that nothing is in.
func (s *Store) tidyUp(flushed bool) error {
	const op = "close store"
	if err := s.tail.clear(); err != nil {
		return fault(op, s.dir, err)
	}
	if !flushed {
		return nil
	}
	records := s.opts.FS.PathJoin(s.dir, recordsName)
	names, err := s.opts.FS.List(records)
	for _, name := range names {
		if isLog(name) {
			err = cmp.Or(err, s.opts.FS.Remove(s.opts.FS.PathJoin(records, name)))
		}
	}
	if err != nil {
		return fault(op, s.dir, err)
	}
	return nil
}

// closeFiles closes the database, if it is open, and the segments.
func (s *Store) closeFiles() error {
	defer s.segs.close()
	if s.db == nil {
		return nil
	}
	if err := s.db.Close(); err != nil {
		return fault("close store", s.dir, err)
	}
	return nil
}

// unlock lets others have the directory. Nothing in it may be touched after that.
func (s *Store) unlock() error {
	if s.lock == nil {
		return nil
	}
	if err := s.lock.Close(); err != nil {
		return fault("close store", s.dir, err)
	}
	return nil
}
