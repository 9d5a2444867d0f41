package gatewaylite_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/faultstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/gatewaylite"
)

// TestMain: when all gateways have gone, so have their goroutines.
func TestMain(m *testing.M) {
	code := m.Run()
	for deadline := time.Now().Add(10 * time.Second); code == 0; runtime.Gosched() {
		all := make([]byte, 1<<20)
		all = all[:runtime.Stack(all, true)]
		if !bytes.Contains(all, []byte("gatewaylite.(*")) {
			break
		}
		if time.Now().After(deadline) {
			_, _ = os.Stderr.Write(all)
			code = 1
		}
	}
	os.Exit(code)
}

// faulty is a world on a store that can be made to fail.
func faulty(t *testing.T) (*world, *faultstore.Store) {
	s := faultstore.New(memstore.New(), nil)
	w := worldOn(t, s, gatewaylite.Options{})
	w.root.bucket("photos")
	return w, s
}

// failing fails a kind of call from the nth on.
func failing(call faultstore.Call, n int, kind blockstore.Kind) faultstore.Hook {
	return func(op faultstore.Op) faultstore.Fault {
		if op.Call != call {
			return faultstore.Fault{}
		}
		if n--; n > 0 {
			return faultstore.Fault{}
		}
		return faultstore.Fault{Err: blockstore.E(string(call), op.Name, kind, nil)}
	}
}

// TestDiskFull: what does not fit is refused, at once and not when its last byte has
// come, and leaves what was there.
func TestDiskFull(t *testing.T) {
	w, s := faulty(t)
	w.root.put("photos", "a", "hello")
	s.Set(failing(faultstore.PutBlock, 1, blockstore.NoSpace))
	body := string(content(12<<20, 1))
	w.root.do("PUT", "/photos/a", body).want(t, 507, "<Code>InsufficientStorage</Code>")
	if got := w.raw(w.root.signed("PUT", "/photos/a", 1<<30, body)); !strings.Contains(got, "InsufficientStorage") {
		t.Errorf("a body that still comes: %s", got)
	}
	s.Set(nil)
	w.root.do("GET", "/photos/a", "").want(t, 200, "hello")
}

// TestUnreadable: a block that can't be read is an error before the first byte, and
// a cut connection after it; never other bytes.
func TestUnreadable(t *testing.T) {
	w, s := faulty(t)
	body := content(5<<20, 1)
	w.root.put("photos", "a", string(body))
	s.Set(failing(faultstore.GetBlock, 1, blockstore.Corrupt))
	w.root.do("GET", "/photos/a", "").want(t, 500, "<Code>InternalError</Code>")
	s.Set(failing(faultstore.GetBlock, 4, blockstore.Corrupt))
	r := w.request("GET", "/photos/a", "", "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(signer.SignV4(*r, w.root.AccessKey, w.root.secret, "", "us-east-1"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err == nil || !bytes.HasPrefix(body, got) || len(got) == len(body) {
		t.Errorf("%d bytes of %d came, and then %v", len(got), len(body), err)
	}
	s.Set(nil)
}

// TestTLS: the same over TLS, with addresses to match.
func TestTLS(t *testing.T) {
	made := httptest.NewUnstartedServer(nil)
	made.StartTLS()
	defer made.Close()
	w := worldOn(t, memstore.New(), gatewaylite.Options{TLS: &tls.Config{Certificates: made.TLS.Certificates}})
	r := w.request("PUT", "/photos", "", "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	r.URL.Scheme = "https"
	c := made.Client()
	resp, err := c.Do(signer.SignV4(*r, w.root.AccessKey, w.root.secret, "", "us-east-1"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || resp.Proto != "HTTP/1.1" {
		t.Errorf("%s %s", resp.Proto, resp.Status)
	}
	c.CloseIdleConnections()
}
