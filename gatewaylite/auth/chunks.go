package auth

import (
	"bufio"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

const (
	maxLine     = 4 << 10 // of a chunk header
	maxTail     = 4 << 10 // of all that follows the last chunk header
	chunkSigned = algorithmV4 + "-PAYLOAD"
	tailSigned  = algorithmV4 + "-TRAILER"
	emptyHash   = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// chunks decodes aws-chunked ("Transferring Payload in Multiple Chunks" and
// "Including Trailing Headers"):
//
//	size in hex[;chunk-signature=…] CRLF data CRLF … 0[;chunk-signature=…] CRLF
//	[trailer lines] CRLF
//
// Data passes through as it comes; a chunk is refused in place of its last bytes.
// What follows the data is read along with the last of it, and EOF comes with
// them, for the same reason as in exact.
type chunks struct {
	src   *bufio.Reader
	left  int64 // bytes of data still to come
	chunk int64 // of those, in this chunk

	accessKey string
	chain     *chain // nil: chunks are not signed
	sum       hash.Hash
	signature string // of this chunk

	trailing bool        // a trailer may come
	trailer  http.Header // with the one key that must come; nil: none
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c.left == 0 {
		return 0, c.finish()
	}
	if c.chunk == 0 {
		if err := c.open(); err != nil {
			return 0, err
		}
	}
	n, err := c.src.Read(p[:min(int64(len(p)), c.chunk)])
	if err != nil {
		return 0, unexpected(err)
	}
	c.chunk -= int64(n)
	c.left -= int64(n)
	if c.chain != nil {
		c.sum.Write(p[:n])
	}
	if c.chunk == 0 {
		err = c.close()
	}
	if err == nil && c.left == 0 {
		err = c.finish()
	}
	return n, err
}

// open reads a chunk header.
func (c *chunks) open() error {
	line, err := c.src.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return malformedBody()
	}
	if err != nil {
		return unexpected(err)
	}
	text, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok {
		return malformedBody()
	}
	if c.chain != nil {
		if text, c.signature, ok = strings.Cut(text, ";chunk-signature="); !ok {
			return malformedBody()
		}
	}
	size, err := strconv.ParseUint(text, 16, 63)
	if err != nil {
		return malformedBody()
	}
	if c.chunk = int64(size); c.chunk > c.left || c.chunk == 0 && c.left > 0 {
		return s3err.New(s3err.IncompleteBody)
	}
	return nil
}

// close verifies the end of a chunk with data.
func (c *chunks) close() error {
	var end [2]byte
	if _, err := io.ReadFull(c.src, end[:]); err != nil {
		return unexpected(err)
	}
	if string(end[:]) != "\r\n" {
		return malformedBody()
	}
	return c.verifyChunk()
}

func (c *chunks) verifyChunk() error {
	if c.chain == nil {
		return nil
	}
	sum := hex.EncodeToString(c.sum.Sum(nil))
	c.sum.Reset()
	return c.chain.next(c.accessKey, chunkSigned, emptyHash+"\n"+sum, c.signature)
}

// finish reads the last chunk, which has no data, and all behind it; it returns
// EOF if that is as it should be.
func (c *chunks) finish() error {
	if err := c.open(); err != nil {
		return err
	}
	if err := c.verifyChunk(); err != nil {
		return err
	}
	tail, err := io.ReadAll(io.LimitReader(c.src, maxTail+1))
	if err != nil {
		return unexpected(err)
	}
	switch {
	case c.trailing && len(tail) > maxTail:
		return s3err.New(s3err.MalformedTrailerError)
	case c.trailing:
		err = c.readTrailer(string(tail))
	case string(tail) != "\r\n":
		err = malformedBody()
	}
	if err != nil {
		return err
	}
	return io.EOF
}

// readTrailer reads the lines of a trailer: just what was announced, then the
// signature of it if the chunks are signed. Some clients end a line with LF and add
// an empty one, so those do not count.
func (c *chunks) readTrailer(text string) error {
	var signed, signature string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name = strings.ToLower(name)
		switch {
		case !ok || signature != "":
			return s3err.New(s3err.MalformedTrailerError)
		case c.chain != nil && name == "x-amz-trailer-signature":
			signature = value
		case !c.accept(name, strings.TrimSpace(value)):
			return s3err.New(s3err.MalformedTrailerError)
		default:
			signed += name + ":" + strings.TrimSpace(value) + "\n"
		}
	}
	for _, values := range c.trailer {
		if values == nil {
			return s3err.New(s3err.MalformedTrailerError)
		}
	}
	if c.chain == nil {
		return nil
	}
	return c.chain.next(c.accessKey, tailSigned, hashHex([]byte(signed)), signature)
}

// accept keeps a line of the trailer if it was announced and did not come yet.
func (c *chunks) accept(name, value string) bool {
	name = http.CanonicalHeaderKey(name)
	values, announced := c.trailer[name]
	if !announced || values != nil {
		return false
	}
	c.trailer[name] = []string{value}
	return true
}

// unexpected is a failed read of what must come.
func unexpected(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return transportError(err)
}

func malformedBody() error {
	return s3err.Errorf(s3err.IncompleteBody, "The request body terminated unexpectedly")
}
