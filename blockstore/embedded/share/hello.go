package share

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
)

// A connection begins with a line of the guest, with its name, and one of the owner,
// which says what process it is. The form of these lines is the same for ever, so that
// versions which do not understand each other can say so.
const (
	greeting = "cairn share"
	protocol = 1
	// helloWait is how long a greeting may take.
	helloWait = 10 * time.Second
	// maxProcess bounds what a process says of itself.
	maxProcess = 512
)

// errGone says that the other end of a connection is not there, or not any more.
var errGone = errors.New("the process that has the store does not answer")

// greet introduces a guest to the owner at the other end, and returns which process
// that is.
func greet(w *wire, name blockstore.ID) (owner string, err error) {
	if err := checkPeer(w.conn); err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(w.conn, "%s %d %s\n", greeting, protocol, name)
	version, owner, ok := readHello(w)
	switch {
	case err != nil || !ok:
		return "", errGone
	case version != protocol:
		return "", fmt.Errorf("%w: %s: it is another version of cairn", blockstore.Locked, owner)
	}
	return owner, nil
}

// welcome is the owner's part: it returns the name of the guest.
func welcome(w *wire) (name blockstore.ID, err error) {
	if err := checkPeer(w.conn); err != nil {
		return name, err
	}
	version, text, ok := readHello(w)
	if _, err := fmt.Fprintf(w.conn, "%s %d %s\n", greeting, protocol, process()); err != nil {
		return name, err
	}
	if !ok || version != protocol {
		return name, fmt.Errorf("a guest of another version of cairn: %q", text)
	}
	return blockstore.ParseID(text)
}

// readHello reads the line of the other end; ok is false if it is none.
func readHello(w *wire) (version int, text string, ok bool) {
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return 0, "", false
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(string(line)), greeting+" ")
	if !ok {
		return 0, "", false
	}
	number, text, _ := strings.Cut(rest, " ")
	_, err = fmt.Sscanf(number, "%d", &version)
	return version, text, err == nil
}

// process names this one for a user of another.
func process() string {
	text := fmt.Sprintf("process %d: %s", os.Getpid(), strings.Join(os.Args, " "))
	return strings.Join(strings.Fields(text[:min(len(text), maxProcess)]), " ")
}

// checkPeer looks who is at the other end (unix(7), SO_PEERCRED): we trust ourselves
// and root, and root trusts whoever owns the store.
func checkPeer(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		peer, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return err
	}
	if me := os.Geteuid(); peer.Uid != 0 && me != 0 && int(peer.Uid) != me {
		return fmt.Errorf("%w: process %d belongs to user %d", blockstore.Permission, peer.Pid, peer.Uid)
	}
	return nil
}
