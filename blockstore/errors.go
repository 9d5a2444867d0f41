package blockstore

import (
	"errors"
	"strings"
)

// Kind is the class of an error: what a door translates. It is itself an error,
// so errors.Is(err, blockstore.NotFound) asks for it.
type Kind uint8

// The kinds. Kinds ranges over them all.
const (
	Other         Kind = iota // none of the others; an I/O error to a program
	NotFound                  // no such name, node, block or bucket
	Exists                    // the name is taken
	NotDirectory              // a directory is needed
	IsDirectory               // a directory is not allowed
	NotEmpty                  // the directory has entries
	Invalid                   // the request makes no sense
	NameTooLong               // a name is too long for a POSIX directory
	TooLarge                  // a size is past what can be kept
	TooManyLinks              // no more links to one node
	Permission                // not allowed
	CrossBucket               // a link or rename would cross buckets
	NoAttribute               // no such extended attribute
	NoSpace                   // the disk or the quota is full
	Unsupported               // this kind of thing is not done here
	Busy                      // in use
	Stale                     // the node does not exist any more
	OutOfRange                // past the end
	Conflict                  // lost a race: read again and retry
	Unknown                   // it can't be told whether it happened
	Unavailable               // the store does not answer now
	Corrupt                   // stored data fails its checksum or makes no sense
	NewerFormat               // written by a newer version of cairn
	Locked                    // another process has the store open
	CursorExpired             // the feed no longer has what follows the cursor
	ReadOnly                  // the volume can't be written
	Closed                    // used after Close
	Canceled                  // the caller gave up
	kindCount
)

var kindText = [kindCount]string{
	Other: "error", NotFound: "not found", Exists: "already exists",
	NotDirectory: "not a directory", IsDirectory: "is a directory",
	NotEmpty: "directory not empty", Invalid: "invalid", NameTooLong: "name too long",
	TooLarge: "too large", TooManyLinks: "too many links", Permission: "permission denied",
	CrossBucket: "crosses buckets", NoAttribute: "no such attribute",
	NoSpace: "no space left", Unsupported: "not supported", Busy: "busy",
	Stale: "no longer exists", OutOfRange: "out of range", Conflict: "conflict",
	Unknown: "outcome unknown", Unavailable: "unavailable", Corrupt: "corrupt",
	NewerFormat: "written by a newer version of cairn, which is needed to read it",
	Locked:      "in use by another process", CursorExpired: "cursor expired",
	ReadOnly: "read-only", Closed: "closed", Canceled: "canceled",
}

// Error is the text of the kind.
func (k Kind) Error() string { return kindText[k] }

// Kinds returns every kind, for tests of translation tables.
func Kinds() []Kind {
	ks := make([]Kind, 0, kindCount)
	for k := Other; k < kindCount; k++ {
		ks = append(ks, k)
	}
	return ks
}

// Error says what was being done, to what, and why it failed.
type Error struct {
	Op   string // "rename", "get block"
	Name string // what it was done to; may be empty
	Kind Kind
	Err  error // the cause; may be nil
}

// E makes an *Error. If err is an *Error and kind is Other, its kind is kept.
func E(op, name string, kind Kind, err error) error {
	if kind == Other {
		kind = KindOf(err)
	}
	return &Error{Op: op, Name: name, Kind: kind, Err: err}
}

// Error is one line: what, which object, why.
func (e *Error) Error() string {
	parts := make([]string, 0, 3)
	head := e.Op
	if e.Name != "" {
		head += " " + e.Name
	}
	parts = append(parts, head)
	inner := (*Error)(nil)
	if e.Kind != Other && !(errors.As(e.Err, &inner) && inner.Kind == e.Kind) && !errors.Is(e.Err, e.Kind) {
		parts = append(parts, e.Kind.Error())
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is matches the Kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// KindOf is the kind of the outermost error in the chain that has one; Other
// if there is none.
func KindOf(err error) Kind {
	if err == nil {
		return Other // at no cost: most calls ask of success
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	return Other
}
