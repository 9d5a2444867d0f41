// Package namespace is the file system: what the records of an engine mean. It
// holds the rules of POSIX, of S3 naming, of history and of garbage, once, for
// every door. It knows nothing of FUSE, HTTP or folders on disk, and imports
// blockstore, a codec and an LRU.
//
// # Records
//
// keys.go has the key space; each record kind has its type and codec in a file
// named record_…. A file is a node with a manifest; the manifest says in which
// blocks the bytes are (extents). Blocks are in segments; a segment's record
// names every content that refers to it, and every manifest names its segments,
// so that garbage is decided by point reads.
//
// # Deciding records
//
// Each change has one record that decides it, the first write of the change;
// on an engine without atomic changes the others are rolled forward from it.
//
//	create, mkdir, symlink, mknod   the entry
//	unlink, rmdir                   the entry
//	rename                          the source entry
//	link, setattr, xattr, flush     the node
//	publish                         the entry
//
// The times of a directory, how many directories are in it, and the bytes and
// files of a bucket are tallies: additions that commute, so that parallel
// creates in one directory do not get in each other's way.
//
// # What is open
//
// A file that is open in a door is a liveNode: the committed node, and over it
// what was written since. Writes go to a log (appender): blocks of a segment,
// filled one after the other, whatever part of the file they are for. A flush
// sends off the last block, or lets it ride with the change if it is small, and
// commits the extents that it touched. Nothing that is committed refers to a
// block that the engine does not have.
//
// # Garbage
//
// Invariants, which Check verifies:
//
//   - a manifest's Segments are exactly those whose records refer to it;
//   - a segment's record is put before its first block;
//   - blocks and segments are removed only after a sync that follows the commit
//     of the last change that took a reference away.
//
// A content that nobody has any more is handed to the collector as a due
// record, in the change that took it away. The collector drops its references;
// a segment without any is dying, which nobody may refer to, and is removed
// after the leeway. What crashed sessions left is found by their segments,
// which are ordered by time.
package namespace
