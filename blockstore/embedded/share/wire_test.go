package share

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/embedded"
)

// connect is a connection to the owner that says what the test wants.
func (p place) connect(t *testing.T) *net.UnixConn {
	t.Helper()
	at, err := address(p.runtime, p.dir)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.UnixConn)
}

// TestGarbage sends nonsense to an owner, who ends the connection and serves on.
func TestGarbage(t *testing.T) {
	p := newPlace(t)
	owner, guest := p.open(t), p.open(t)
	guest.companion = owner
	defer guest.Close()
	hello := fmt.Sprintf("%s %d %s\n", greeting, protocol, blockstore.NewID())
	noise := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	for _, text := range []string{
		"\n", "GET / HTTP/1.1\r\n\r\n", greeting + " 1 no-id\n", greeting + " x y\n", strings.Repeat("x", 1<<20),
		hello + "\x00\x00\x00\x00", hello + "\xff\xff\xff\xff", hello + string(noise),
	} {
		conn := p.connect(t)
		_, _ = conn.Write([]byte(text)) // the owner may end it in the middle
		_ = conn.CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
		if err := countUp(t.Context(), blockstore.NewWriter(guest, blockstore.NewID()), "k"); err != nil {
			t.Fatalf("after %.40q: %v", text, err)
		}
	}
}

// TestStalled: a guest that asks and never reads the answers holds up itself alone.
func TestStalled(t *testing.T) {
	p := newPlace(t)
	owner, guest := p.open(t), p.open(t)
	guest.companion = owner
	defer guest.Close()
	w := blockstore.NewWriter(guest, blockstore.NewID())
	_, err := w.Update(t.Context(), blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
		tx.Put("large", make([]byte, blockstore.MaxValue))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	stalled := p.connect(t)
	fmt.Fprintf(stalled, "%s %d %s\n", greeting, protocol, blockstore.NewID())
	body, err := encode("large")
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(2 * maxCalls) {
		if _, err := stalled.Write(appendFrame(nil, frame{n, getRecord, body})); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if err := countUp(t.Context(), w, "k"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestVersions: processes that speak other versions of the protocol hear of each other.
func TestVersions(t *testing.T) {
	p := newPlace(t)
	owner := p.open(t)
	conn := p.connect(t)
	fmt.Fprintf(conn, "%s %d %s\n", greeting, protocol+1, blockstore.NewID())
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != fmt.Sprintf("%s %d %s\n", greeting, protocol, process()) {
		t.Errorf("the owner says %q, %v", line, err)
	}
	if err := owner.Close(); err != nil {
		t.Fatal(err)
	}
	newer := serveNewer(t, p)
	_, err := Open(t.Context(), p.dir, p.options(testLog(t)))
	if !errors.Is(err, blockstore.Locked) || !strings.Contains(err.Error(), "process 1: cairn of tomorrow") {
		t.Errorf("open: %v, want %v", err, blockstore.Locked)
	}
	newer()
}

// serveNewer is an owner that speaks a newer protocol.
func serveNewer(t *testing.T, p place) (stop func()) {
	engine, err := embedded.Open(p.dir, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at, err := address(p.runtime, p.dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := listen(at)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Announce(at); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, err = fmt.Fprintf(conn, "%s %d process 1: cairn of tomorrow\n", greeting, protocol+1)
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
		done <- err
	}()
	return func() {
		if err := errors.Join(<-done, l.Close(), engine.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestFailure: an error says at the other end what it says at this one.
func TestFailure(t *testing.T) {
	for _, kind := range blockstore.Kinds() {
		for _, err := range []error{
			blockstore.E("read", "x", kind, nil),
			blockstore.E("read", "x\xff", kind, io.ErrUnexpectedEOF),
		} {
			body, bad := encode(failureOf(err))
			var f failure
			if bad = errors.Join(bad, decode(body, &f)); bad != nil {
				t.Fatal(bad)
			}
			if got := f.error(); got.Error() != err.Error() || !errors.Is(got, kind) {
				t.Errorf("%q of kind %v came as %q of kind %v", err, kind, got, blockstore.KindOf(got))
			}
		}
	}
}

// FuzzFrames reads whatever comes: an error, or frames that are written as they were.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x01\x07"))
	f.Add(appendFrame(nil, frame{1, getRecord, []byte("body")}))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		var again []byte
		for {
			fr, err := readFrame(r)
			if err != nil {
				break
			}
			again = appendFrame(again, fr)
		}
		if !bytes.HasPrefix(data, again) {
			t.Errorf("%x was read as %x", data, again)
		}
	})
}

// FuzzRespond asks an owner whatever comes: there is an answer or an error.
func FuzzRespond(f *testing.F) {
	engine, err := embedded.Open(f.TempDir(), embedded.Options{Create: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { engine.Close() })
	for v, question := range map[verb]any{
		getBlock: blockRead{Off: 1, N: 2}, deleteBlocks: []blockstore.BlockID{{}}, removeSegment: segmentRemoval{},
		listBlocks: blockstore.BlockID{}, getRecord: "key", scan: scanPage{N: 3}, head: none{}, watch: blockstore.Cursor("x"),
		commit: commitment{Change: blockstore.Change{Session: blockstore.ID{1}, Seq: 1, Writes: []blockstore.Write{{Key: "k"}}}},
	} {
		body, err := encode(question)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(v), body)
	}
	f.Add(byte(putBlock), makePut(blockstore.BlockID{}, []byte("data")))
	f.Fuzz(func(t *testing.T, v byte, body []byte) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if id, _, err := parsePut(body); verb(v) == putBlock && err == nil && id.Number > 1000 {
			return // a file of a million holes takes long to list
		}
		if verb(v) == watch {
			cancel()
		}
		if _, err := respond(ctx, engine, verb(v), body); err != nil {
			_ = failureOf(err).error().Error()
		}
		var fail failure
		_ = decode(body, &fail)
	})
}
