package namespace

import (
	"context"
	"sync"
	"time"

	"github.com/cairnfs/cairn/blockstore"
)

// appender is the log that a node's writes go to: a segment, the block that is
// being filled, and the blocks on their way to the engine. It is guarded by its
// node's mu. A nil appender has no bytes.
type appender struct {
	v         *Volume
	segment   blockstore.SegmentID
	blockSize int

	registered bool   // the segment's record was put
	unsure     bool   // it may have been: a commit ended without an answer
	reserved   uint32 // block numbers that the record speaks of
	smallOK    uint32 // small block numbers that it speaks of
	number     uint32 // of the block being filled
	small      uint32 // of the next small block, without SmallBit

	buf   []byte
	since time.Time // when buf got its first byte
	puts  []*blockPut

	// tail: buf's bytes are committed as a small block at this file offset, and
	// are kept to be written again when they are appended to.
	tail    int64
	hasTail bool
}

// blockPut is a block on its way.
type blockPut struct {
	number uint32
	data   []byte
	done   chan struct{} // closed when err is set
	err    error
}

// A segment gets mostBlocks before the next one begins. One that is written to
// again and again gets fewer, so that it can be given back as a whole: there
// is no need then to keep account of numbers long dead.
const (
	mostBlocks = 1 << 20
	logBlocks  = 1 << 14
)

// worn says whether a file of this size should go on in another segment.
func (a *appender) worn(size int64) bool {
	again := int64(a.number)*int64(a.blockSize) > 4*size
	return a.number >= mostBlocks || a.number >= logBlocks && again || a.small >= logBlocks
}

func newAppender(v *Volume) *appender {
	a := &appender{v: v, segment: blockstore.NewID(), blockSize: v.Settings().BlockSize}
	v.streams.begin(a.segment)
	return a
}

// block is the one being filled.
func (a *appender) block() blockstore.BlockID {
	return blockstore.BlockID{Segment: a.segment, Number: a.number}
}

// waiting is the content so far of a block that the engine may not have yet,
// or nil.
func (a *appender) waiting(id blockstore.BlockID) []byte {
	if a == nil || id.Segment != a.segment {
		return nil
	}
	if id.Number == a.number {
		return a.buf
	}
	for _, p := range a.puts {
		if p.number == id.Number {
			return p.data
		}
	}
	return nil
}

func (a *appender) buffered() int64 {
	if a == nil || a.hasTail {
		return 0
	}
	return int64(len(a.buf))
}

// add takes bytes into the block being filled, as many as fit, and returns how
// many and where in the block they begin.
func (a *appender) add(p []byte) (n, at int) {
	if len(a.buf) == 0 {
		a.since = time.Now()
	}
	at = len(a.buf)
	n = min(len(p), a.blockSize-at)
	a.grow(at + n)
	a.buf = append(a.buf, p[:n]...)
	return n, at
}

// buffers are blocks' buffers of the largest size, smallBuffers those of files that
// are one small block.
var (
	buffers      = sync.Pool{New: func() any { return new([blockstore.MaxBlock]byte) }}
	smallBuffers = sync.Pool{New: func() any { return new([blockstore.MaxSmall]byte) }}
)

// grow makes room: small files need little, and all others a whole block.
func (a *appender) grow(need int) {
	if need <= cap(a.buf) {
		return
	}
	var bigger []byte
	switch {
	case need <= blockstore.MaxSmall:
		bigger = smallBuffers.Get().(*[blockstore.MaxSmall]byte)[:len(a.buf)]
	case need <= 4*blockstore.MaxSmall:
		bigger = make([]byte, len(a.buf), 4*blockstore.MaxSmall)
	default:
		bigger = buffers.Get().(*[blockstore.MaxBlock]byte)[:len(a.buf)]
	}
	copy(bigger, a.buf)
	a.buf = bigger
}

func recycle(b []byte) {
	switch cap(b) {
	case blockstore.MaxBlock:
		buffers.Put((*[blockstore.MaxBlock]byte)(b[:blockstore.MaxBlock]))
	case blockstore.MaxSmall:
		smallBuffers.Put((*[blockstore.MaxSmall]byte)(b[:blockstore.MaxSmall]))
	}
}

// full says whether the block being filled can't take more.
func (a *appender) full() bool { return len(a.buf) == a.blockSize }

// seal sends the block being filled on its way and begins the next.
func (a *appender) seal(ctx context.Context) error {
	if err := a.reserve(ctx); err != nil {
		return err
	}
	if a.settleDone(); a.failed() {
		// The engine has no room, or no answer: the writer must hear of it,
		// or memory would fill up.
		if err := a.settle(ctx); err != nil {
			return err
		}
	}
	select {
	case a.v.puts <- struct{}{}:
	case <-ctx.Done():
		return blockstore.E("write", "", blockstore.Canceled, ctx.Err())
	}
	p := &blockPut{number: a.number, data: a.buf, done: make(chan struct{})}
	a.puts = append(a.puts, p)
	a.number, a.buf, a.hasTail = a.number+1, nil, false
	// The put outlives the request that filled the block; settle joins it.
	ctx = context.WithoutCancel(ctx)
	go func() {
		p.err = a.v.store.PutBlock(ctx, blockstore.BlockID{Segment: a.segment, Number: p.number}, p.data)
		<-a.v.puts
		close(p.done)
	}()
	return nil
}

// settleDone forgets the blocks that the engine has.
func (a *appender) settleDone() {
	left := a.puts[:0]
	for _, p := range a.puts {
		select {
		case <-p.done:
			if p.err == nil {
				recycle(p.data)
				continue
			}
		default:
		}
		left = append(left, p)
	}
	clear(a.puts[len(left):])
	a.puts = left
}

// failed says whether a block could not be put.
func (a *appender) failed() bool {
	for _, p := range a.puts {
		select {
		case <-p.done:
			return true // those that went well are forgotten
		default:
		}
	}
	return false
}

// settle returns when the engine has all sealed blocks. One that failed is put
// again; if it fails again it is kept for the next time.
func (a *appender) settle(ctx context.Context) error {
	if a == nil {
		return nil
	}
	for _, p := range a.puts {
		<-p.done
		if p.err != nil {
			a.putAgain(ctx, p)
		}
		if p.err != nil {
			return p.err
		}
	}
	a.settleDone()
	return nil
}

// putAgain puts a block that failed once more, and if the engine has no room for
// as long as history can make some.
func (a *appender) putAgain(ctx context.Context, p *blockPut) {
	id := blockstore.BlockID{Segment: a.segment, Number: p.number}
	for {
		p.err = a.v.store.PutBlock(ctx, id, p.data)
		a.v.noteFull(p.err)
		if p.err == nil || !a.v.madeRoom(ctx, p.err) {
			return
		}
	}
}

// wait returns when no block is on its way any more, whatever became of it.
func (a *appender) wait() {
	for _, p := range a.puts {
		<-p.done
	}
	a.puts = nil
}

// dropTail forgets bytes that were kept to be written again.
func (a *appender) dropTail() {
	if a != nil && a.hasTail {
		a.buf, a.hasTail = a.buf[:0], false
	}
}

// firstReserve is how many blocks a new segment's record speaks of.
const firstReserve = 64

// reserve makes the segment's record speak of the block being filled, before
// it is put.
func (a *appender) reserve(ctx context.Context) error {
	if a.registered && a.number < a.reserved {
		return nil
	}
	reserved := max(firstReserve, 2*a.reserved)
	err := a.v.own.update(ctx, blockstore.Lazy, func(tx *tx) error {
		rec, err := tx.segment(a.segment)
		if err != nil {
			return err
		}
		if rec == nil {
			rec = &SegmentRecord{Writer: a.v.session, BlockSize: a.blockSize}
		}
		rec.Blocks = reserved
		tx.put(segmentKey(a.segment), rec)
		return nil
	})
	if err == nil {
		a.registered, a.reserved = true, reserved
	}
	return err
}

// forgetBuffers lets go of the memory, but not of the place in the segment.
func (a *appender) forgetBuffers() {
	if a == nil {
		return
	}
	recycle(a.buf)
	a.buf, a.hasTail = nil, false
}
