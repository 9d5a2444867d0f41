package namespace_test

import (
	"bytes"
	"context"
	"iter"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// What one session has open, another removes or replaces: the handle goes on, and
// after its close all the space comes back.
func TestRemovedElsewhere(t *testing.T) {
	removals := map[string]func(t *testing.T, a remover){
		"unlink": func(t *testing.T, a remover) {
			must(t, a.Unlink("other"))
			must(t, a.Unlink("f"))
		},
		"rename": func(t *testing.T, a remover) {
			must(t, a.Rename("other", "f"))
			must(t, a.Unlink("f"))
		},
	}
	for name, remove := range removals {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New()
				a, b := share(t, store), share(t, store)
				old := make([]byte, 3<<20)
				rand.NewChaCha8([32]byte{1}).Read(old)
				write(t, a.Direct, "f", old)
				write(t, a.Direct, "other", []byte("other"))
				synctest.Wait()
				f := open(t, b.Direct, "f", unix.O_RDWR)
				remove(t, a.Direct)
				time.Sleep(time.Minute)
				_, err := a.Volume.Collect(t.Context(), nil)
				must(t, err)
				reads(t, f, old)
				_, err = f.Pwrite([]byte("new"), 0)
				must(t, err)
				must(t, f.Fsync())
				reads(t, f, append([]byte("new"), old[3:]...))
				must(t, f.Close())
				time.Sleep(time.Minute)
				_, err = a.Volume.Collect(t.Context(), nil)
				must(t, err)
				noBlocks(t, store)
			})
		})
	}
}

func noBlocks(t *testing.T, store blockstore.Store) {
	t.Helper()
	if n, bytes := blocks(t, store); n > 0 {
		t.Errorf("%d blocks with %d bytes are left", n, bytes)
	}
}

// remover is how a file goes.
type remover interface {
	Unlink(path string) error
	Rename(from, to string) error
}

// What a session has written and another removes is given back while both live.
func TestCollectBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		a, b := share(t, store), share(t, store)
		for range 3 {
			write(t, a.Direct, "f", bytes.Repeat([]byte("large"), 1<<20))
			write(t, a.Direct, "g", []byte("small"))
			synctest.Wait()
			must(t, b.Unlink("f"))
			must(t, b.Unlink("g"))
			_, err := b.Volume.Collect(t.Context(), nil)
			must(t, err)
			noBlocks(t, store)
		}
	})
}

// A session that ended without notice is buried by those that go on.
func TestBuriedBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		a := share(t, store)
		b, err := namespacetest.Begin(store, noHistory, namespace.Options{})
		must(t, err)
		write(t, b.Direct, "f", []byte("held"))
		synctest.Wait()
		open(t, b.Direct, "f", unix.O_RDWR)
		must(t, a.Unlink("f"))
		time.Sleep(10 * time.Second)
		must(t, b.Kill())
		time.Sleep(5 * time.Minute)
		_, err = a.Volume.Collect(t.Context(), nil)
		must(t, err)
		noBlocks(t, store)
		info, err := a.Volume.Info(t.Context())
		if err != nil || info.Sessions != 1 {
			t.Errorf("%d sessions on record, %v", info.Sessions, err)
		}
	})
}

// What a session holds whose record is gone, because a change of it came after it
// was buried, is found by a collection.
func TestHeldByNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd()
		a, err := c.begin(noHistory)
		must(t, err)
		b, err := c.begin(noHistory)
		must(t, err)
		write(t, b.Direct, "f", []byte("held"))
		synctest.Wait()
		open(t, b.Direct, "f", unix.O_RDWR)
		must(t, a.Unlink("f"))
		synctest.Wait()
		must(t, b.kill())
		w := blockstore.NewWriter(c.store, blockstore.NewID())
		_, err = w.Update(t.Context(), blockstore.ID{}, blockstore.Lazy, func(tx *blockstore.Tx) error {
			tx.Delete("S" + string(b.id[:]))
			return nil
		})
		must(t, err)
		time.Sleep(time.Minute)
		_, err = a.Volume.Collect(t.Context(), nil)
		must(t, err)
		noBlocks(t, c.store)
		must(t, a.End())
	})
}

// For a while nothing goes on, as when the machine sleeps, just after a file was
// removed. Who has it open and hears of that last keeps it all the same.
func TestRemovedBeforeAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		mine, theirs := &pausing{Store: store}, &pausing{Store: store}
		a, b := share(t, mine), share(t, theirs)
		write(t, a.Direct, "f", []byte("held"))
		synctest.Wait()
		f := open(t, b.Direct, "f", unix.O_RDWR)
		goOn := theirs.pause()
		must(t, a.Unlink("f"))
		collect := mine.pause()
		time.Sleep(time.Minute)
		collect()
		time.Sleep(2 * time.Second)
		goOn()
		time.Sleep(time.Minute)
		reads(t, f, []byte("held"))
		must(t, f.Close())
		time.Sleep(time.Minute)
		noBlocks(t, store)
	})
}

// pausing is a store that can be made to wait: with scans, and with the feed.
type pausing struct {
	blockstore.Store
	gate atomic.Pointer[chan struct{}]
}

// pause returns what ends the pause.
func (p *pausing) pause() (goOn func()) {
	gate := make(chan struct{})
	p.gate.Store(&gate)
	return func() { close(gate) }
}

func (p *pausing) wait() {
	if gate := p.gate.Load(); gate != nil {
		<-*gate
	}
}

func (p *pausing) Scan(ctx context.Context, prefix, after string) iter.Seq2[blockstore.Record, error] {
	p.wait()
	return p.Store.Scan(ctx, prefix, after)
}

func (p *pausing) Watch(ctx context.Context, after blockstore.Cursor) iter.Seq2[blockstore.Event, error] {
	return func(yield func(blockstore.Event, error) bool) {
		for ev, err := range p.Store.Watch(ctx, after) {
			p.wait()
			if !yield(ev, err) {
				return
			}
		}
	}
}
