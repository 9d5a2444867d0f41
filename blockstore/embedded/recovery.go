package embedded

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"

	"github.com/cairnfs/cairn/blockstore"
)

// recovery looks at batches whose blocks a crash may have lost: first those of the
// newest log, before Pebble replays them, and then those of the tail log. Older logs
// were synced when they were closed, and so was all that they need.
type recovery struct {
	segs    *segments
	claims  []claim
	synced  uint64
	removed map[blockstore.BlockID]offsets
	gone    map[blockstore.SegmentID]offsets
}

func newRecovery(segs *segments) *recovery {
	return &recovery{
		segs:    segs,
		removed: make(map[blockstore.BlockID]offsets),
		gone:    make(map[blockstore.SegmentID]offsets),
	}
}

// offsets are places in the log where something was removed.
type offsets []int64

// between says whether one lies between two places.
func (o offsets) between(from, to int64) bool {
	return slices.ContainsFunc(o, func(at int64) bool { return from < at && at < to })
}

// claim is a commit in the log that needs blocks.
type claim struct {
	number uint64
	offset int64 // of the commit in the log
	needs  []need
}

// recoverLog cuts the log before the first commit that misses a block it needs,
// and syncs the blocks that the others need: Pebble will make them durable.
//
// A killed process leaves nothing to cut. After a power cut the system may have
// kept of the unsynced writes what it liked.
func recoverLog(fsys vfs.FS, dir string, segs *segments, log *slog.Logger) error {
	r := newRecovery(segs)
	dir = fsys.PathJoin(dir, recordsName)
	path, err := r.readLog(fsys, dir)
	if err != nil {
		return fault("recover log", dir, err)
	}
	if at, cause := r.end(); cause != nil {
		log.Warn("the log is cut before a commit whose content was lost in a crash",
			"file", path, "offset", at, "error", cause)
		if err := cutLog(fsys, path, at); err != nil {
			return fault("cut log", path, err)
		}
	}
	return segs.syncOwed()
}

// end returns where the log must end, and the error that says why, nil if it may
// stay as it is. A block that a later entry of the log removes may be missing, but
// only if that entry stays: so each cut means to look again at what is before it.
func (r *recovery) end() (at int64, cause error) {
	at = math.MaxInt64
	for again := true; again; {
		again = false
		for _, c := range r.claims {
			if c.number <= r.synced || c.offset >= at {
				continue
			}
			if err := r.check(c, at); err != nil {
				at, cause, again = c.offset, err, true
			}
		}
	}
	return at, cause
}

// readLog collects what the newest log says, and returns its path. Where the log
// ends is for Pebble to judge.
func (r *recovery) readLog(fsys vfs.FS, dir string) (string, error) {
	logs, err := wal.Scan(wal.Dir{FS: fsys, Dirname: dir})
	if err != nil || len(logs) == 0 {
		return "", err
	}
	newest := logs[len(logs)-1]
	reader := newest.OpenForRead()
	defer reader.Close()
	for {
		record, at, err := reader.NextRecord()
		if err != nil {
			_, path := newest.SegmentLocation(0)
			return path, nil
		}
		batch, err := io.ReadAll(record)
		if err != nil {
			return "", err
		}
		if err := r.readBatch(batch, at.Physical); err != nil {
			return "", err
		}
	}
}

func (r *recovery) readBatch(batch []byte, offset int64) error {
	for entries := batchrepr.Read(batch); ; {
		kind, key, value, ok, err := entries.Next()
		if err != nil || !ok {
			return err
		}
		if kind != pebble.InternalKeyKindSet || len(key) == 0 {
			continue
		}
		switch key[0] {
		case removalKeys:
			r.noteRemoval(key, offset)
		case feedKeys:
			if err := r.noteCommit(key, value, offset); err != nil {
				return err
			}
		}
	}
}

// noteRemoval remembers what is missing rightly.
func (r *recovery) noteRemoval(key []byte, offset int64) {
	id, whole, ok := parseBlockKey(key)
	switch {
	case whole:
		r.gone[id.Segment] = append(r.gone[id.Segment], offset)
	case ok:
		r.removed[id] = append(r.removed[id], offset)
	}
}

func (r *recovery) noteCommit(key, value []byte, offset int64) error {
	number, ok := parseFeedKey(key)
	if !ok {
		return fmt.Errorf("commit %x makes no sense", key)
	}
	record, err := decodeFeedRecord(value, number)
	if err != nil {
		return err
	}
	r.synced = max(r.synced, record.synced)
	if len(record.needs) > 0 {
		r.claims = append(r.claims, claim{number, offset, record.needs})
	}
	return nil
}

// check reads every block that a commit was the first to need, if the log ends at
// the given place.
func (r *recovery) check(c claim, end int64) error {
	for _, n := range c.needs {
		if r.gone[n.segment].between(c.offset, end) {
			continue
		}
		for _, blocks := range n.blocks {
			for number := blocks.From; number < blocks.To; number++ {
				id := blockstore.BlockID{Segment: n.segment, Number: number}
				if r.removed[id].between(c.offset, end) {
					continue
				}
				if err := r.checkBlock(id); err != nil {
					return err
				}
			}
		}
		r.segs.need([]blockstore.SegmentID{n.segment})
	}
	return nil
}

// checkBlock reads a block; first little of it, for most are short.
func (r *recovery) checkBlock(id blockstore.BlockID) error {
	for off, n := 0, granule; off < blockstore.MaxBlock; n = blockstore.MaxBlock {
		data, _, err := r.segs.read(id, off, n)
		if errors.Is(err, errPastEnd) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("block %s: %w", id, err)
		}
		if off += len(data); off%granule != 0 {
			return nil
		}
	}
	return nil
}

// cutLog replaces the log by its first bytes.
func cutLog(fsys vfs.FS, path string, size int64) error {
	log, err := fsys.Open(path)
	if err != nil {
		return err
	}
	defer log.Close()
	head := make([]byte, size)
	if _, err := io.ReadFull(log, head); err != nil {
		return err
	}
	return writeFile(fsys, fsys.PathDir(path), fsys.PathBase(path), head)
}
