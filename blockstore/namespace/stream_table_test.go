package namespace_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// Logs that a file leaves while it is open are given back with their last block.
func TestLeftLogs(t *testing.T) {
	write := func(t *testing.T, f *namespace.OpenFile, p []byte, off int64) {
		_, err := f.WriteAt(bg, p, off)
		must(t, err)
	}
	for name, work := range map[string]func(t *testing.T, f *namespace.OpenFile){
		"emptied": func(t *testing.T, f *namespace.OpenFile) {
			for i := range int64(70) {
				write(t, f, make([]byte, mib), i*mib)
			}
			must(t, f.Flush(bg))
			must(t, f.Allocate(bg, 0, 70*mib, namespace.AllocatePunchHole|namespace.AllocateKeepSize))
			must(t, f.Truncate(bg, 100))
		},
		"worn": func(t *testing.T, f *namespace.OpenFile) {
			must(t, f.Truncate(bg, 1000))
			for range 1<<14 + 1 {
				write(t, f, []byte("again"), 0)
				must(t, f.Flush(bg))
			}
			must(t, f.Truncate(bg, 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New()
				s := share(t, store)
				must(t, try(s.Direct, "f", nil))
				a, err := s.Door.Path(bg, namespacetest.Bucket+"/f")
				must(t, err)
				f, err := s.Door.Open(bg, a.ID, namespace.OpenRead|namespace.OpenWrite)
				must(t, err)
				work(t, f)
				must(t, f.Flush(bg))
				time.Sleep(time.Hour)
				_, err = s.Volume.Collect(bg, nil)
				must(t, err)
				noBlocks(t, store)
				must(t, f.Close(bg))
			})
		})
	}
}
