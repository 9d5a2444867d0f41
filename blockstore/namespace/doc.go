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
// # Keys and names
//
// The exact bytes of a key are the truth (key_path.go): its components are the
// names of entries, whatever bytes they have, and a file and a directory can
// have one name. What a mount shows is a view of that (posix_name.go). A
// directory is explicit, and then a key itself, or implied by a key below it
// (implied.go). Keys are listed in their byte order by a walk of the tree
// (list_keys.go).
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
//	publish, put by key, complete   the topmost entry that is made or changed
//	begin and abort an upload       the upload
//	put a part                      the part
//	share blocks                    the open record of the draft
//	delete by key                   the entry; where it is free, the record on
//	                                top of the key's history
//
// The times of a directory, how many directories are in it, and the bytes and
// files of a bucket are tallies: additions that commute, so that parallel
// creates in one directory do not get in each other's way.
//
// # History
//
// What a key held is under its full key, newest first (versioning.go): in a
// versioned bucket versions and delete markers, until they are deleted; in any
// other for the history time, and only as long as there is room (space.go). A
// content that goes on, because it is open or is changed in place, shares its
// blocks with the one that is filed (share.go). Restoring is filing in reverse
// (restore.go). Rules of a bucket are carried out once a day (lifecycle.go).
//
// Invariants, which Check verifies: a content is of one node, of one history
// record, or of one part of an upload; a key has no two versions of one id; a
// bucket with versions is there.
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
//   - a manifest's Segments, and those of its pages, are exactly those whose
//     records refer to it;
//   - a segment's record is put before its first block;
//   - blocks and segments are removed only after a sync that follows the commit
//     of the last change that took a reference away.
//
// A content that nobody has any more is handed to the collector as a due
// record, in the change that took it away. The collector drops its references;
// a segment without any is dying, which nobody may refer to, and is removed
// after the leeway. Contents share blocks by referring to the same segments: a
// content that clones or joins others takes part in their segments first, as a
// draft, in changes that depend on the others being as they were read. A block
// is given back alone only while its segment has one content; when others leave
// a segment, the collector looks at those who stay. What crashed sessions left is found by their segments,
// which are ordered by time.
package namespace
