package namespace_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/embedded"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// uploadCrash uploads and cuts the power before syncs and between steps.
type uploadCrash struct {
	crasher
	u     namespace.Upload
	parts int // that were acknowledged, in the order of their numbers
	done  bool
	known []uploadCut // for each cut
}

// uploadCut is what was acknowledged when the power was cut.
type uploadCut struct {
	parts int
	done  bool
}

const crashParts = 8

func crashPart(n int) []byte { return fill(byte(n), 300<<10+n) }

// TestUploadPowerCut cuts the power while an upload is made and completed. What
// was acknowledged is there after it: the parts, and the upload can be completed;
// or the object, whole. What was not takes no room for ever.
func TestUploadPowerCut(t *testing.T) {
	defer namespace.SmallDrafts()()
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := &uploadCrash{crasher: crasher{T: t, mem: vfs.NewCrashableMem(), rng: rand.New(rand.NewPCG(seed, 6))}}
			c.run()
			for i, cut := range c.cuts {
				c.check(cut, c.known[i])
			}
		})
	}
}

func (c *uploadCrash) run() {
	fs := errorfs.Wrap(c.mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			c.cutAt(3)
		}
		return nil
	}))
	store, end, err := serve(crashDir, embedded.Options{Create: true, FS: fs})
	must(c.T, err)
	s, err := namespacetest.Begin(store, smallBlocks, namespace.Options{Exclusive: true})
	must(c.T, err)
	c.u, err = s.Door.BeginUpload(bg, namespace.Upload{Bucket: s.Root, Key: "k"})
	must(c.T, err)
	c.mu.Lock()
	c.cuts, c.known = nil, nil // from before there was an upload
	c.mu.Unlock()
	for n := 1; n <= crashParts; n++ {
		content := s.Door.NewContent(bg)
		_, err := content.Write(crashPart(n))
		must(c.T, err)
		_, err = s.Door.PutPart(bg, c.u, n, content, namespace.Part{})
		must(c.T, err)
		c.mu.Lock()
		c.parts = n
		c.mu.Unlock()
		c.cutAt(4)
	}
	_, err = s.Door.CompleteUpload(bg, c.u, chooseAll, namespace.PutKey{})
	must(c.T, err)
	c.mu.Lock()
	c.done = true
	c.mu.Unlock()
	_, err = s.Volume.Collect(bg, nil)
	c.cutAt(1)
	must(c.T, errors.Join(err, s.Kill(), end()))
}

// cutAt is cut, with what is known.
func (c *uploadCrash) cutAt(odds int) {
	c.mu.Lock()
	parts, done := c.parts, c.done
	c.mu.Unlock()
	c.cut(odds)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) < len(c.cuts) {
		c.known = append(c.known, uploadCut{parts, done})
	}
}

func (c *uploadCrash) check(p powerCut, known uploadCut) {
	store, end, err := serve(crashDir, embedded.Options{FS: p.fs})
	must(c.T, err)
	defer func() { must(c.T, end()) }()
	s, err := namespacetest.Begin(store, smallBlocks, namespace.Options{Exclusive: true})
	must(c.T, err)
	must(c.T, s.Check())
	c.complete(s, known)
	must(c.T, namespacetest.Clear(s, "."))
	empty(c.T, store, s)
	must(c.T, s.End())
}

// complete completes the upload, if it still is to be.
func (c *uploadCrash) complete(s *namespacetest.Session, known uploadCut) {
	_, err := s.Volume.Upload(bg, s.Root, "k", c.u.ID)
	have := 0
	info, cerr := s.Door.CompleteUpload(bg, c.u, func(parts map[int]namespace.UploadedPart) ([]int, *namespace.Object, error) {
		have = len(parts)
		return chooseAll(parts)
	}, namespace.PutKey{})
	must(c.T, cerr)
	if errors.Is(err, blockstore.NotFound) {
		have = crashParts // it was completed before the cut
	} else if known.done {
		c.Errorf("it was acknowledged, and is not complete")
	}
	if have < known.parts {
		c.Errorf("%d parts were acknowledged, and %d are there", known.parts, have)
	}
	var want []byte
	for n := 1; n <= have; n++ {
		want = append(want, crashPart(n)...)
	}
	same(c.T, s, "k", want)
	if info.Attr.Size != int64(len(want)) {
		c.Errorf("%d bytes, want %d", info.Attr.Size, len(want))
	}
}
