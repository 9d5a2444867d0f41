package gatewaylite_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

// model is what a bucket should hold: bodies by key.
type model map[string]string

// alphabet makes keys that are a trial for a file system: what names a way up, is
// empty, is a directory and a file at once, or looks like an escape.
var alphabet = []string{"a", "b", ".", "..", "", "a b", "a+b", "%2F", "é", "a%", "-", "0", "~", "<&>", "\x01", "A", "dir", strings.Repeat("n", 300)}

func randomKey(rng *rand.Rand) string {
	parts := make([]string, 1+rng.IntN(4))
	for i := range parts {
		parts[i] = alphabet[rng.IntN(len(alphabet))]
	}
	key := strings.Join(parts, "/")
	if key == "" || len(key) > 1024 {
		return "a"
	}
	return key
}

// TestModel: after random operations through S3 under random keys, and through a mount
// under some of them, GET, HEAD and all ways of listing agree with a map.
func TestModel(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t)
			w.root.bucket("photos")
			rng, m, mount := rand.New(rand.NewPCG(seed, 1)), model{}, w.mount("photos")
			for range 200 {
				if rng.IntN(4) == 0 {
					mount.step(rng, m)
				} else {
					w.step(rng, m)
				}
			}
			w.compare(rng, m)
		})
	}
}

// mount is another door to the same bucket.
type mount struct {
	*world
	*namespace.Door
	root namespace.NodeID
}

func (w *world) mount(bucket string) mount {
	w.t.Helper()
	b, err := w.vol.Bucket(w.t.Context(), bucket)
	if err != nil {
		w.t.Fatal(err)
	}
	return mount{w, w.vol.Door("mount"), b.ID}
}

// step changes what has a plain name in the bucket's directory, where a directory
// hides a file of the same name.
func (d mount) step(rng *rand.Rand, m model) {
	ctx, name := d.t.Context(), []string{"a", "b", "0", "A"}[rng.IntN(4)]
	isDir := slices.ContainsFunc(slices.Collect(maps.Keys(m)), func(key string) bool { return strings.HasPrefix(key, name+"/") })
	_, there := m[name]
	var want blockstore.Kind
	var err error
	if rng.IntN(2) == 0 {
		body := fmt.Sprint("of the mount ", rng.IntN(1000))
		c := d.NewContent(ctx)
		if _, err := c.Write([]byte(body)); err != nil {
			d.t.Fatal(err)
		}
		_, err = d.Publish(ctx, d.root, name, c, namespace.Publish{New: namespace.NewNode{Mode: 0o600}})
		if isDir {
			want = blockstore.IsDirectory
			_ = c.Abort(ctx)
		} else {
			m[name] = body
		}
	} else {
		err = d.Unlink(ctx, d.root, name)
		switch {
		case isDir:
			want = blockstore.IsDirectory
		case !there:
			want = blockstore.NotFound
		default:
			delete(m, name)
		}
	}
	if blockstore.KindOf(err) != want {
		d.t.Errorf("the mount does something to %q: %v, want %v", name, err, want)
	}
}

// path is the key in percent form, strictly.
func path(bucket, key string) string {
	return "/" + bucket + "/" + strings.ReplaceAll(url.QueryEscape(key), "+", "%20")
}

func (w *world) step(rng *rand.Rand, m model) {
	t := w.t
	key := randomKey(rng)
	if len(m) > 0 && rng.IntN(2) == 0 {
		keys := slices.Sorted(maps.Keys(m))
		key = keys[rng.IntN(len(keys))]
	}
	switch rng.IntN(6) {
	case 0, 1, 2:
		body := fmt.Sprint("body ", rng.IntN(1000))
		if rng.IntN(5) == 0 {
			body = ""
		}
		w.root.do("PUT", path("photos", key), body).want(t, 200, "")
		m[key] = body
	case 3:
		w.root.do("DELETE", path("photos", key), "").want(t, 204, "")
		delete(m, key)
	case 4:
		to := randomKey(rng)
		source := strings.TrimPrefix(path("photos", key), "/")
		p := w.root.do("PUT", path("photos", to), "", "X-Amz-Copy-Source", source)
		body, ok := m[key]
		switch {
		case !ok:
			p.want(t, 404, "NoSuchKey")
		case to == key:
			p.want(t, 400, "InvalidRequest")
		default:
			p.want(t, 200, "<CopyObjectResult")
			m[to] = body
		}
	case 5:
		w.get(key, m)
	}
}

// get compares GET and HEAD of a key with the model.
func (w *world) get(key string, m model) (etag string) {
	t := w.t
	body, ok := m[key]
	if !ok {
		w.root.do("GET", path("photos", key), "").want(t, 404, "NoSuchKey")
		w.root.do("HEAD", path("photos", key), "").want(t, 404, "")
		return ""
	}
	p := w.root.do("GET", path("photos", key), "").want(t, 200, "")
	if p.body != body {
		t.Errorf("%q holds %q, want %q", key, p.body, body)
	}
	h := w.root.do("HEAD", path("photos", key), "").want(t, 200, "")
	h.headers(t, "ETag", p.Header.Get("ETag"), "Content-Length", fmt.Sprint(len(body)), "Last-Modified", p.Header.Get("Last-Modified"))
	return strings.Trim(p.Header.Get("ETag"), `"`)
}

func (w *world) compare(rng *rand.Rand, m model) {
	t := w.t
	keys := slices.Sorted(maps.Keys(m))
	etags := make(map[string]string)
	for _, key := range keys {
		etags[key] = w.get(key, m)
	}
	for _, o := range w.list(minio.ListObjectsOptions{Recursive: true, MaxKeys: 7}) {
		if o.ETag != etags[o.Key] || o.Size != int64(len(m[o.Key])) {
			t.Errorf("%q is listed as %s of %d bytes", o.Key, o.ETag, o.Size)
		}
	}
	for range 30 {
		w.compareList(rng, keys)
	}
}

// compareList lists with random parameters, page by page.
func (w *world) compareList(rng *rand.Rand, keys []string) {
	o := minio.ListObjectsOptions{
		Recursive: rng.IntN(2) == 0, MaxKeys: 1 + rng.IntN(5), UseV1: rng.IntN(2) == 0,
	}
	if rng.IntN(2) == 0 && len(keys) > 0 {
		key := keys[rng.IntN(len(keys))]
		o.Prefix = strings.ToValidUTF8(key[:rng.IntN(len(key)+1)], "")
	}
	var want []string
	for _, key := range keys {
		rest, ok := strings.CutPrefix(key, o.Prefix)
		if i := strings.Index(rest, "/"); ok && i >= 0 && !o.Recursive {
			key = o.Prefix + rest[:i+1]
		}
		if ok && !slices.Contains(want, key) {
			want = append(want, key)
		}
	}
	var got []string
	for _, e := range w.list(o) {
		got = append(got, e.Key)
	}
	slices.Sort(got) // keys come before prefixes in a page
	if !slices.Equal(got, want) {
		w.t.Errorf("list %+v: got %q, want %q", o, got, want)
	}
}

func (w *world) list(o minio.ListObjectsOptions) []minio.ObjectInfo {
	var all []minio.ObjectInfo
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	for e := range w.root.ListObjects(ctx, "photos", o) {
		if e.Err != nil {
			w.t.Fatalf("list %+v: %v", o, e.Err)
		}
		all = append(all, e)
	}
	return all
}
