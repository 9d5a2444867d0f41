package share

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/cairnfs/cairn/blockstore"
)

// A frame is the length of what follows (4 bytes), the number of a call (8), a verb (1)
// and the body. Numbers are big-endian. A call's number is chosen by the guest; the
// answer has the same.
const (
	lengthSize = 4
	headSize   = 8 + 1
	// maxFrame bounds what one frame can make the other end keep. The largest are
	// changes of many records.
	maxFrame = 64 << 20
	// firstRead is how much memory a length alone is good for: a block and its name.
	firstRead = blockstore.MaxBlock + 64
	// largeBody is from where on it pays not to copy.
	largeBody = 32 << 10
	// pooledBody is from where on a body is worth to be given back.
	pooledBody = 256 << 10
	// keptBuffer is how much of a buffer is kept for the next frames.
	keptBuffer = 256 << 10
)

type frame struct {
	call uint64
	verb verb
	body []byte
}

func appendFrame(b []byte, f frame) []byte {
	return append(appendHead(b, f), f.body...)
}

func appendHead(b []byte, f frame) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(headSize+len(f.body)))
	b = binary.BigEndian.AppendUint64(b, f.call)
	return append(b, byte(f.verb))
}

// readFrame reads the next frame. Its body is its own.
func readFrame(r io.Reader) (frame, error) {
	var head [lengthSize + headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	size := int(binary.BigEndian.Uint32(head[:]))
	if size < headSize || size > maxFrame {
		return frame{}, fmt.Errorf("a frame of %d bytes makes no sense", size)
	}
	body, err := readBody(r, size-headSize)
	return frame{binary.BigEndian.Uint64(head[lengthSize:]), verb(head[lengthSize+8]), body}, err
}

// bodies are large buffers that were given back.
var bodies = sync.Pool{New: func() any { return new([firstRead]byte) }}

// giveBack lets a body that nobody looks at any more be used for another.
func giveBack(body []byte) {
	if cap(body) == firstRead {
		bodies.Put((*[firstRead]byte)(body[:firstRead]))
	}
}

// readBody takes memory as the bytes come, not as they are announced.
func readBody(r io.Reader, size int) ([]byte, error) {
	var body []byte
	if size < pooledBody {
		body = make([]byte, size)
	} else {
		body = bodies.Get().(*[firstRead]byte)[:min(size, firstRead)]
	}
	for read := 0; ; {
		n, err := io.ReadFull(r, body[read:])
		if read += n; err != nil || read == size {
			return body[:read], err
		}
		body = append(body, make([]byte, min(size-read, read))...)
	}
}

// wire is one end of a connection. Many may send, one receives.
type wire struct {
	conn *net.UnixConn
	in   *bufio.Reader

	mu      sync.Mutex
	out     []byte // frames that are to be written
	spare   []byte
	writing bool
	written *sync.Cond // signals the end of writing
	broken  bool
}

func newWire(conn *net.UnixConn) *wire {
	w := &wire{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
	w.written = sync.NewCond(&w.mu)
	return w
}

func (w *wire) receive() (frame, error) { return readFrame(w.in) }

// send writes a frame, or leaves it to a sender who is at it: so that frames that come
// together go together. If the connection breaks it is closed; the receiver notices.
func (w *wire) send(f frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(f.body) >= largeBody {
		w.sendLarge(f)
		return
	}
	w.out = appendFrame(w.out, f)
	if !w.writing {
		w.flush(nil)
	}
}

// sendLarge writes a frame without copying it. mu is held.
func (w *wire) sendLarge(f frame) {
	for w.writing {
		w.written.Wait()
	}
	w.out = appendHead(w.out, f)
	w.flush(f.body)
}

// flush writes what there is to be written, with body after it, and what is added
// meanwhile. mu is held, but not while it writes.
func (w *wire) flush(body []byte) {
	w.writing = true
	for len(w.out) > 0 && !w.broken {
		b := w.out
		w.out, w.spare = w.spare[:0], nil
		w.mu.Unlock()
		err := w.write(b, body)
		w.mu.Lock()
		if cap(b) <= keptBuffer {
			w.spare = b
		}
		if body = nil; err != nil {
			w.broken = true
			w.close()
		}
	}
	w.writing = false
	w.written.Signal()
}

func (w *wire) write(b, body []byte) error {
	if body == nil {
		_, err := w.conn.Write(b)
		return err
	}
	parts := net.Buffers{b, body}
	_, err := parts.WriteTo(w.conn)
	return err
}

// close ends the connection. Who sends or receives notices.
func (w *wire) close() { _ = w.conn.Close() }
