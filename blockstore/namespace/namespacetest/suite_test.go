package namespacetest_test

import (
	"testing"

	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// The suite is held to a file system that people trust.
func TestPosixOnDisk(t *testing.T) {
	namespacetest.Posix(t, namespacetest.OS{Root: t.TempDir()})
}

func TestPosixOnModel(t *testing.T) {
	namespacetest.Posix(t, namespacetest.NewModel())
}
