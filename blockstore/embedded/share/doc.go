// Package share lets any number of processes use one embedded store: the first takes
// its lock and owns it, the others are its guests, who ask the owner over a unix
// socket. When the owner goes, killed or closed, one of the guests takes over. Its
// callers do not notice any of it but the time that it takes.
//
// # Finding the owner
//
// The owner writes into the lock file where its socket is: in a directory that nobody
// else may enter. Both ends look at the other's user: it must be the same one, or root.
// They begin with a line each that says which version of the protocol they speak.
//
// # No call fails because of a take-over, and none is done twice
//
// A call that had no answer when its connection ended is made again, of the next owner.
// That is safe for changes, because the store knows their (Session, Seq) with their
// outcome, and for all others by nature. An owner carries out nothing more for a
// connection that ended once it has accepted the next one of the same guest.
//
// # Nothing is lost that a guest was told
//
// The owner answers only when all that could be read in the meantime was pushed
// to the system, by itself or by others: commits, records, events, conflicts. So a
// killed owner takes nothing back that a guest has seen. A power cut may, as the
// durability of package blockstore says.
//
// A guest's cursors go on at the next owner, since they name what was pushed.
//
// # Blocks
//
// A guest reads large blocks from the segment files and lets the owner do the rest. A
// block that another process removed can be read until its space is given back, a
// second or so later; what it removed itself it does not see any more.
//
// The rules of the store have no place here, nor has what records mean. The package
// imports blockstore, embedded and small libraries.
package share
