package namespace_test

import (
	"testing"

	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

func TestPosix(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			namespacetest.Posix(t, begin(t, open(t), namespace.DefaultSettings()))
		})
	}
}
