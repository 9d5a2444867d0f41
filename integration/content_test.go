package integration

import (
	"encoding/binary"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// pattern is content that tells its version, and in which every 8 bytes tell
// version and place: bytes that were never written, or written elsewhere, are seen.
func pattern(version, length int) []byte {
	b := make([]byte, 0, length+8)
	for i := 0; len(b) < length; i++ {
		b = binary.LittleEndian.AppendUint64(b, uint64(version+1)<<32|uint64(i))
	}
	return b[:length]
}

// version is the version that the first bytes of a pattern tell; -1 if none.
func version(b []byte) int {
	if len(b) < 8 {
		return -1
	}
	return int(binary.LittleEndian.Uint64(b)>>32) - 1
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// forget takes a file out of the kernel's cache, so that the next read asks cairn.
func forget(t *testing.T, f *os.File) {
	t.Helper()
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
}
