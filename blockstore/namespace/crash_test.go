package namespace_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/embedded"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// TestPowerCut does random things and commits each on its own, cuts the power
// before some syncs and between some steps, and holds every disk that is left
// to the promises: the volume is sound and a prefix of what was done, with all
// that was made durable, and nothing of what is gone takes room for ever.
func TestPowerCut(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+3**seeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := &crasher{T: t, mem: vfs.NewCrashableMem(), rng: rand.New(rand.NewPCG(seed, 1))}
			for _, s := range namespacetest.Script(seed, 400) {
				if s.Op != "reopen" && s.Op != "burst" { // they are several commits
					c.script = append(c.script, s)
				}
			}
			c.run(seed)
			for _, cut := range c.cuts {
				c.check(cut)
			}
		})
	}
}

// crasher works on a file system that keeps what was synced.
type crasher struct {
	*testing.T
	script []namespacetest.Step
	mem    *vfs.MemFS

	mu    sync.Mutex
	rng   *rand.Rand
	cuts  []powerCut
	acked int // steps that are durable
	begun int // steps that were begun
}

// powerCut is the disk after a power cut, and what is known of it.
type powerCut struct {
	fs           *vfs.MemFS
	percent      int // of what was not synced that survived anyway
	acked, begun int
}

const (
	crashDir = "/cairn/store"
	// marker is the extended attribute of the root that counts the steps.
	marker = "user.steps"
	// mostCuts bounds the cuts of a run.
	mostCuts = 25
)

// cut cuts the power at one time of so many that it is called.
func (c *crasher) cut(odds int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rng.IntN(odds) > 0 || len(c.cuts) == mostCuts {
		return
	}
	p := powerCut{percent: []int{0, 10, 50, 90, 100}[c.rng.IntN(5)], acked: c.acked, begun: c.begun}
	p.fs = c.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: p.percent, RNG: c.rng})
	c.cuts = append(c.cuts, p)
}

// beforeSync is an injector that injects nothing but power cuts.
func (c *crasher) beforeSync(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		c.cut(100)
	}
	return nil
}

func (c *crasher) progress(acked, begun int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acked, c.begun = max(c.acked, acked), max(c.begun, begun)
}

func (c *crasher) run(seed uint64) {
	fs := errorfs.Wrap(c.mem, errorfs.InjectorFunc(c.beforeSync))
	store, end, err := serve(crashDir, embedded.Options{Create: true, FS: fs})
	if err != nil {
		c.Fatal(err)
	}
	s, err := namespacetest.Begin(store, noHistory, namespace.Options{Exclusive: true})
	if err != nil {
		c.Fatal(err)
	}
	if err := store.Sync(c.Context()); err != nil {
		c.Fatal(err)
	}
	c.mu.Lock()
	c.cuts = nil // from before there was a volume
	c.mu.Unlock()
	c.work(s, rand.New(rand.NewPCG(seed, 2)))
	if err := errors.Join(s.Kill(), end()); err != nil {
		c.Fatal(err)
	}
}

// work plays the script. Each step is committed, and then counted by a commit
// of its own.
func (c *crasher) work(s *namespacetest.Session, rng *rand.Rand) {
	p := namespacetest.NewPlayer(s)
	for i, step := range c.script {
		c.progress(0, i+1)
		if p.Play(step) && (step.Op == "fsync" || step.Op == "sync") {
			c.progress(i, 0)
		}
		if err := s.Door.Flush(c.Context(), blockstore.Lazy); err != nil {
			c.Fatal(err)
		}
		if err := s.Setxattr(".", marker, fmt.Append(nil, i+1), 0); err != nil {
			c.Fatal(err)
		}
		c.cut(40)
		if rng.IntN(20) > 0 {
			continue
		}
		if err := s.Door.Sync(c.Context()); err != nil {
			c.Fatal(err)
		}
		c.progress(i+1, 0)
	}
}

// check opens a disk after a power cut and looks at everything.
func (c *crasher) check(p powerCut) {
	what := fmt.Sprintf("after %d of %d steps, %d of them durable, with %d%% of the unsynced",
		p.begun, len(c.script), p.acked, p.percent)
	store, end, err := serve(crashDir, embedded.Options{FS: p.fs})
	if err != nil {
		c.Fatalf("%s: %v", what, err)
	}
	defer func() {
		if err := end(); err != nil {
			c.Errorf("%s: %v", what, err)
		}
	}()
	s, err := namespacetest.Begin(store, noHistory, namespace.Options{Exclusive: true})
	if err != nil {
		c.Fatalf("%s: %v", what, err)
	}
	count := c.count(s)
	if count < p.acked || count > p.begun {
		c.Errorf("%s: %d survived", what, count)
	}
	// The step may have survived alone, without being counted.
	if err := c.model(count, count).Same(s); err != nil && c.model(count+1, count).Same(s) != nil {
		c.Errorf("%s: %d survived, but %v", what, count, err)
	}
	if err := s.Check(); err != nil {
		c.Errorf("%s: %v", what, err)
	}
	if err := namespacetest.Clear(s, "."); err != nil {
		c.Errorf("%s: %v", what, err)
	}
	empty(c.T, store, s)
	if err := s.End(); err != nil {
		c.Errorf("%s: %v", what, err)
	}
}

// count is how many steps are counted.
func (c *crasher) count(fs namespacetest.FS) (n int) {
	value := make([]byte, 20)
	got, err := fs.Getxattr(".", marker, value)
	if errors.Is(err, unix.ENODATA) {
		return 0
	}
	if err == nil {
		_, err = fmt.Sscan(string(value[:got]), &n)
	}
	if err != nil {
		c.Fatal(err)
	}
	return n
}

// model is how everything must be after so many steps.
func (c *crasher) model(steps, counted int) namespacetest.Model {
	m := namespacetest.NewModel()
	p := namespacetest.NewPlayer(m)
	for _, s := range c.script[:min(steps, len(c.script))] {
		p.Play(s)
	}
	if counted > 0 {
		if err := m.Setxattr(".", marker, fmt.Append(nil, counted), 0); err != nil {
			c.Fatal(err)
		}
	}
	return m
}
