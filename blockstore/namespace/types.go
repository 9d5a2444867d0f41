package namespace

import (
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// NodeID names a node for ever: 128 bits, never reused.
type NodeID = blockstore.ID

// RootID is the directory whose entries are the buckets.
var RootID = NodeID{15: 1}

// Ino is the 64-bit inode number that programs see: the random half of the id.
func Ino(id NodeID) uint64 {
	var n uint64
	for _, b := range id[8:] {
		n = n<<8 | uint64(b)
	}
	return n
}

// Kind is what sort of thing a node is.
type Kind uint8

// The kinds of node.
const (
	File Kind = iota + 1
	Dir
	Symlink
	Fifo
	CharDevice
	BlockDevice
	Socket
)

// Time is a moment in nanoseconds since 1970 (UTC), before it negative. It
// reaches from the year 1678 to 2262.
type Time int64

// Now is the present moment.
func Now() Time { return Time(time.Now().UnixNano()) }

// TimeOf converts a time, cut to what Time can hold.
func TimeOf(t time.Time) Time {
	const last = 1<<63 - 1
	const seconds = last / 1_000_000_000
	switch {
	case t.Unix() >= seconds:
		return last
	case t.Unix() <= -seconds:
		return -last
	}
	return Time(t.UnixNano())
}

// Time converts to a time.Time in UTC.
func (t Time) Time() time.Time { return time.Unix(0, int64(t)).UTC() }

// Attr is what stat tells of a node.
type Attr struct {
	ID     NodeID
	Kind   Kind
	Mode   uint32 // the low 12 bits: permissions, setuid, setgid, sticky
	UID    uint32
	GID    uint32
	Links  uint32
	Rdev   uint32 // of a device, as mknod(2) was given it
	Size   int64  // bytes
	Stored int64  // bytes of room that its content takes
	Atime  Time
	Mtime  Time
	Ctime  Time
	Btime  Time
}

// NewNode says what Make or Create is to make. Owner and group are the
// caller's; the rules of a setgid parent are applied to them.
type NewNode struct {
	Kind   Kind
	Mode   uint32 // the low 12 bits, umask already applied
	UID    uint32
	GID    uint32
	Rdev   uint32
	Target string // of a symlink
}

// SetAttr says what to change of a node; nil fields stay. A change of size, or
// of owner or group, clears setuid and setgid as POSIX chown and write ask,
// unless KeepPriv.
type SetAttr struct {
	Mode     *uint32
	UID      *uint32
	GID      *uint32
	Size     *int64
	Atime    *Time
	Mtime    *Time
	KeepPriv bool
}

// OpenFlags say how a file is opened.
type OpenFlags uint8

// The flags. Read is implied by none of the others.
const (
	OpenRead OpenFlags = 1 << iota
	OpenWrite
	OpenAppend   // every write goes to the end, wherever it was aimed
	OpenTruncate // cut to nothing while opening
	OpenKeepPriv // writes do not clear setuid and setgid (the caller is root)
)

// Entry is one name of a directory.
type Entry struct {
	Name string
	ID   NodeID
	Kind Kind
}

// Hint says that something may have changed through another door: the entry
// Name of the directory Dir, if Name is not empty; otherwise the attributes or
// content of Node. All means that hints were lost: anything may have changed.
type Hint struct {
	Dir  NodeID
	Name string
	Node NodeID
	All  bool
}

// Usage is what statfs tells.
type Usage struct {
	Total, Free, Available int64 // bytes of the store
	Bytes, Files           int64 // content of the bucket, or of all for the root
}

// MaxName is the most bytes of a POSIX name (POSIX NAME_MAX), MaxTarget of a
// symlink's target, MaxXattr of all extended attributes of one node together,
// MaxSize of a file.
const (
	MaxName   = 255
	MaxTarget = 4095
	MaxXattr  = 64 << 10
	MaxSize   = 1 << 60
	MaxLinks  = 65000
)
