package integration

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/cairnfs/cairn/integration/testenv"
)

const racers = 32

// TestOnlyOneMakesAKey: of many that put a key if it has nothing, one wins, and its
// content is there; so it is between S3 and exclusive creation in a mount.
func TestOnlyOneMakesAKey(t *testing.T) {
	e := testenv.New(t)
	g := e.Gateway()
	var clients []*client
	for range racers {
		clients = append(clients, s3(t, g, 1))
	}
	clients[0].bucket("photos")
	m := e.Mount("photos")
	for round := range raceRounds {
		key := fmt.Sprintf("key%d", round)
		race(t, clients[0], key, func(i int) error { return clients[i].putNew(key, racerBody(i)) }, racers)
		key = fmt.Sprintf("file%d", round)
		race(t, clients[0], key, func(i int) error {
			if i%2 == 0 {
				return clients[i].putNew(key, racerBody(i))
			}
			return createNew(filepath.Join(m.Dir, key), racerBody(i))
		}, 4)
		if t.Failed() {
			return
		}
	}
}

// racerBody tells who made a file.
func racerBody(i int) []byte { return pattern(i, 1000+i) }

// race lets all try at once, and looks for the one that made the key.
func race(t *testing.T, c *client, key string, try func(i int) error, racers int) {
	t.Helper()
	var wg sync.WaitGroup
	var winners atomic.Int32
	var winner atomic.Int32
	start := make(chan struct{})
	for i := range racers {
		wg.Go(func() {
			<-start
			switch err := try(i); {
			case err == nil:
				winners.Add(1)
				winner.Store(int32(i))
			case minio.ToErrorResponse(err).StatusCode != http.StatusPreconditionFailed && !os.IsExist(err):
				t.Errorf("racer %d for %s: %v", i, key, err)
			}
		})
	}
	close(start)
	wg.Wait()
	if n := winners.Load(); n != 1 {
		t.Errorf("%s was made by %d", key, n)
	}
	if got := c.get("photos", key); !bytes.Equal(got, racerBody(int(winner.Load()))) {
		t.Errorf("%s was made by %d, and %d wrote what it holds", key, winner.Load(), version(got))
	}
}

// putNew puts a key that has nothing.
func (c *client) putNew(key string, content []byte) error {
	o := minio.PutObjectOptions{DisableMultipart: true}
	o.SetMatchETagExcept("*")
	_, err := c.PutObject(c.t.Context(), "photos", key, bytes.NewReader(content), int64(len(content)), o)
	return err
}

// createNew makes a file that is not there.
func createNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return err
	}
	return f.Close()
}
