package integration

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/cairnfs/cairn/integration/testenv"
)

// client is the first user of a gateway, with minio-go.
type client struct {
	*minio.Client
	t testing.TB
}

// s3 is a client of its own: with its own connections. tries is how often it sends
// a request that failed; 0: as often as minio-go likes.
func s3(t testing.TB, g *testenv.Gateway, tries int) *client {
	t.Helper()
	return withKeys(t, g, testenv.AccessKey, testenv.SecretKey, tries)
}

// withKeys is a client of any user.
func withKeys(t testing.TB, g *testenv.Gateway, access, secret string, tries int) *client {
	t.Helper()
	transport, err := minio.DefaultTransport(false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := minio.New(g.Addr, &minio.Options{
		Creds:  credentials.NewStaticV4(access, secret, ""),
		Region: "us-east-1", Transport: transport, MaxRetries: tries,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &client{c, t}
}

func (c *client) bucket(name string) {
	c.t.Helper()
	if err := c.MakeBucket(c.t.Context(), name, minio.MakeBucketOptions{}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) put(bucket, key string, content []byte) minio.UploadInfo {
	c.t.Helper()
	info, err := c.tryPut(bucket, key, content)
	if err != nil {
		c.t.Fatalf("put %q: %v", key, err)
	}
	return info
}

func (c *client) tryPut(bucket, key string, content []byte) (minio.UploadInfo, error) {
	return c.PutObject(c.t.Context(), bucket, key, bytes.NewReader(content), int64(len(content)),
		minio.PutObjectOptions{DisableMultipart: true})
}

func (c *client) get(bucket, key string) []byte {
	c.t.Helper()
	b, err := c.tryGet(bucket, key)
	if err != nil {
		c.t.Fatalf("get %q: %v", key, err)
	}
	return b
}

func (c *client) tryGet(bucket, key string) ([]byte, error) {
	o, err := c.GetObject(c.t.Context(), bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	defer o.Close()
	return io.ReadAll(o)
}

func (c *client) remove(bucket, key string) {
	c.t.Helper()
	if err := c.RemoveObject(c.t.Context(), bucket, key, minio.RemoveObjectOptions{}); err != nil {
		c.t.Fatalf("remove %q: %v", key, err)
	}
}

// keys lists a bucket, whole.
func (c *client) keys(bucket string) []string {
	c.t.Helper()
	var keys []string
	for o := range c.ListObjects(c.t.Context(), bucket, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			c.t.Fatal(o.Err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}

// noSuchKey says whether the error is S3's for a key that has nothing.
func noSuchKey(err error) bool { return minio.ToErrorResponse(err).Code == minio.NoSuchKey }

// TestS3 goes through the life of a bucket, with a mount in another process that
// sees it all.
func TestS3(t *testing.T) {
	e := testenv.New(t)
	g := e.Gateway()
	c := s3(t, g, 0)
	c.bucket("photos")
	if err := c.MakeBucket(t.Context(), "photos", minio.MakeBucketOptions{}); minio.ToErrorResponse(err).StatusCode != http.StatusConflict {
		t.Errorf("making the bucket again: %v", err)
	}
	m := e.Mount("photos")
	sizes := map[string]int{"empty": 0, "dir/small": 1 << 10, "dir/sub/large": 20 << 20}
	for key, size := range sizes {
		c.put("photos", key, pattern(size, size))
		same(t, m, key, pattern(size, size))
		if got := c.get("photos", key); !bytes.Equal(got, pattern(size, size)) {
			t.Errorf("%s is not what was put", key)
		}
	}
	if got := c.keys("photos"); !slices.Equal(got, []string{"dir/small", "dir/sub/large", "empty"}) {
		t.Errorf("keys are %q", got)
	}
	ranged(t, c)
	copied(t, c, m)
	conditional(t, c)
	presigned(t, c)
	fromMount(t, c, m)
	for _, key := range c.keys("photos") {
		c.remove("photos", key)
	}
	if left, err := os.ReadDir(m.Dir); err != nil || len(left) > 0 {
		t.Errorf("the mount still has %v, %v", left, err)
	}
	m.Unmount()
	if err := c.RemoveBucket(t.Context(), "photos"); err != nil {
		t.Error(err)
	}
	if ok, err := c.BucketExists(t.Context(), "photos"); ok || err != nil {
		t.Errorf("the removed bucket exists: %v, %v", ok, err)
	}
}

// same holds a file of a mount to what it should hold.
func same(t testing.TB, m *testenv.Mount, name string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(m.Dir, name))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("on the mount %s has %d bytes (%v), not the %d of the object", name, len(got), err, len(want))
	}
}

func ranged(t *testing.T, c *client) {
	o := minio.GetObjectOptions{}
	if err := o.SetRange(5<<20, 5<<20+99_999); err != nil {
		t.Fatal(err)
	}
	r, err := c.GetObject(t.Context(), "photos", "dir/sub/large", o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, pattern(20<<20, 20<<20)[5<<20:5<<20+100_000]) {
		t.Errorf("a range of 100,000 bytes has %d other ones: %v", len(got), err)
	}
}

func copied(t *testing.T, c *client, m *testenv.Mount) {
	_, err := c.CopyObject(t.Context(), minio.CopyDestOptions{Bucket: "photos", Object: "copy"}, minio.CopySrcOptions{Bucket: "photos", Object: "dir/sub/large"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, m, "copy", pattern(20<<20, 20<<20))
}

func conditional(t *testing.T, c *client) {
	etag := c.put("photos", "once", []byte("first")).ETag
	put := func(set func(*minio.PutObjectOptions)) int {
		var o minio.PutObjectOptions
		set(&o)
		_, err := c.PutObject(t.Context(), "photos", "once", strings.NewReader("again"), 5, o)
		return minio.ToErrorResponse(err).StatusCode
	}
	if got := put(func(o *minio.PutObjectOptions) { o.SetMatchETagExcept("*") }); got != http.StatusPreconditionFailed {
		t.Errorf("a put that must make the key: status %d", got)
	}
	if got := put(func(o *minio.PutObjectOptions) { o.SetMatchETag("0123456789abcdef0123456789abcdef") }); got != http.StatusPreconditionFailed {
		t.Errorf("a put over another content: status %d", got)
	}
	if got := put(func(o *minio.PutObjectOptions) { o.SetMatchETag(etag) }); got != 0 {
		t.Errorf("a put over the right content: status %d", got)
	}
	if got := c.get("photos", "once"); string(got) != "again" {
		t.Errorf("once holds %q", got)
	}
}

func presigned(t *testing.T, c *client) {
	u, err := c.PresignedGetObject(t.Context(), "photos", "dir/small", time.Minute, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := fetch(t, http.DefaultClient, u.String()); !bytes.Equal(got, pattern(1<<10, 1<<10)) {
		t.Errorf("the presigned URL gives %d other bytes", len(got))
	}
}

// fetch gets what a URL that must work has.
func fetch(t testing.TB, c *http.Client, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v\n%.500s", url, resp.StatusCode, err, body)
	}
	return body
}

// fromMount: what is written through the mount is an object.
func fromMount(t *testing.T, c *client, m *testenv.Mount) {
	mkdir(t, filepath.Join(m.Dir, "album"))
	write(t, filepath.Join(m.Dir, "album", "one"), pattern(7, 3<<20))
	if got := c.get("photos", "album/one"); !bytes.Equal(got, pattern(7, 3<<20)) {
		t.Errorf("the file of the mount is an object of %d other bytes", len(got))
	}
	if err := os.Rename(filepath.Join(m.Dir, "album"), filepath.Join(m.Dir, "book")); err != nil {
		t.Fatal(err)
	}
	if got := c.keys("photos"); !slices.Contains(got, "book/") || !slices.Contains(got, "book/one") || slices.Contains(got, "album/one") {
		t.Errorf("after a rename the keys are %q", got)
	}
}

// TestMultipart puts a large object in parts and reads it back, through S3 and the mount.
func TestMultipart(t *testing.T) {
	e := testenv.New(t)
	g := e.Gateway()
	c := s3(t, g, 0)
	c.bucket("photos")
	want := sha256.New()
	body := io.TeeReader(io.LimitReader(&endless{}, multipart), want)
	info, err := c.PutObject(t.Context(), "photos", "dir/huge", body, multipart, minio.PutObjectOptions{PartSize: 16 << 20, NumThreads: 1})
	if err != nil {
		t.Fatal(err)
	}
	if suffix := fmt.Sprintf("-%d", (multipart+16<<20-1)/(16<<20)); !strings.HasSuffix(info.ETag, suffix) {
		t.Errorf("the ETag %q doesn't end in %s", info.ETag, suffix)
	}
	o, err := c.GetObject(t.Context(), "photos", "dir/huge", minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	got := sha256.New()
	if n, err := io.Copy(got, o); err != nil || n != multipart || !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		t.Errorf("the object reads back as %d other bytes: %v", n, err)
	}
	if sum, err := testenv.Sum(filepath.Join(e.Mount("photos").Dir, "dir", "huge")); err != nil || sum != fmt.Sprintf("%x", want.Sum(nil)) {
		t.Errorf("on the mount it is another one: %v", err)
	}
	peak := g.PeakMemory()
	t.Logf("%d MiB in parts; the gateway had at most %d MiB of memory", multipart>>20, peak>>20)
}

// endless is a pattern without an end.
type endless struct{ version int }

func (r *endless) Read(p []byte) (int, error) {
	r.version++
	return copy(p, pattern(r.version, min(len(p), 1<<20))), nil
}

// TestUploadPartByPart: parts in any order, one replaced, listed, and joined; and an
// upload that is aborted leaves nothing.
func TestUploadPartByPart(t *testing.T) {
	e := testenv.New(t)
	c := s3(t, e.Gateway(), 0)
	c.bucket("photos")
	core := minio.Core{Client: c.Client}
	id, err := core.NewMultipartUpload(t.Context(), "photos", "joined", minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	parts := map[int]minio.CompletePart{}
	for _, n := range []int{3, 1, 2, 1} {
		p, err := putPart(core, "joined", id, n, pattern(n, partSize(n)))
		if err != nil {
			t.Fatal(err)
		}
		parts[n] = p
	}
	list, err := core.ListObjectParts(t.Context(), "photos", "joined", id, 0, 100)
	if err != nil || len(list.ObjectParts) != 3 {
		t.Errorf("parts listed: %+v, %v", list.ObjectParts, err)
	}
	if _, err := core.CompleteMultipartUpload(t.Context(), "photos", "joined", id, []minio.CompletePart{parts[1], parts[2], parts[3]}, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := c.get("photos", "joined"); !bytes.Equal(got, wholeOf(3)) {
		t.Errorf("the joined parts are %d other bytes", len(got))
	}
	id, err = core.NewMultipartUpload(t.Context(), "photos", "given up", minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := putPart(core, "given up", id, 1, pattern(1, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := core.AbortMultipartUpload(t.Context(), "photos", "given up", id); err != nil {
		t.Fatal(err)
	}
	if _, err := core.ListObjectParts(t.Context(), "photos", "given up", id, 0, 100); minio.ToErrorResponse(err).Code != minio.NoSuchUpload {
		t.Errorf("the parts of an aborted upload: %v", err)
	}
	if got := c.keys("photos"); !slices.Equal(got, []string{"joined"}) {
		t.Errorf("keys are %q", got)
	}
}

// partSize is that of a part, which no two have alike; only the last may be small.
func partSize(n int) int { return 5<<20 + n*1000 }

// wholeOf is what the first so many parts are together.
func wholeOf(parts int) []byte {
	var b []byte
	for n := 1; n <= parts; n++ {
		b = append(b, pattern(n, partSize(n))...)
	}
	return b
}

func putPart(core minio.Core, key, id string, n int, content []byte) (minio.CompletePart, error) {
	p, err := core.PutObjectPart(context.Background(), "photos", key, id, n, bytes.NewReader(content), int64(len(content)), minio.PutObjectPartOptions{})
	return minio.CompletePart{PartNumber: n, ETag: p.ETag}, err
}
