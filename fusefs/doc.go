// Package fusefs is the FUSE door: it shows a Backend, which is a
// namespace.Door or anything that behaves like one, as a mounted directory.
//
// Here live the request loop, the kernel's node and handle numbers, the wire
// form of replies, the invalidation of kernel caches, mounting, unmounting and
// the watchdog. No file-system rule lives here: those are namespace's. The
// package may import blockstore, blockstore/namespace, the standard library,
// golang.org/x/sys and x/sync, and it alone imports bazil.org/fuse.
//
// # The loop
//
// A few workers read requests from the kernel and carry each out where they
// read it, so that a request costs no hand-over. When the last idle one has
// got a request another is started: a request that waits for the store never
// leaves the kernel without a reader. Requests of one node may run at the
// same time; the kernel orders those that depend on each other, and numbers
// attributes so that a late reply can't undo a newer one.
//
// # What the kernel may keep
//
// Names (also absent ones), attributes and content stay in the kernel's caches
// until something tells it otherwise. Of changes made through the mount the
// kernel knows itself: it drops the attributes of a directory whose names
// change, and of a file that is written, linked or unlinked. Changes through
// other doors come as hints; invalidate.go passes them on.
//
// # Its own user
//
// A process should not use its own mount. It can (unless it is through a memory
// mapping: a page fault stops the garbage collector, which stops the workers), but
// when it is killed while it waits for itself it can't die before the watchdog
// ends the connection, within seconds.
//
// POSIX and BSD locks stay in the kernel: two mounts do not exclude each other.
package fusefs
