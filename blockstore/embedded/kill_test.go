package embedded

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/cairnfs/cairn/blockstore"
)

// childDir, in the environment, makes the test binary the child that is killed.
const childDir = "CAIRN_EMBEDDED_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// killedBlock is the block that commit n of the child needs.
func killedBlock(segment blockstore.SegmentID, n uint64) (blockstore.BlockID, []byte) {
	return blockstore.BlockID{Segment: segment, Number: uint32(n)}, bytes.Repeat([]byte{byte(n)}, 100+int(n))
}

// child commits lazily while others sync without a pause. It prints the segment of
// its blocks, and then again and again up to which commit all must survive a kill,
// until that comes.
func child(dir string) error {
	s, err := Open(dir, Options{Create: true})
	if err != nil {
		return err
	}
	ctx, segment := context.Background(), blockstore.NewID()
	fmt.Println(segment)
	var committed atomic.Uint64
	var group errgroup.Group
	group.Go(func() error { return childCommits(ctx, s, segment, &committed) })
	group.Go(func() error { return childSyncs(ctx, s) })
	group.Go(func() error {
		for {
			n := committed.Load()
			if err := s.push(); err != nil {
				return err
			}
			fmt.Println(n)
		}
	})
	return group.Wait()
}

func childCommits(ctx context.Context, s *Store, segment blockstore.SegmentID, committed *atomic.Uint64) error {
	for n := uint64(1); ; n++ {
		id, data := killedBlock(segment, n)
		if err := s.PutBlock(ctx, id, data); err != nil {
			return err
		}
		c := put(segment, n, "last", binary.AppendUvarint(nil, n))
		c.Needs = []blockstore.SegmentID{segment}
		if _, err := s.Commit(ctx, c, blockstore.Lazy); err != nil {
			return err
		}
		committed.Store(n)
	}
}

func childSyncs(ctx context.Context, s *Store) error {
	for n, session := uint64(1), blockstore.NewID(); ; n++ {
		if _, err := s.Commit(ctx, put(session, n, "synced", nil), blockstore.Sync); err != nil {
			return err
		}
	}
}

// TestKill kills processes with SIGKILL in the middle of their work: every lazy
// commit that they had pushed must be there, with the blocks of all before it.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	for range 8 {
		segment, pushed := killChild(t, dir)
		checkKilled(t, dir, segment, pushed)
	}
}

// killChild lets a child push some commits.
func killChild(t *testing.T, dir string) (segment blockstore.SegmentID, pushed uint64) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	lines := bufio.NewScanner(out)
	lines.Scan()
	if segment, err = blockstore.ParseID(lines.Text()); err != nil {
		t.Fatal(err)
	}
	for enough := 100 + rand.N(uint64(500)); pushed < enough; {
		if !lines.Scan() {
			t.Fatalf("the child ended after %d commits: %v", pushed, lines.Err())
		}
		if pushed, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return segment, pushed
}

func checkKilled(t *testing.T, dir string, segment blockstore.SegmentID, pushed uint64) {
	t.Helper()
	s, err := Open(dir, Options{Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	value, _, err := s.Get(t.Context(), "last")
	last, _ := binary.Uvarint(value)
	if err != nil || last < pushed {
		t.Fatalf("of %d pushed commits %d are there, %v", pushed, last, err)
	}
	for n := uint64(1); n <= last; n++ {
		id, data := killedBlock(segment, n)
		if got, err := s.GetBlock(t.Context(), id, 0, len(data)); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("block of commit %d: %d bytes, %v", n, len(got), err)
		}
	}
}
