package namespacetest_test

import (
	"os"
	"testing"

	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// The suite is held to a file system that people trust.
func TestPosixOnDisk(t *testing.T) {
	namespacetest.Posix(t, namespacetest.OS{Root: disk(t)})
}

func TestPosixOnModel(t *testing.T) {
	namespacetest.Posix(t, namespacetest.NewModel())
}

// disk is a directory of the disk's own file system that other users can enter.
func disk(t *testing.T) string {
	dir, err := os.MkdirTemp("", "cairn-posix-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The model is held to the same file system.
func TestRunOnDisk(t *testing.T) {
	for seed := range uint64(2) {
		namespacetest.Run(t, seed, 10_000, func() namespacetest.Opener {
			fs := namespacetest.OS{Root: t.TempDir()}
			return func() (namespacetest.FS, func() error, error) { return fs, func() error { return nil }, nil }
		})
	}
}
