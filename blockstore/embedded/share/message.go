package share

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/cairnfs/cairn/blockstore"
)

// verb says what a frame is: a guest's question, or the owner's answer.
type verb uint8

// The verbs. A change of them or of the bodies is another protocol.
const (
	answered verb = iota // body: the reply
	failed               // body: failure
	cancel               // the call is not waited for any more; no body, no answer
	putBlock
	getBlock
	deleteBlocks
	removeSegment
	listBlocks
	getRecord
	scan
	commit
	syncAll
	head
	watch
	space
	verbCount
)

// none is the body of what has nothing to say.
type none struct{}

type blockRead struct {
	_   struct{} `cbor:",toarray"`
	ID  blockstore.BlockID
	Off int
	N   int
}

type segmentRemoval struct {
	_             struct{} `cbor:",toarray"`
	ID            blockstore.SegmentID
	Blocks, Small uint32
}

type recordReply struct {
	_       struct{} `cbor:",toarray"`
	Value   []byte
	Version blockstore.Version
}

// scanPage asks for at most N records; the reply has fewer if they are large.
type scanPage struct {
	_             struct{} `cbor:",toarray"`
	Prefix, After string
	N             int
}

type recordPage struct {
	_       struct{} `cbor:",toarray"`
	Records []blockstore.Record
	Done    bool // these are the last ones
}

type blockPage struct {
	_      struct{} `cbor:",toarray"`
	Blocks []blockstore.BlockInfo
	Done   bool
}

type commitment struct {
	_          struct{} `cbor:",toarray"`
	Change     blockstore.Change
	Durability blockstore.Durability
}

// failure is an error on its way.
type failure struct {
	_        struct{} `cbor:",toarray"`
	Op, Name string
	Kind     blockstore.Kind
	Cause    string
}

// failureOf takes apart what E made.
func failureOf(err error) failure {
	var e *blockstore.Error
	if !errors.As(err, &e) {
		return failure{Op: "ask", Kind: blockstore.KindOf(err), Cause: err.Error()}
	}
	f := failure{Op: e.Op, Name: e.Name, Kind: e.Kind}
	if e.Err != nil {
		f.Cause = e.Err.Error()
	}
	return f
}

func (f failure) error() error {
	var cause error
	if f.Cause != "" {
		cause = errors.New(f.Cause)
	}
	return blockstore.E(f.Op, f.Name, f.Kind, cause)
}

// Keys and names are any bytes, so strings travel as byte strings (RFC 8949 §3.1).
var (
	encMode = must(cbor.EncOptions{String: cbor.StringToByteString}.EncMode())
	decMode = must(cbor.DecOptions{
		ByteStringToString: cbor.ByteStringToStringAllowed,
		MaxArrayElements:   maxFrame, // a frame has no more bytes than that
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // the options above are wrong
	}
	return v
}

// blockName is the length of the name of a block, which the body of a putBlock begins
// with: the segment and the number, big-endian. The rest is the block as it is.
const blockName = len(blockstore.SegmentID{}) + 4

// makePut makes the body for a block; it is to be given back.
func makePut(id blockstore.BlockID, data []byte) []byte {
	body := bodies.Get().(*[firstRead]byte)[:0]
	body = append(body, id.Segment[:]...)
	body = binary.BigEndian.AppendUint32(body, id.Number)
	return append(body, data...)
}

func parsePut(body []byte) (id blockstore.BlockID, data []byte, err error) {
	if len(body) < blockName {
		return id, nil, fmt.Errorf("%w message: %d bytes", blockstore.Invalid, len(body))
	}
	n := copy(id.Segment[:], body)
	id.Number = binary.BigEndian.Uint32(body[n:])
	return id, body[blockName:], nil
}

// encode makes a body, or says that it is too large for a frame.
func encode(v any) ([]byte, error) {
	body, err := encMode.Marshal(v)
	if err == nil && len(body) > maxFrame-headSize {
		err = fmt.Errorf("%w: %d bytes", blockstore.TooLarge, len(body))
	}
	return body, err
}

func decode(body []byte, v any) error {
	if err := decMode.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%w message: %w", blockstore.Invalid, err)
	}
	return nil
}
