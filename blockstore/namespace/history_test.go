package namespace_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore/faultstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

// What is removed, replaced or cut to nothing is kept for the history time, and
// then its room comes back.
func TestHistoryTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		set := namespace.DefaultSettings()
		s := begin(t, store, set)
		for _, name := range []string{"removed", "replaced", "cut", "kept"} {
			write(t, s, name, make([]byte, 300_000))
		}
		time.Sleep(2 * time.Minute)
		must(t, s.Unlink("removed"))
		write(t, s, "new", nil)
		must(t, s.Rename("new", "replaced"))
		write(t, s, "cut", nil)
		left := func() int64 {
			_, err := s.Volume.Collect(t.Context(), nil)
			must(t, err)
			_, bytes := blocks(t, store)
			return bytes
		}
		for _, wait := range []time.Duration{0, time.Hour, set.HistoryTime - 2*time.Hour} {
			time.Sleep(wait)
			if got := left(); got != 4*300_000 {
				t.Errorf("%d bytes are kept after %v more", got, wait)
			}
		}
		time.Sleep(2 * time.Hour)
		if got := left(); got != 300_000 {
			t.Errorf("%d bytes are left after the history time", got)
		}
	})
}

// A collection that takes minutes, after the history time was set to 0, still
// takes everything.
func TestSlowCollection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faultstore.New(memstore.New(), nil)
		s := begin(t, store, namespace.DefaultSettings())
		for i := range 600 {
			write(t, s, fmt.Sprint(i), []byte("x"))
		}
		time.Sleep(2 * time.Minute)
		for i := range 600 {
			must(t, s.Unlink(fmt.Sprint(i)))
		}
		must(t, s.Volume.SetSettings(t.Context(), noHistory))
		slow := faultstore.Fault{Delay: time.Second}
		store.Set(faultstore.On(faultstore.Commit, slow))
		empty(t, store, s)
		store.Set(nil)
	})
}

// What did not live long is nobody's history.
func TestYoungHasNoHistory(t *testing.T) {
	store := memstore.New()
	s := begin(t, store, namespace.DefaultSettings())
	write(t, s, "f", make([]byte, 300_000))
	must(t, s.Unlink("f"))
	empty(t, store, s)
}

// A path has no bound: what is deep down can be removed, replaced and cut as
// anything else.
func TestHistoryOfDeepFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		s := begin(t, store, namespace.DefaultSettings())
		dir := strings.Repeat("d", 250)
		for range 16 {
			must(t, s.Mkdir(dir, 0755))
			dir += "/" + strings.Repeat("d", 250)
		}
		must(t, s.Mkdir(dir, 0755))
		for _, name := range []string{"removed", "replaced", "cut", "held"} {
			write(t, s, dir+"/"+name, make([]byte, 300_000))
		}
		time.Sleep(2 * time.Minute)
		must(t, s.Unlink(dir+"/removed"))
		must(t, s.Rename(dir+"/cut", dir+"/replaced"))
		write(t, s, dir+"/replaced", nil)
		f := open(t, s, dir+"/held", unix.O_RDWR)
		must(t, s.Unlink(dir+"/held"))
		must(t, f.Close())
	})
}
