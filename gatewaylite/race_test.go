package gatewaylite_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7/pkg/signer"
)

// status sends a signed request over kept connections, and gives only its status.
func (u *user) status(c *http.Client, method, path, body string, headers ...string) int {
	r := u.w.request(method, path, body, headers...)
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	resp, err := c.Do(signer.SignV4(*r, u.AccessKey, u.secret, "", "us-east-1"))
	if err != nil {
		u.w.t.Error(err)
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// TestOneWins: of 32 clients that make one key under If-None-Match exactly one does,
// round after round; and of those that replace one state under If-Match.
func TestOneWins(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	defer client.CloseIdleConnections()
	for round := range 10 {
		key := fmt.Sprint("/photos/k", round)
		w.oneWins(client, key, "If-None-Match", "*")
		etag := w.root.do("HEAD", key, "").Header.Get("ETag")
		w.oneWins(client, key, "If-Match", etag)
	}
}

func (w *world) oneWins(client *http.Client, key string, terms ...string) {
	w.t.Helper()
	const clients = 32
	var wins, losses, winner atomic.Int64
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			switch s := w.root.status(client, "PUT", key, fmt.Sprint(terms, i), terms...); s {
			case 200:
				wins.Add(1)
				winner.Store(int64(i))
			case 412, 409:
				losses.Add(1)
			default:
				w.t.Errorf("%s: status %d", key, s)
			}
		})
	}
	group.Wait()
	if wins.Load() != 1 || losses.Load() != clients-1 {
		w.t.Errorf("%s %v: %d won and %d lost", key, terms, wins.Load(), losses.Load())
	}
	if got, want := w.root.do("GET", key, "").body, fmt.Sprint(terms, winner.Load()); got != want {
		w.t.Errorf("%s holds %q, want that of the winner, %q", key, got, want)
	}
}

// TestOverwriteWhileReading: a reader has one state of the object, whole.
func TestOverwriteWhileReading(t *testing.T) {
	w := newWorld(t)
	w.root.bucket("photos")
	bodies := map[string]bool{}
	for i := range byte(3) {
		bodies[string(content(900<<10, i))] = true
	}
	var group sync.WaitGroup
	done := make(chan struct{})
	w.root.put("photos", "a", string(content(900<<10, 0)))
	group.Go(func() {
		defer close(done)
		for range 10 {
			for body := range bodies {
				w.root.put("photos", "a", body)
			}
		}
	})
	for range 3 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if p := w.root.do("GET", "/photos/a", ""); p.StatusCode != 200 || !bodies[p.body] {
					t.Errorf("status %d with %d bytes of a mixture", p.StatusCode, len(p.body))
				}
			}
		})
	}
	group.Wait()
}
