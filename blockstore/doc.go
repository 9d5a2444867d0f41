// Package blockstore is the contract between Cairn's doors and its engines.
//
// An engine keeps two things and nothing else: immutable blocks, named
// (segment, number), and small versioned records in one ordered key space,
// changed atomically by a Change. What the records mean is the business of
// package namespace above; where the bytes lie is that of the engines below
// (memstore, embedded). cache and faultstore are decorators that present the
// interface they front. Every engine and every decorator passes the suite of
// package blockstoretest.
//
// # Durability
//
// The same words in code, README and tests:
//
//	after                                 promise
//	write() returns                       every handle on the same mount sees it
//	close() returns, or 5 s with the      every door sees it; it survives a killed process
//	file open (Lazy)                      within 10 ms, a power cut within 5 s
//	fsync(), S3 200, sync's "up to date"  it survives kill and power cut
//	(Sync)
//
// After any crash the store is a prefix of its commit order, and every block
// that a surviving change needs is whole.
//
// # Integrity
//
// Blocks and records carry checksums that are verified on every read; a wrong
// one is Corrupt, with the name of the block or record, never wrong bytes.
//
// This package imports the standard library only.
package blockstore
