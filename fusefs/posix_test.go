package fusefs_test

import (
	"testing"

	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// TestPosix runs the rules that namespace keeps through the kernel.
func TestPosix(t *testing.T) {
	each(t, func(t *testing.T, dir string) {
		openUp(t, dir)
		namespacetest.Posix(t, namespacetest.OS{Root: dir})
	})
}
