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
	prefixAlias   = "a" // directory, hash of a long name
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
	prefixPart    = "p" // upload, number
	prefixUpload  = "m" // bucket, full key, upload
	prefixUsage   = "T" // bucket's directory: its tally
	prefixUser    = "u" // access key
	prefixName    = "U" // name of a user
	prefixBeside  = "v" // directory, name: only of events
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

func settingKey(name string) string   { return prefixSetting + name }
func userKey(accessKey string) string { return prefixUser + accessKey }
func userNameKey(name string) string  { return prefixName + name }

// sessionsKey is of the record that lists the sessions.
var sessionsKey = settingKey("sessions")

// entryKey with an empty name is the prefix of all entries of the directory.
func entryKey(dir NodeID, name string) string {
	return idKey(prefixEntry, dir) + name
}

func aliasKey(dir NodeID, hash []byte) string {
	return idKey(prefixAlias, dir) + string(hash)
}

// besideKey is no record's: an event at it says that the file and the directory
// of one name may show differently now.
func besideKey(dir NodeID, name string) string {
	return idKey(prefixBeside, dir) + name
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
	if _, page := pageOf(key); page || len(key) != 1+16+8 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64([]byte(key[17:]))), true
}

// longestKey is how much of a full key a record's key has. S3 keys are not
// longer; of the path of a file in a deep tree the rest is a hash.
const longestKey = 1024

// longestEscaped is the same of a full key with its NULs escaped.
const longestEscaped = blockstore.MaxKey - (1 + 16) - (1 + 8 + 16) - sha256.Size

// historyKey: in the order of the full keys, and the newest version of a key
// first.
func historyKey(bucket NodeID, fullKey string, at Time, id blockstore.ID) string {
	k := historyPrefix(bucket, fullKey) + "\x00"
	k += string(binary.BigEndian.AppendUint64(nil, ^(uint64(at) ^ 1<<63)))
	return k + string(id[:])
}

// historyPrefix is the prefix of the history of all full keys with a prefix. A
// NUL is followed by 0xff, and the end of a full key by NUL and a byte of the
// time, which is less from 1970 on: so history is in the order of the full keys,
// whatever bytes they have.
func historyPrefix(bucket NodeID, prefix string) string {
	escaped := escapeNUL(prefix)
	if len(prefix) > longestKey || len(escaped) > longestEscaped {
		sum := sha256.Sum256([]byte(prefix))
		escaped = escaped[:longestKey] + string(sum[:])
	}
	return idKey(prefixHistory, bucket) + escaped
}

// escapeNUL keeps the order of full keys that something with a NUL and a byte
// less than 0xff before it is appended to.
func escapeNUL(key string) string { return strings.ReplaceAll(key, "\x00", "\x00\xff") }

// uploadPrefix is the prefix of the uploads to all full keys with a prefix, in
// the order of the full keys.
func uploadPrefix(bucket NodeID, prefix string) string {
	return idKey(prefixUpload, bucket) + escapeNUL(prefix)
}

// uploadKey: the uploads to one full key are in the order of their ids.
func uploadKey(bucket NodeID, fullKey string, id NodeID) string {
	return uploadPrefix(bucket, fullKey) + "\x00" + string(id[:])
}

func partKey(upload NodeID, number int) string {
	return idKey(prefixPart, upload) + string(binary.BigEndian.AppendUint32(nil, uint32(number)))
}

// splitHistoryKey returns what a history key has before its record's id, and that.
func splitHistoryKey(key string) (before string, id blockstore.ID) {
	at := max(0, len(key)-len(id))
	copy(id[:], key[at:])
	return key[:at], id
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
		prefixAlias: "alias", prefixBucket: "bucket", prefixEntry: "entry", prefixDue: "due", prefixExtents: "extents",
		prefixHistory: "history", prefixIntent: "intent", prefixNode: "node", prefixOpen: "open",
		prefixSegment: "segment", prefixSession: "session", prefixTally: "tally",
		prefixUpload: "upload", prefixPart: "part", prefixUsage: "usage",
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
