package share

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/embedded"
)

// childEnv makes the test binary a process of TestKill, in the place that it names.
const childEnv = "CAIRN_SHARE_TEST_CHILD"

func TestMain(m *testing.M) {
	dir, runtime, isChild := strings.Cut(os.Getenv(childEnv), "\n")
	if !isChild {
		os.Exit(m.Run())
	}
	if err := child(place{dir, runtime}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// worker is what a child does: it counts.
type worker struct {
	store   *Store
	segment blockstore.SegmentID // also its name
	rations chan bool            // one for each step to do
	acked   atomic.Uint64
	stopped atomic.Bool
}

// ration is how many steps a child does for each byte of its input.
const ration = 100

func (w *worker) key() string           { return "count/" + w.segment.String() }
func (w *worker) event(n uint64) string { return fmt.Sprintf("%s/%d", w.key(), n) }

// blockEvery is which steps have a block: in a file each takes a place of its own.
const blockEvery = 8

func countedBlock(s blockstore.SegmentID, n uint64) (blockstore.BlockID, []byte) {
	return blockstore.BlockID{Segment: s, Number: uint32(n / blockEvery)}, bytes.Repeat([]byte{byte(n)}, 100+int(n))
}

// child counts as far as its standard input lets it. It prints its name and after each
// step how far it is, and at the end waits until it has seen the events of all it did.
func child(p place) error {
	ctx := context.Background()
	s, err := Open(ctx, p.dir, p.options(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- s.Serve(serving) }()
	w := &worker{store: s, segment: blockstore.NewID(), rations: make(chan bool, 100*ration)}
	fmt.Println(w.segment)
	err = w.work(ctx)
	stop()
	return errors.Join(err, <-served, s.Close())
}

func (w *worker) work(ctx context.Context) error {
	from, err := w.store.Head(ctx)
	if err != nil {
		return err
	}
	watching, enough := context.WithCancel(ctx)
	defer enough()
	var seen sync.Map
	var watcher, writers errgroup.Group
	watcher.Go(func() error { return w.watch(watching, from, &seen, enough) })
	for range 2 {
		writers.Go(func() error { return w.write(ctx) })
	}
	for input := bufio.NewReader(os.Stdin); err == nil; {
		if _, err = input.ReadByte(); err == nil {
			for range ration {
				w.rations <- true
			}
		}
	}
	close(w.rations)
	if err := writers.Wait(); err != nil {
		return err
	}
	w.stopped.Store(true)
	// One more, so that the watcher looks again whether it has seen all.
	if err := w.step(ctx, blockstore.NewWriter(w.store, blockstore.NewID())); err != nil {
		return err
	}
	return watcher.Wait()
}

func (w *worker) write(ctx context.Context) error {
	writer := blockstore.NewWriter(w.store, blockstore.NewID())
	for range w.rations {
		if err := w.step(ctx, writer); err != nil {
			return err
		}
	}
	return nil
}

// step counts up by one, in two ways, and puts a block for it.
func (w *worker) step(ctx context.Context, writer *blockstore.Writer) error {
	_, err := writer.Update(ctx, blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
		value, _, err := tx.Get(w.key())
		if err != nil {
			return err
		}
		n, _ := binary.Uvarint(value)
		if (n+1)%blockEvery == 0 {
			id, data := countedBlock(w.segment, n+1)
			if err := w.store.PutBlock(ctx, id, data); err != nil {
				return err
			}
			tx.Need(w.segment)
		}
		tx.Put(w.key(), binary.AppendUvarint(nil, n+1))
		tx.Add("all", 0, blockstore.Sum, 1)
		tx.Add("each/"+w.segment.String(), 0, blockstore.Sum, 1)
		tx.Event(w.event(n + 1))
		return nil
	})
	if err == nil {
		fmt.Println(w.acked.Add(1))
	}
	return err
}

// watch collects the events until those of all steps are there.
func (w *worker) watch(ctx context.Context, from blockstore.Cursor, seen *sync.Map, enough func()) error {
	count := uint64(0)
	for e, err := range w.store.Watch(ctx, from) {
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		for _, key := range e.Keys {
			if _, twice := seen.LoadOrStore(key, true); !twice && strings.HasPrefix(key, w.key()+"/") {
				count++
			}
		}
		if w.stopped.Load() && count == w.total(ctx) {
			enough()
		}
	}
	return nil
}

// total is what the store has counted for this worker.
func (w *worker) total(ctx context.Context) uint64 {
	value, _, _ := w.store.Get(ctx, w.key())
	n, _ := binary.Uvarint(value)
	return n
}

// process is a child, as its parent sees it.
type childProcess struct {
	*exec.Cmd
	stdin   io.WriteCloser
	segment blockstore.SegmentID
	acked   atomic.Uint64
	goal    uint64
	ended   chan struct{} // its output has ended
	steps   chan struct{}
}

func (p place) start(t testing.TB) *childProcess {
	t.Helper()
	c := &childProcess{Cmd: exec.Command(os.Args[0]), ended: make(chan struct{}), steps: make(chan struct{}, 1)}
	c.Env = append(os.Environ(), childEnv+"="+p.dir+"\n"+p.runtime)
	c.Stderr = t.Output()
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() }) // unless it has ended
	c.stdin = in
	lines := bufio.NewScanner(out)
	lines.Scan()
	if c.segment, err = blockstore.ParseID(lines.Text()); err != nil {
		t.Fatal(err)
	}
	go c.follow(lines)
	return c
}

// follow reads how far the child is.
func (c *childProcess) follow(lines *bufio.Scanner) {
	defer close(c.ended)
	for lines.Scan() {
		n, _ := strconv.ParseUint(lines.Text(), 10, 64)
		if n > c.acked.Load() {
			c.acked.Store(n)
		}
		select {
		case c.steps <- struct{}{}:
		default:
		}
	}
}

// feed lets the child do more steps.
func (c *childProcess) feed(t *testing.T) {
	t.Helper()
	c.goal = c.acked.Load() + ration/5
	if _, err := c.stdin.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
}

// advance waits until the child has done some of them.
func (c *childProcess) advance(t *testing.T) {
	t.Helper()
	for c.acked.Load() < c.goal {
		select {
		case <-c.steps:
		case <-c.ended:
			t.Fatalf("process %d ended by itself", c.Process.Pid)
		}
	}
}

// ownerOf is the child that has the lock.
func (p place) ownerOf(t *testing.T, children []*childProcess) int {
	t.Helper()
	holder, _, err := embedded.Holder(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range children {
		if strings.HasPrefix(holder, fmt.Sprintf("process %d:", c.Process.Pid)) {
			return i
		}
	}
	t.Fatalf("the store belongs to %q, none of the children", holder)
	return -1
}

// TestKill kills one owner after the other with SIGKILL, while all that are left go on
// counting: no call of theirs fails, each is done once, and each is heard of.
func TestKill(t *testing.T) {
	p := newPlace(t)
	var children []*childProcess
	for range 4 {
		children = append(children, p.start(t))
	}
	for range 8 {
		for _, c := range children {
			c.feed(t)
		}
		for _, c := range children {
			c.advance(t)
		}
		i := p.ownerOf(t, children)
		_ = children[i].Process.Kill()
		<-children[i].ended
		_ = children[i].Wait()
		children[i] = p.start(t)
	}
	for _, c := range children {
		c.feed(t)
		_ = c.stdin.Close()
	}
	for _, c := range children {
		<-c.ended
		if err := c.Wait(); err != nil {
			t.Fatalf("process %d: %v", c.Process.Pid, err)
		}
	}
	p.check(t, children)
}

// check compares what the children were told with what is there.
func (p place) check(t *testing.T, children []*childProcess) {
	t.Helper()
	s := p.open(t)
	defer s.Close()
	for _, c := range children {
		acked, name := c.acked.Load(), c.segment.String()
		value, _, err := s.Get(t.Context(), "count/"+name)
		if n, _ := binary.Uvarint(value); err != nil || n != acked {
			t.Errorf("process %d was told of %d steps, there are %d, %v", c.Process.Pid, acked, n, err)
		}
		value, _, err = s.Get(t.Context(), "each/"+name)
		tally, bad := blockstore.DecodeTally(value)
		if err := errors.Join(err, bad); err != nil || tally.Field(0) != int64(acked) {
			t.Errorf("process %d was told of %d steps, %v were added, %v", c.Process.Pid, acked, tally, err)
		}
		for n := uint64(blockEvery); n <= acked; n += blockEvery {
			id, data := countedBlock(c.segment, n)
			if got, err := s.GetBlock(t.Context(), id, 0, len(data)); err != nil || !bytes.Equal(got, data) {
				t.Fatalf("block %v: %d bytes, %v", id, len(got), err)
			}
		}
	}
}
