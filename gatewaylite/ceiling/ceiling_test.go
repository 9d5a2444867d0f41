package ceiling

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const bucket = "bench"

// serve starts a server, and returns a client with a secret key of its own.
func serve(t *testing.T) func(secret string) *minio.Client {
	srv := httptest.NewServer(New("access", "secret"))
	t.Cleanup(srv.Close)
	return func(secret string) *minio.Client {
		transport, err := minio.DefaultTransport(false)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(transport.CloseIdleConnections)
		c, err := minio.New(strings.TrimPrefix(srv.URL, "http://"), &minio.Options{
			Creds: credentials.NewStaticV4("access", secret, ""), Region: "us-east-1", Transport: transport, MaxRetries: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

func put(t *testing.T, c *minio.Client, key string, content []byte) {
	t.Helper()
	_, err := c.PutObject(t.Context(), bucket, key, bytes.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

func get(t *testing.T, c *minio.Client, key string) ([]byte, error) {
	t.Helper()
	o, err := c.GetObject(t.Context(), bucket, key, minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	return io.ReadAll(o)
}

// TestObjects: what was put comes back, in one piece or several, until it is removed.
func TestObjects(t *testing.T) {
	c := serve(t)("secret")
	piece := bytes.Repeat([]byte("content."), most/8)
	for _, size := range []int{0, 1, 4 << 10, most - 1, most, most + 1, 3 * most, 33 * most} {
		key, want := fmt.Sprintf("dir/%d", size), bytes.Repeat(piece, size/most+1)[:size]
		put(t, c, key, want)
		if got, err := get(t, c, key); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes put, %d others got: %v", size, len(got), err)
		}
		if err := c.RemoveObject(t.Context(), bucket, key, minio.RemoveObjectOptions{}); err != nil {
			t.Error(err)
		}
		if _, err := get(t, c, key); minio.ToErrorResponse(err).Code != minio.NoSuchKey {
			t.Errorf("a removed object: %v", err)
		}
	}
}

// TestList: a listing has each key once, in order, however many pages it has.
func TestList(t *testing.T) {
	c := serve(t)("secret")
	var want []string
	for i := range 25 {
		key := fmt.Sprintf("list/a&b %02d", i)
		put(t, c, key, nil)
		want = append(want, key)
	}
	put(t, c, "later", nil)
	for _, page := range []int{1, 7, 25, 1000} {
		var got []string
		for o := range c.ListObjects(t.Context(), bucket, minio.ListObjectsOptions{Prefix: "list/", Recursive: true, MaxKeys: page}) {
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			got = append(got, o.Key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: got %q", page, got)
		}
	}
}

// TestSignatures: without the key nobody gets anything done.
func TestSignatures(t *testing.T) {
	as := serve(t)
	put(t, as("secret"), "key", []byte("content"))
	wrong := as("another")
	if _, err := get(t, wrong, "key"); minio.ToErrorResponse(err).Code != minio.SignatureDoesNotMatch {
		t.Errorf("get with the wrong key: %v", err)
	}
	resp, err := http.Get(as("secret").EndpointURL().String() + "/bench/key")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("get without a signature: %s", resp.Status)
	}
}
