// Package namespacetest holds a file system to what it promises, by path and in
// the terms of POSIX.
//
// FS is the file system under test. It is presented by Direct (a door of a
// volume), by OS (a directory of this machine: a mount, or the disk's own file
// system as the reference) and by Model (a plain tree in memory). Posix is a
// suite of rules that all of them keep; Run does random operations on an FS
// and on the model in lock-step and compares everything that can be seen.
//
// Only what several packages test with belongs here; a test of one package's
// own parts lives in that package. It imports namespace, blockstore, x/sys and
// testing: neither an engine nor a door.
package namespacetest
