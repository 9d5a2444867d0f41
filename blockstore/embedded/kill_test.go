package embedded

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

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

const childCommits = 50

// killedBlock is the block that commit n of the child needs.
func killedBlock(n uint64) (blockstore.BlockID, []byte) {
	id := blockstore.BlockID{Segment: blockstore.ID{15: byte(n)}, Number: uint32(n)}
	return id, bytes.Repeat([]byte{byte(n)}, 50<<10)
}

// child commits lazily, with nothing at work that syncs, tells how long the log was
// before, and waits to be killed.
func child(dir string) error {
	s, err := Open(dir, Options{Create: true})
	if err != nil {
		return err
	}
	fmt.Println(logSize(dir))
	for n := uint64(1); n <= childCommits; n++ {
		id, data := killedBlock(n)
		if err := s.PutBlock(context.Background(), id, data); err != nil {
			return err
		}
		c := put(blockstore.ID{1}, n, fmt.Sprint(n), []byte("value"))
		c.Needs = []blockstore.SegmentID{id.Segment}
		if _, err := s.Commit(context.Background(), c, blockstore.Lazy); err != nil {
			return err
		}
	}
	fmt.Println("committed")
	return s.pushLazy(context.Background())
}

func logSize(dir string) (size int64) {
	logs, _ := filepath.Glob(filepath.Join(dir, recordsName, "*.log"))
	for _, path := range logs {
		if info, err := os.Stat(path); err == nil {
			size = max(size, info.Size())
		}
	}
	return size
}

// TestKill kills a process with SIGKILL as soon as its log was pushed to the
// system: every lazy commit must be there, with its block.
func TestKill(t *testing.T) {
	dir := t.TempDir()
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
	lines := bufio.NewReader(out)
	var before int64
	if _, err := fmt.Fscanln(lines, &before); err != nil {
		t.Fatal(err)
	}
	if line, err := lines.ReadString('\n'); line != "committed\n" {
		t.Fatalf("%q, %v", line, err)
	}
	await(t, "the log is pushed", func() bool { return logSize(dir) >= before+walBlock })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	checkKilled(t, dir)
}

func checkKilled(t *testing.T, dir string) {
	s, err := Open(dir, Options{Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for n := uint64(1); n <= childCommits; n++ {
		if value, _, err := s.Get(t.Context(), fmt.Sprint(n)); err != nil || string(value) != "value" {
			t.Fatalf("commit %d: %q, %v", n, value, err)
		}
		id, data := killedBlock(n)
		if got, err := s.GetBlock(t.Context(), id, 0, len(data)); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("block of commit %d: %d bytes, %v", n, len(got), err)
		}
	}
}
