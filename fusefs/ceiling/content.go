package ceiling

// chunkSize is the largest piece of content, as large as a FUSE request.
const chunkSize = 128 << 10

// chunk is one piece of a file: data, and zeros to the end of the piece.
type chunk struct {
	data   []byte
	shared bool // a reader may have data, so it must not change
}

// content is the bytes of a file. Its user has a lock.
type content struct {
	chunks []chunk
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
		if i < int64(len(c.chunks)) && at < len(c.chunks[i].data) {
			c.chunks[i].shared = true
			data = c.chunks[i].data[at:min(at+m, len(c.chunks[i].data))]
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

// at returns a chunk, and makes it and those before it if need be.
func (c *content) at(i int64) *chunk {
	if missing := i + 1 - int64(len(c.chunks)); missing > 0 {
		c.chunks = append(c.chunks, make([]chunk, missing)...)
	}
	return &c.chunks[i]
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
	whole, rest := size/chunkSize, int(size%chunkSize)
	for i := min(whole, int64(len(c.chunks))); i < int64(len(c.chunks)); i++ {
		ch := &c.chunks[i]
		keep := 0
		if i == whole {
			keep = min(rest, len(ch.data))
		}
		c.stored -= int64(len(ch.data) - keep)
		ch.data = ch.data[:keep]
	}
	if len(c.chunks) > int(whole)+1 {
		c.chunks = c.chunks[:whole+1]
	}
}

// zero makes a range read as zeros.
func (c *content) zero(off, n int64) {
	for n > 0 && off/chunkSize < int64(len(c.chunks)) {
		at := off % chunkSize
		m := min(n, chunkSize-at)
		if have := int64(len(c.chunks[off/chunkSize].data)); at < have {
			c.write(zeros[:min(m, have-at)], off)
		}
		off, n = off+m, n-m
	}
}
