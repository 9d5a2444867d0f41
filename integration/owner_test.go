package integration

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/cairnfs/cairn/integration/testenv"
)

// TestOwnerKilled kills the process that has the store, again and again, while files
// are copied through it and through another: every copy through the other completes,
// and all that was acknowledged is there, once.
func TestOwnerKilled(t *testing.T) {
	e := testenv.New(t)
	e.Must("bucket", "create", "photos")
	for round := range ownerRounds {
		for _, mountFirst := range []bool{true, false} {
			ownerKilled(t, e, fmt.Sprintf("round%d-%v", round, mountFirst), mountFirst)
			if t.Failed() {
				return
			}
		}
	}
}

// copyFunc makes a file of all that can be read.
type copyFunc func(key string, from io.Reader, size int) error

func ownerKilled(t *testing.T, e *testenv.Env, dir string, mountFirst bool) {
	m, g := mountAndGateway(e, mountFirst)
	c := s3(t, g, 1)
	mkdir(t, filepath.Join(m.Dir, dir))
	viaOwner, viaOther := copyToMount(m.Dir), copyToS3(c)
	if !mountFirst {
		viaOwner, viaOther = viaOther, viaOwner
	}
	owner, other := &copier{prefix: dir + "/owner"}, &copier{prefix: dir + "/other"}
	half, killed := make(chan struct{}), make(chan struct{})
	var large error
	var wg sync.WaitGroup
	wg.Go(func() { owner.run(viaOwner) })
	wg.Go(func() { other.run(viaOther) })
	wg.Go(func() { large = viaOther(dir+"/large", &interrupted{half: half, on: killed}, largeCopy) })
	<-half
	dead := time.Now()
	if mountFirst {
		m.Kill()
		dead = dead.Add(-lazyDelay) // what it closed later may have gone with it
	} else {
		g.Kill()
	}
	close(killed)
	wg.Wait()
	if large != nil || other.failed != nil {
		t.Errorf("%s: copies through the process that stayed: %v, %v", dir, large, other.failed)
	}
	if mountFirst {
		m = e.Mount("photos")
	} else {
		c = s3(t, g.Again(), 1)
	}
	t.Logf("%s: %d files through the owner before it died", dir, len(owner.when))
	want := owner.before(dead)
	maps.Copy(want, other.before(time.Now()))
	want[dir+"/large"] = pattern(1, largeCopy)
	checkCopies(t, c, m, dir, want, len(owner.when)+len(other.when)+2)
	e.StopAll()
	e.Fsck()
}

const (
	copies    = 60
	copySize  = 300_000
	largeCopy = 32 << 20
)

func copyToMount(at string) copyFunc {
	return func(key string, from io.Reader, _ int) error {
		f, err := os.Create(filepath.Join(at, key))
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := io.Copy(f, from); err != nil {
			return err
		}
		return f.Close()
	}
}

func copyToS3(c *client) copyFunc {
	return func(key string, from io.Reader, size int) error {
		_, err := c.PutObject(c.t.Context(), "photos", key, from, int64(size), minio.PutObjectOptions{DisableMultipart: true})
		return err
	}
}

// interrupted reads as a large file that says when half of it was read, and has no
// more until it may go on.
type interrupted struct {
	half chan<- struct{}
	on   <-chan struct{}
	rest []byte
	at   int
}

func (r *interrupted) Read(p []byte) (int, error) {
	switch {
	case r.at == 0:
		r.rest = pattern(1, largeCopy)
	case r.at == largeCopy:
		return 0, io.EOF
	case r.at == largeCopy/2 && r.half != nil:
		close(r.half)
		<-r.on
		r.half = nil
	}
	if r.at < largeCopy/2 {
		p = p[:min(len(p), largeCopy/2-r.at)]
	}
	n := copy(p, r.rest[r.at:])
	r.at += n
	return n, nil
}

// copier copies files until one fails.
type copier struct {
	prefix string
	when   []time.Time // each was copied
	failed error
}

func (c *copier) key(i int) string { return fmt.Sprintf("%s%02d", c.prefix, i) }

func (c *copier) run(copy copyFunc) {
	for i := range copies {
		if c.failed = copy(c.key(i), bytes.NewReader(pattern(i, copySize)), copySize); c.failed != nil {
			return
		}
		c.when = append(c.when, time.Now())
	}
}

// before is the files that were copied before a moment.
func (c *copier) before(moment time.Time) map[string][]byte {
	files := make(map[string][]byte)
	for i, when := range c.when {
		if when.Before(moment) {
			files[c.key(i)] = pattern(i, copySize)
		}
	}
	return files
}

// checkCopies: the files are there, whole, in both views, and nothing is there twice.
func checkCopies(t *testing.T, c *client, m *testenv.Mount, dir string, want map[string][]byte, most int) {
	t.Helper()
	for key, content := range want {
		if got, err := c.tryGet("photos", key); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s has %d bytes of %d: %v", key, len(got), len(content), err)
		}
		same(t, m, key, content)
	}
	keys := c.keys("photos")
	if once := slices.Compact(slices.Clone(keys)); len(once) != len(keys) {
		t.Errorf("keys are listed twice: %q", keys)
	}
	files, err := os.ReadDir(filepath.Join(m.Dir, dir))
	if err != nil || len(files) > most {
		t.Errorf("%s has %d files (%v), and at most %d were copied", dir, len(files), err, most)
	}
}
