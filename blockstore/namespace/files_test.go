package namespace_test

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// try makes, writes and closes a file.
func try(fs namespacetest.FS, path string, content []byte) error {
	f, err := fs.Open(path, unix.O_CREAT|unix.O_TRUNC|unix.O_WRONLY, 0644)
	if err != nil {
		return err
	}
	_, err = f.Pwrite(content, 0)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func write(t *testing.T, fs namespacetest.FS, path string, content []byte) {
	t.Helper()
	if err := try(fs, path, content); err != nil {
		t.Fatalf("write %s: %v", path, err)
	}
}

// open opens a file, which the test closes.
func open(t *testing.T, fs namespacetest.FS, path string, flags int) namespacetest.File {
	t.Helper()
	f, err := fs.Open(path, flags, 0644)
	if err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
	return f
}

// same says that a file has this content and no more.
func same(t *testing.T, fs namespacetest.FS, path string, content []byte) {
	t.Helper()
	f := open(t, fs, path, unix.O_RDONLY)
	defer f.Close()
	reads(t, f, content)
}

// reads says that an open file has this content and no more.
func reads(t *testing.T, f namespacetest.File, content []byte) {
	t.Helper()
	got := make([]byte, len(content)+1)
	n, err := f.Pread(got, 0)
	if err != nil || !bytes.Equal(got[:n], content) {
		t.Errorf("%d bytes (%v), which are not the %d wanted", n, err, len(content))
	}
}
