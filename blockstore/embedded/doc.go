// Package embedded is the engine for one machine: a blockstore.Store in one
// directory, made of a Pebble database and one file per segment.
//
// # On disk
//
//	FORMAT              "cairn embedded store 1" and the id of the store
//	LOCK                flock'ed while the store is open; says by whom, and where
//	                    other processes may ask that one
//	BALLAST             some MiB to give up when the disk is full
//	records/            the Pebble database
//	tail/               the tail log: see Durability
//	sessions/ID         a file for each session at work, locked by its process
//	segments/xx/ID      one sparse file per segment of large blocks; xx is the
//	                    last byte of the ID, because its first ones are the time
//
// The first byte of a database key says what it is:
//
//	r KEY               a record: its commit number (8 bytes), then its value
//	s SEGMENT NUMBER    the bytes of a small block
//	f COMMIT            what commit number COMMIT was: see feedRecord
//	d SEGMENT [NUMBER]  a segment file or a block that is to be removed as soon
//	                    as the log is synced
//	m NAME              settings of the engine itself
//
// Numbers in keys are big-endian. All that is written to the database is numbered
// upwards without a gap, commits and the rest, in the order of the log. But every
// Open leaves a gap of numberGap and makes the number after it durable, so a number
// that a crash took back never returns. The number of a commit is the N of the
// Version of all that it wrote.
//
// Block n of a segment has the slot at n × slotSize of its file. In the slot are
// the granules of the block, each after a frame of 8 bytes: the CRC-32C of the
// segment's id, the block's number, the granule's number, the block's length and
// the granule's bytes; then the block's length. A block that was never written or
// was removed is a hole, which has length 0. A block is at least one byte, so
// no block looks like a hole.
//
// # Order on disk
//
// The invariant: whatever part of the log survives, it is a prefix of the commit
// order, and every block that it needs is whole. Three things keep it:
//
//   - Before a file of the database is synced, every segment file that a commit
//     named in Needs is synced (orderedFS, segments.syncOwed).
//   - The system may have written more of the log than was synced. So Open first
//     checks the blocks that the unsynced tail of the log needs, and cuts the log
//     before the first commit that misses one (recoverLog).
//   - Nothing is unlinked or punched before the commits that made it garbage are
//     synced (removals).
//
// # Durability
//
// Commit(Sync) and Sync keep their promises alone. The promises of a Lazy commit
// (10 ms to survive a killed process, 5 s to survive a power cut) hold while
// Serve runs; Open starts nothing.
//
// Pebble leaves a commit without sync in the memory of the process, and whatever
// would push it to the system waits as long as a sync of the log takes. So all that
// is logged is written once more, after 4 ms, to the tail log: files of up to 8 MiB
// with frames of a number and a batch. They are never synced, and removed when the
// log is synced to their end; if they grow past 16 MiB the log is synced early. If
// there is no room for the tail, or for a batch in it, the log is synced in its place.
//
// The tail is for the Open after a kill: what comes there right after the last number
// of the database, up to the first frame that is torn or missing, is committed
// again, unless a block is missing that it needs. So the state is a prefix of the
// commit order as before. A tail of another boot of the machine is not used, because
// after a power cut the log alone says what there is. Close and Open remove the tail.
//
// # Other processes
//
// One process has a store open. Others use it through that one: see package share. They
// are answered after Push, so that a kill takes nothing back that one of them was told.
// A segment that one process began and another goes on with is synced before the first
// commit of that one that needs it, since recovery can't check what it never heard of.
//
// # Space
//
// A log file has about 36 MiB allocated from its first byte, and is used again for
// the next log: up to 5 of them while the store is open, none after Close. At rest an
// empty store takes 1 MiB and the ballast, usually 32 MiB.
//
// # Full and failing disks
//
// Pebble cannot live through a log that it can't write. So content is refused
// while there is still a reserve, other growth when half of that is gone, and
// what frees space never. If other programs take the reserve too, the ballast
// goes, and then the log waits for space.
//
// When the disk fails under a log, a manifest or a segment, the store can't be
// written any more, and the disk is left as after a power cut at that moment: see
// orderedFS. Reads go on, Serve returns the failure, and the next Open recovers.
//
// # Memory
//
// At most about 64 MiB of database blocks, 96 MiB of memtables (usually 32 MiB),
// 32 MiB of records, 8 MiB of hashes of their keys, 16 MiB of tail log that is not
// written yet (usually some KiB), and a few MiB of recent events and outcomes.
//
// What records mean has no place here. The package imports blockstore, Pebble and
// small libraries; nothing else imports Pebble.
package embedded
