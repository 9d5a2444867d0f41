package namespace

import (
	"maps"

	"github.com/cairnfs/cairn/blockstore"
)

// Node is the record of what POSIX calls an inode.
type Node struct {
	Stamp
	Kind  Kind   `cbor:"10,keyasint"`
	Mode  uint32 `cbor:"11,keyasint"`
	UID   uint32 `cbor:"12,keyasint,omitempty"`
	GID   uint32 `cbor:"13,keyasint,omitempty"`
	Links uint32 `cbor:"14,keyasint,omitempty"` // entries that lead to a node that is no directory
	Rdev  uint32 `cbor:"15,keyasint,omitempty"`
	// Of a directory the tally knows when its entries changed last, and its
	// Ctime. Mtime is what was set last by hand, at MtimeSet: the later wins.
	MtimeSet Time `cbor:"30,keyasint,omitempty"`

	Atime Time `cbor:"16,keyasint"`
	Mtime Time `cbor:"17,keyasint"`
	Ctime Time `cbor:"18,keyasint"`
	Btime Time `cbor:"19,keyasint"`

	// Bucket is the bucket's directory; a node never leaves its bucket.
	Bucket NodeID `cbor:"20,keyasint"`
	// Parent and Name are the truth for a directory. For any other node they
	// are a hint: where it was last entered.
	Parent NodeID `cbor:"21,keyasint"`
	Name   string `cbor:"22,keyasint"`
	// Implied: the directory is there only because an S3 key runs through it.
	Implied bool `cbor:"23,keyasint,omitempty"`

	Target  string            `cbor:"24,keyasint,omitempty"`
	Xattrs  map[string][]byte `cbor:"25,keyasint,omitempty"`
	Content *Manifest         `cbor:"26,keyasint,omitempty"` // of a file
	Object  *Object           `cbor:"27,keyasint,omitempty"` // what only S3 knows

	// Version is the S3 version id in a versioned bucket; zero: "null".
	Version blockstore.ID `cbor:"28,keyasint"`
	// Kept is the content id (Manifest.Tag) of what history needs no more of a
	// node without names: it has it, or it was deleted for good.
	Kept blockstore.ID `cbor:"31,keyasint,omitzero"`
	// Seen is the version vector between sites: site → counter.
	Seen map[uint64]uint64 `cbor:"29,keyasint,omitempty"`
}

// Manifest says where a file's bytes are.
type Manifest struct {
	// ID is what the extents records and the segments' references are filed
	// under. At most one node or history record has it.
	ID   blockstore.ID `cbor:"1,keyasint"`
	Size int64         `cbor:"2,keyasint"`
	// Stored is the bytes of all blocks put for this content and not yet
	// given back, dead ones included.
	Stored int64 `cbor:"3,keyasint,omitempty"`
	// Segments are all that its extents are, or ever were, in and that were
	// not given back: exactly those whose records refer to this content.
	Segments []blockstore.SegmentID `cbor:"8,keyasint,omitempty"`
	// Queued: the collector was told to compact it.
	Queued bool `cbor:"9,keyasint,omitempty"`
	// Changed is when the content was last committed; Tag is the random
	// content id that is drawn then.
	Changed Time          `cbor:"4,keyasint"`
	Tag     blockstore.ID `cbor:"5,keyasint"`
	// Runs are the extents of every region that has no record of its own.
	Runs ExtentList `cbor:"6,keyasint,omitempty"`
	// Spilled: some regions have records. A region with a record is told by
	// it alone, whatever Runs says about that region.
	Spilled bool `cbor:"7,keyasint,omitempty"`
	// Paged: what Runs would hold stands in pages, whose extents' segments
	// are this content's too. Spilled is set with it.
	Paged bool `cbor:"10,keyasint,omitempty"`
}

// Object is the S3 side of a file: checksums and parts fall when the content
// is changed through another door, the rest stays.
type Object struct {
	Headers   map[string]string `cbor:"1,keyasint,omitempty"` // Content-Type, Cache-Control, …
	Metadata  map[string]string `cbor:"2,keyasint,omitempty"` // x-amz-meta-
	Tags      map[string]string `cbor:"3,keyasint,omitempty"`
	Owner     string            `cbor:"4,keyasint,omitempty"`
	ACL       []Grant           `cbor:"5,keyasint,omitempty"`
	ETag      string            `cbor:"6,keyasint,omitempty"`
	Checksums map[string]string `cbor:"7,keyasint,omitempty"` // algorithm → base64
	Parts     PartList          `cbor:"8,keyasint,omitempty"`
}

// Grant gives a permission to somebody.
type Grant struct {
	Grantee    string `cbor:"1,keyasint"` // canonical id, or group URI
	Permission string `cbor:"2,keyasint"`
}

// Part is a part of a multipart upload.
type Part struct {
	Number    int               `cbor:"1,keyasint"`
	Size      int64             `cbor:"2,keyasint"`
	ETag      string            `cbor:"3,keyasint"`
	Checksums map[string]string `cbor:"4,keyasint,omitempty"`
}

// clone is a copy that shares nothing that anybody changes in place.
func (n *Node) clone() *Node {
	c := *n
	c.Xattrs = maps.Clone(n.Xattrs)
	if n.Content != nil {
		m := *n.Content
		c.Content = &m
	}
	return &c
}

// size is what stat says.
func (n *Node) size() int64 {
	switch {
	case n.Content != nil:
		return n.Content.Size
	case n.Kind == Symlink:
		return int64(len(n.Target))
	}
	return 0
}

// attr is what the record alone tells; of a directory its tally adds the rest.
func (n *Node) attr(id NodeID) Attr {
	a := Attr{
		ID: id, Kind: n.Kind, Mode: n.Mode, UID: n.UID, GID: n.GID, Links: n.Links, Rdev: n.Rdev,
		Size: n.size(), Atime: n.Atime, Mtime: n.Mtime, Ctime: n.Ctime, Btime: n.Btime,
	}
	if n.Content != nil {
		// What is dead and not yet given back is not the file's.
		a.Stored = min(n.Content.Stored, n.Content.Size)
	}
	return a
}

// The fields of a directory's tally.
const (
	tallyMtime uint8 = iota // max
	tallyCtime              // max
	tallyDirs               // sum: directories in it
)

// The fields of a bucket's usage.
const (
	usageBytes uint8 = iota // sum of the sizes of its files
	usageFiles              // files, directories not counted
)
