package embedded

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cairnfs/cairn/blockstore"
)

const (
	// memTableSize is a little less than the size of a log file, of which there
	// may be memTables+2 while the store is open. Half of it means a fifth more
	// work for compactions.
	memTableSize = 32 << 20
	memTables    = 3
	// separated is from which size on values are kept out of the tables, in
	// blob files, so that compactions do not move small blocks again and again.
	separated = 2 << 10
)

// openDatabase opens Pebble with settings for a few big tables and small, hot
// records.
func openDatabase(fsys vfs.FS, dir string, o Options, h *health) (*pebble.DB, error) {
	// Pebble takes the room for memtables out of the cache.
	cache := pebble.NewCache(o.BlockCache + memTables*memTableSize)
	defer cache.Unref()
	opts := &pebble.Options{
		FS:                          fsys,
		Cache:                       cache,
		FormatMajorVersion:          pebble.FormatValueSeparation,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: memTables,
		L0CompactionThreshold:       6,
		LBaseMaxBytes:               256 << 20,
		L0StopWritesThreshold:       100, // a stall would stop every commit
		MaxOpenFiles:                500,
		// Or the end of a log, in the middle of a commit, would be a long sync.
		WALBytesPerSync:            1 << 20,
		CompactionConcurrencyRange: func() (int, int) { return 1, 2 },
		Logger:                     pebbleLog{o.Logger, h},
		EventListener:              listener(o.Logger),
	}
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	opts.Experimental.ValueSeparationPolicy = func() pebble.ValueSeparationPolicy {
		return pebble.ValueSeparationPolicy{
			Enabled:               true,
			MinimumSize:           separated,
			MaxBlobReferenceDepth: 10,
			RewriteMinimumAge:     15 * time.Minute,
			TargetGarbageRatio:    0.2,
		}
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fault("open records", dir, err)
	}
	return db, nil
}

// listener takes from Pebble the reactions that would end the process.
func listener(log *slog.Logger) *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			log.Error("background work of the database failed", "error", err.Error())
			time.Sleep(spaceProbe) // Pebble tries again at once
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			log.Error("a file of the database is damaged", "file", info.Path, "error", info.Details.Error())
		},
		DiskSlow: func(info pebble.DiskSlowInfo) {
			log.Warn("the disk is slow", "file", info.Path, "for", info.Duration)
		},
	}
}

// pebbleLog passes Pebble's log on. What is fatal to Pebble ends writing, not the
// process.
type pebbleLog struct {
	log    *slog.Logger
	health *health
}

// Infof is for debugging Pebble: it is all about tables.
func (l pebbleLog) Infof(format string, args ...any) { l.print(slog.LevelDebug, format, args) }

// Errorf is what Pebble thinks an error.
func (l pebbleLog) Errorf(format string, args ...any) { l.print(slog.LevelError, format, args) }

// Fatalf returns, and apply then finds the failure.
func (l pebbleLog) Fatalf(format string, args ...any) {
	l.health.fail(fmt.Errorf(format, args...))
}

func (l pebbleLog) print(level slog.Level, format string, args []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, "database", "text", strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}

// apply gives a batch to Pebble; one to be synced is waited for by its SyncWait.
// The caller holds mu.
func (s *Store) apply(op, name string, b *pebble.Batch, o *pebble.WriteOptions) error {
	if o.Sync {
		return s.write(op, name, func() error { return s.db.ApplyNoSyncWait(b, o) })
	}
	return s.write(op, name, func() error { return s.db.Apply(b, o) })
}

// append gives the next batch in the commit order to Pebble, and to the tail log. The
// caller holds mu.
func (s *Store) append(op, name string, b *pebble.Batch, number uint64, o *pebble.WriteOptions) error {
	repr := b.Repr() // Pebble may take it from a large batch
	s.begun.Store(number)
	if err := s.apply(op, name, b, o); err != nil {
		return err
	}
	s.last = number
	s.tail.add(number, repr)
	select {
	case s.pushes <- struct{}{}:
	default:
	}
	return nil
}

// logNumbered gives a number to a batch that is no commit, and logs it.
func (s *Store) logNumbered(op, name string, b *pebble.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	number := s.last + 1
	_ = b.Set(numberKey, binary.BigEndian.AppendUint64(nil, number), nil)
	return s.append(op, name, b, number, pebble.NoSync)
}

// write does something with the log. The caller holds mu: Pebble's own locks stay
// taken when it panics in here, so nobody may be there or come after.
func (s *Store) write(op, name string, do func() error) (err error) {
	if err := s.health.check(op, name); err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			s.stuck.Store(true)
			s.health.fail(fmt.Errorf("log: %v", r))
			err = s.health.check(op, name)
		}
	}()
	if err := do(); err != nil {
		return fault(op, name, err)
	}
	return s.health.check(op, name)
}

// Space is what the system says of the disk.
func (s *Store) Space(ctx context.Context) (blockstore.Space, error) {
	if err := s.usable(ctx, "space", ""); err != nil {
		return blockstore.Space{}, err
	}
	space, err := s.room.space()
	if err != nil {
		return space, fault("space", s.dir, err)
	}
	return space, nil
}
