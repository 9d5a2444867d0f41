package ceiling

// chunkSize is the largest piece of content, as large as a FUSE request.
const chunkSize = 128 << 10

// chunk is one piece of a file: data, and zeros to the end of the piece.
type chunk struct {
	data   []byte
	shared bool // a reader may have data, so it must not change
}

// content is the bytes of a file; what is in no chunk is zeros. Its user has a
// lock.
type content struct {
	chunks map[int64]*chunk // by offset / chunkSize
	stored int64
}

var zeros [chunkSize]byte

// read returns the bytes [off, off+n) as pieces that never change.
func (c *content) read(off int64, n int) [][]byte {
	pieces := make([][]byte, 0, n/chunkSize+2)
	for n > 0 {
		i, at := off/chunkSize, int(off%chunkSize)
		m := min(n, chunkSize-at)
		var data []byte
		if ch := c.chunks[i]; ch != nil && at < len(ch.data) {
			ch.shared = true
			data = ch.data[at:min(at+m, len(ch.data))]
			pieces = append(pieces, data)
		}
		if len(data) < m {
			pieces = append(pieces, zeros[:m-len(data)])
		}
		off, n = off+int64(m), n-m
	}
	return pieces
}

// write puts p at off.
func (c *content) write(p []byte, off int64) {
	for len(p) > 0 {
		at := int(off % chunkSize)
		m := min(len(p), chunkSize-at)
		ch := c.at(off / chunkSize)
		c.stored -= int64(len(ch.data))
		ch.reach(at, at+m)
		c.stored += int64(len(ch.data))
		copy(ch.data[at:], p[:m])
		p, off = p[m:], off+int64(m)
	}
}

// at returns a chunk, and makes it if need be.
func (c *content) at(i int64) *chunk {
	ch := c.chunks[i]
	if ch == nil {
		if c.chunks == nil {
			c.chunks = make(map[int64]*chunk)
		}
		ch = &chunk{}
		c.chunks[i] = ch
	}
	return ch
}

// reach makes [at, end) of the chunk writable.
func (ch *chunk) reach(at, end int) {
	size := max(len(ch.data), end)
	switch {
	case !ch.shared && end <= len(ch.data):
		return
	case !ch.shared && size <= cap(ch.data):
		old := len(ch.data)
		ch.data = ch.data[:size]
		clear(ch.data[old:max(at, old)])
		return
	}
	room := size
	if at > 0 { // it grows: next time there is room
		room = min(2*size, chunkSize)
	}
	data := make([]byte, size, room)
	copy(data, ch.data)
	ch.data, ch.shared = data, false
}

// truncate sets the size; what is past it will read as zeros.
func (c *content) truncate(size int64) {
	for i, ch := range c.chunks {
		if keep := max(size-i*chunkSize, 0); keep < int64(len(ch.data)) {
			c.stored -= int64(len(ch.data)) - keep
			ch.data = ch.data[:keep]
		}
		if len(ch.data) == 0 {
			delete(c.chunks, i)
		}
	}
}

// zero makes a range read as zeros.
func (c *content) zero(off, n int64) {
	for i, ch := range c.chunks {
		from, to := max(off-i*chunkSize, 0), min(off+n-i*chunkSize, int64(len(ch.data)))
		if from < to {
			c.write(zeros[:to-from], i*chunkSize+from)
		}
	}
}
