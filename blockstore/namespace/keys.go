package namespace

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

// The key space: one letter for the record kind, then what the record is of.
// Numbers are big-endian, so that keys sort as the numbers do.
const (
	prefixBucket  = "b" // bucket's directory
	prefixEntry   = "e" // directory, name
	prefixDue     = "d" // time, id
	prefixExtents = "x" // content, region
	prefixHistory = "h" // bucket, full key, time descending, id
	prefixIntent  = "i" // intent
	prefixNode    = "n" // node
	prefixOpen    = "o" // session, node
	prefixSegment = "s" // segment
	prefixSession = "S" // session
	prefixSetting = "c" // name
	prefixTally   = "t" // directory: its tally
	prefixUpload  = "m" // upload
	prefixUsage   = "T" // bucket's directory: its tally
	prefixUser    = "u" // access key
	prefixName    = "U" // name of a user
)

func idKey(prefix string, id blockstore.ID) string {
	var b [1 + 16]byte
	b[0] = prefix[0]
	copy(b[1:], id[:])
	return string(b[:])
}

func nodeKey(id NodeID) string                  { return idKey(prefixNode, id) }
func tallyKey(id NodeID) string                 { return idKey(prefixTally, id) }
func usageKey(bucket NodeID) string             { return idKey(prefixUsage, bucket) }
func bucketKey(bucket NodeID) string            { return idKey(prefixBucket, bucket) }
func segmentKey(id blockstore.SegmentID) string { return idKey(prefixSegment, id) }
func sessionKey(id blockstore.ID) string        { return idKey(prefixSession, id) }
func settingKey(name string) string             { return prefixSetting + name }
func userKey(accessKey string) string           { return prefixUser + accessKey }
func userNameKey(name string) string            { return prefixName + name }

// entryKey with an empty name is the prefix of all entries of the directory.
func entryKey(dir NodeID, name string) string {
	return idKey(prefixEntry, dir) + name
}

// openKey with a zero node is the prefix of all of the session.
func openKey(session blockstore.ID, node NodeID) string {
	k := idKey(prefixOpen, session)
	if node.IsZero() {
		return k
	}
	return k + string(node[:])
}

func extentsPrefix(content blockstore.ID) string { return idKey(prefixExtents, content) }

func extentsKey(content blockstore.ID, region int64) string {
	return extentsPrefix(content) + string(binary.BigEndian.AppendUint64(nil, uint64(region)))
}

// regionOf is the region in an extents key.
func regionOf(key string) (int64, bool) {
	if len(key) != 1+16+8 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64([]byte(key[17:]))), true
}

// longestKey is how much of a full key a record's key has. S3 keys are not
// longer; of the path of a file in a deep tree the rest is a hash.
const longestKey = 1024

// historyKey: the newest version of a key comes first. The end has a fixed
// length, so a full key may have any bytes.
func historyKey(bucket NodeID, fullKey string, at Time, id blockstore.ID) string {
	if len(fullKey) > longestKey {
		sum := sha256.Sum256([]byte(fullKey))
		fullKey = fullKey[:longestKey] + string(sum[:])
	}
	k := idKey(prefixHistory, bucket) + fullKey + "\x00"
	k += string(binary.BigEndian.AppendUint64(nil, ^(uint64(at) ^ 1<<63)))
	return k + string(id[:])
}

// dueKey orders the collector's work by when it is due.
func dueKey(at Time, id blockstore.ID) string {
	return prefixDue + string(binary.BigEndian.AppendUint64(nil, uint64(at)^1<<63)) + string(id[:])
}

func dueTime(key string) Time {
	if len(key) != 1+8+16 {
		return 0
	}
	return Time(binary.BigEndian.Uint64([]byte(key[1:9])) ^ 1<<63)
}

// keyID is the id that follows the prefix letter.
func keyID(key string) (id blockstore.ID, rest string) {
	if len(key) < 17 {
		return id, ""
	}
	copy(id[:], key[1:17])
	return id, key[17:]
}

// keyName tells people which record a key is of.
func keyName(key string) string {
	names := map[string]string{
		prefixBucket: "bucket", prefixEntry: "entry", prefixDue: "due", prefixExtents: "extents",
		prefixHistory: "history", prefixIntent: "intent", prefixNode: "node", prefixOpen: "open",
		prefixSegment: "segment", prefixSession: "session", prefixTally: "tally",
		prefixUpload: "upload", prefixUsage: "usage",
	}
	if key == "" {
		return "record"
	}
	switch key[:1] {
	case prefixSetting:
		return "setting " + key[1:]
	case prefixUser, prefixName:
		return "user " + quote(key[1:])
	}
	kind, ok := names[key[:1]]
	if !ok {
		return "record " + quote(key)
	}
	id, rest := keyID(key)
	if rest == "" {
		return kind + " " + id.String()
	}
	return kind + " " + id.String() + "/" + quote(rest)
}

func quote(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return '?'
		}
		return r
	}, s)
}
