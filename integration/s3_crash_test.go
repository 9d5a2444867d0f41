package integration

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/cairnfs/cairn/integration/testenv"
)

// TestKillDuringUploads kills the gateway at random moments while clients put
// objects, with a store of its own and with one that a mount has. What was
// acknowledged is there; all that is there is whole; what was being uploaded in parts
// can be completed.
func TestKillDuringUploads(t *testing.T) {
	for _, owner := range []string{"gateway", "mount"} {
		t.Run("store of the "+owner, func(t *testing.T) {
			e := testenv.New(t)
			if owner == "mount" {
				e.Must("bucket", "create", "photos")
				e.Mount("photos")
			}
			g := e.Gateway()
			if owner == "gateway" {
				s3(t, g, 0).bucket("photos")
			}
			for round := range uploadRounds {
				g = killDuringUploads(t, g, fmt.Sprintf("round%d/", round))
				if t.Failed() {
					return
				}
			}
		})
	}
}

// killDuringUploads is one round. It returns the gateway that came after the killed one.
func killDuringUploads(t *testing.T, g *testenv.Gateway, dir string) *testenv.Gateway {
	var putters []*putter
	var wg sync.WaitGroup
	for i := range 6 {
		p := &putter{prefix: fmt.Sprintf("%s%d-", dir, i)}
		putters = append(putters, p)
		c, random := s3(t, g, 1), rand.New(rand.NewPCG(rand.Uint64(), uint64(i)))
		wg.Go(func() { p.run(c, random) })
	}
	u := &uploader{key: dir + "joined"}
	core := minio.Core{Client: s3(t, g, 1).Client}
	wg.Go(func() { u.run(t, core) })
	time.Sleep(time.Duration(rand.IntN(600)) * time.Millisecond) // the random moment
	g.Kill()
	wg.Wait()

	g = g.Again()
	c := s3(t, g, 0)
	keys := c.keys("photos")
	acknowledged := 0
	for _, p := range putters {
		p.check(t, c, keys)
		acknowledged += p.done
	}
	u.finish(t, c)
	t.Logf("%s %d puts were acknowledged, and %d parts", dir, acknowledged, len(u.parts))
	return g
}

// putter puts objects, and each fourth over one key.
type putter struct {
	prefix string
	sizes  []int // of all that was tried
	done   int   // so many were acknowledged
}

func (p *putter) key(i int) string {
	if i%4 == 0 {
		return p.prefix + "again"
	}
	return fmt.Sprintf("%s%d", p.prefix, i)
}

func (p *putter) run(c *client, random *rand.Rand) {
	for i := 0; ; i++ {
		p.sizes = append(p.sizes, 8+random.IntN(1+random.IntN(4<<20)))
		if _, err := c.tryPut("photos", p.key(i), pattern(i, p.sizes[i])); err != nil {
			return
		}
		p.done++
	}
}

func (p *putter) check(t *testing.T, c *client, keys []string) {
	t.Helper()
	for i := range p.sizes {
		if p.key(i) == p.prefix+"again" {
			continue
		}
		acked := i < p.done
		got, err := c.tryGet("photos", p.key(i))
		switch {
		case noSuchKey(err) && !acked && !slices.Contains(keys, p.key(i)):
		case err != nil || !bytes.Equal(got, pattern(i, p.sizes[i])):
			t.Errorf("%s (acknowledged: %v) has %d bytes of %d: %v", p.key(i), acked, len(got), p.sizes[i], err)
		}
	}
	p.checkAgain(t, c)
}

// checkAgain: the key that was put again and again has the last content that was
// acknowledged, or one after it.
func (p *putter) checkAgain(t *testing.T, c *client) {
	t.Helper()
	last := (p.done - 1) / 4 * 4
	got, err := c.tryGet("photos", p.prefix+"again")
	if noSuchKey(err) && p.done == 0 {
		return
	}
	v := version(got)
	if err != nil || v < last || v >= len(p.sizes) || !bytes.Equal(got, pattern(v, p.sizes[v])) {
		t.Errorf("%sagain has version %d of %d bytes, and %d was acknowledged: %v", p.prefix, v, len(got), last, err)
	}
}

// uploader uploads parts until the gateway is gone.
type uploader struct {
	key, id string
	parts   []minio.CompletePart
}

func (u *uploader) run(t *testing.T, core minio.Core) {
	id, err := core.NewMultipartUpload(t.Context(), "photos", u.key, minio.PutObjectOptions{})
	if err != nil {
		return
	}
	u.id = id
	for n := 1; ; n++ {
		p, err := putPart(core, u.key, u.id, n, pattern(n, partSize(n)))
		if err != nil {
			return
		}
		u.parts = append(u.parts, p)
	}
}

// finish uploads one part more, and joins all that was acknowledged.
func (u *uploader) finish(t *testing.T, c *client) {
	t.Helper()
	if u.id == "" {
		return
	}
	core := minio.Core{Client: c.Client}
	n := len(u.parts) + 1
	p, err := putPart(core, u.key, u.id, n, pattern(n, partSize(n)))
	if err != nil {
		t.Errorf("a part after the restart: %v", err)
		return
	}
	if _, err := core.CompleteMultipartUpload(t.Context(), "photos", u.key, u.id, append(u.parts, p), minio.PutObjectOptions{}); err != nil {
		t.Errorf("join %d parts: %v", n, err)
		return
	}
	if got := c.get("photos", u.key); !bytes.Equal(got, wholeOf(n)) {
		t.Errorf("%d joined parts have %d other bytes", n, len(got))
	}
}
