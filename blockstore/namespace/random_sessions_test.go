package namespace_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// TestRandomSessions does random things through two sessions in turn, beside
// which others come, share the files' blocks, and are killed, and compares all
// that can be seen with the model.
func TestRandomSessions(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		synctest.Test(t, func(t *testing.T) {
			namespacetest.Run(t, seed, *steps/2, func() namespacetest.Opener {
				c := newCrowd()
				rng := rand.New(rand.NewPCG(seed, 7))
				return func() (namespacetest.FS, func() error, error) { return c.turns(rng) }
			})
		})
	}
}

// turns are two sessions in turn. What one did the other has heard of before its
// turn.
func (c *crowd) turns(rng *rand.Rand) (namespacetest.FS, func() error, error) {
	a, err := c.begin(namespace.DefaultSettings())
	if err != nil {
		return nil, nil, err
	}
	b, err := c.begin(namespace.DefaultSettings())
	if err != nil {
		return nil, nil, err
	}
	g := &guests{crowd: c, rng: rng}
	next := func() (namespacetest.FS, error) {
		err := errors.Join(a.Sync(), b.Sync(), g.act())
		time.Sleep(time.Duration(1+rng.IntN(20)) * time.Millisecond)
		synctest.Wait()
		if rng.IntN(200) == 0 {
			_, collected := b.Volume.Collect(bg, nil)
			err = errors.Join(err, collected)
		}
		return []namespacetest.FS{a.Session, b.Session}[rng.IntN(2)], err
	}
	end := func() error {
		err := errors.Join(g.killAll(), a.End())
		c.set(a.id, false)
		time.Sleep(time.Minute)
		_, collected := b.Volume.Collect(bg, nil)
		err = errors.Join(err, collected, b.End())
		c.set(b.id, false)
		return err
	}
	return namespacetest.Turns{FS: a.Session, Next: next}, end, nil
}

// guests are sessions that come, take from the files what they like, and are
// killed.
type guests struct {
	*crowd
	rng  *rand.Rand
	here []*member
}

// act does one thing now and then.
func (g *guests) act() error {
	switch p := g.rng.IntN(100); {
	case p < 2 && len(g.here) < 3:
		m, err := g.begin(namespace.DefaultSettings())
		if err != nil {
			return err
		}
		g.here = append(g.here, m)
	case len(g.here) == 0:
	case p < 3:
		i := g.rng.IntN(len(g.here))
		m := g.here[i]
		g.here = append(g.here[:i], g.here[i+1:]...)
		return m.kill()
	case p < 15:
		return g.take(g.here[g.rng.IntN(len(g.here))])
	}
	return nil
}

func (g *guests) killAll() error {
	var failed error
	for _, m := range g.here {
		failed = errors.Join(failed, m.kill())
	}
	g.here = nil
	return failed
}

// take makes a content that shares the blocks of a file, and keeps it, gives it
// up, or leaves it as it is; or it opens a file and never closes it.
func (g *guests) take(m *member) error {
	key, err := g.anyKey(m)
	if key == "" || err != nil {
		return err
	}
	if g.rng.IntN(3) == 0 {
		a, err := m.Door.Path(bg, namespacetest.Bucket+"/"+key)
		if err == nil && a.Kind == namespace.File {
			_, err = m.Door.Open(bg, a.ID, namespace.OpenRead)
		}
		return ignore(err, blockstore.NotFound, blockstore.NotDirectory)
	}
	src, _, err := m.Door.OpenKey(bg, m.Root, key, "")
	if err != nil {
		return err
	}
	c := m.Door.NewContent(bg)
	if err := errors.Join(c.Clone(bg, src, 0, src.Size()), src.Close(bg)); err != nil {
		return err
	}
	switch g.rng.IntN(3) {
	case 0:
		return c.Abort(bg)
	case 1:
		kept, err := g.keptBucket(m)
		if err == nil {
			_, err = m.Door.PutKey(bg, kept, string('a'+rune(g.rng.IntN(8))), c, namespace.PutKey{})
		}
		return err
	}
	return nil
}

func (g *guests) anyKey(m *member) (string, error) {
	var files []string
	for l, err := range m.Volume.ListKeys(bg, m.Root, namespace.ListKeys{}) {
		if err != nil {
			return "", err
		}
		if l.Attr.Size > 0 {
			files = append(files, l.Key)
		}
	}
	if len(files) == 0 {
		return "", nil
	}
	return files[g.rng.IntN(len(files))], nil
}

// keptBucket is where contents are kept.
func (g *guests) keptBucket(m *member) (namespace.NodeID, error) {
	b, err := m.Volume.CreateBucket(bg, "kept", namespace.NewNode{Mode: 0o755})
	if errors.Is(err, blockstore.Exists) {
		b, err = m.Volume.Bucket(bg, "kept")
	}
	return b.ID, err
}

// ignore is the error unless it is of one of the kinds.
func ignore(err error, kinds ...blockstore.Kind) error {
	for _, k := range kinds {
		if errors.Is(err, k) {
			return nil
		}
	}
	return err
}
