package integration

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/cairnfs/cairn/integration/testenv"
)

// model is what the bucket holds: content by key. An explicit directory is a key that
// ends in "/", and empty.
type model map[string]string

// modelled is a bucket in both doors, which are two processes, beside its model.
type modelled struct {
	t      *testing.T
	c      *client
	m      *testenv.Mount
	random *rand.Rand
	model  model
	serial int
}

// TestModel does random operations through S3 and through the mount, on keys that are
// a trial for a file system. HEAD, GET and LIST always agree with the model, and so
// does what the mount shows.
func TestModel(t *testing.T) {
	e := testenv.New(t)
	e.Must("bucket", "create", "photos")
	m, g := mountAndGateway(e, rand.IntN(2) == 0)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := &modelled{t: t, c: s3(t, g, 0), m: m, random: rand.New(rand.NewPCG(seed, 0)), model: model{}}
	for range modelSteps / modelBatch {
		w.batch(w.s3Step)
		w.batch(w.mountStep)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d keys at the end", len(w.model))
}

const modelBatch = 12

// batch does some operations through one door, and compares in both.
func (w *modelled) batch(step func()) {
	for range modelBatch {
		step()
	}
	var problem string
	until(w.t, "the mount to agree", func() bool { problem = w.mountDiffers(); return problem == "" || w.t.Failed() })
	w.compareS3()
}

// components make keys: what names a way up, is nothing, can't be shown, is too long,
// or looks like an escape.
var components = []string{
	"a", "b", "a-", "a.", "a0", ".", "..", "", "a b", "a+b", "%2F", "%00", "é", "日本", "~", "<&>", "\x01", "nul\x00",
	".s3-name=a", ".s3-file=a", strings.Repeat("n", 300), strings.Repeat("ü", 150), "c", "d",
}

func (w *modelled) randomKey() string {
	if len(w.model) > 0 && w.random.IntN(2) == 0 {
		keys := slices.Sorted(maps.Keys(w.model))
		return keys[w.random.IntN(len(keys))]
	}
	parts := make([]string, 1+w.random.IntN(3))
	for i := range parts {
		parts[i] = components[w.random.IntN(len(components))]
	}
	key := strings.Join(parts, "/")
	if key == "" {
		return "a"
	}
	return key
}

// content is never the same twice.
func (w *modelled) content() string {
	w.serial++
	return fmt.Sprintf("content %d %s", w.serial, strings.Repeat("x", w.random.IntN(1+w.random.IntN(100_000))))
}

func (w *modelled) s3Step() {
	key := w.randomKey()
	switch w.random.IntN(7) {
	case 0, 1, 2:
		body := w.content()
		if strings.HasSuffix(key, "/") {
			body = ""
		}
		w.c.put("photos", key, []byte(body))
		w.model[key] = body
	case 3, 4:
		w.c.remove("photos", key)
		delete(w.model, key)
	case 5:
		w.copy(key)
	case 6:
		w.get(key)
	}
}

func (w *modelled) copy(key string) {
	to := w.randomKey()
	body, ok := w.model[key]
	if to == key || strings.HasSuffix(to, "/") && body != "" {
		return
	}
	_, err := w.c.CopyObject(w.t.Context(), minio.CopyDestOptions{Bucket: "photos", Object: to}, minio.CopySrcOptions{Bucket: "photos", Object: key})
	if ok != (err == nil) {
		w.t.Errorf("copy %q to %q: %v", key, to, err)
	}
	if ok {
		w.model[to] = body
	}
}

// get compares GET and HEAD of a key with each other and the model.
func (w *modelled) get(key string) minio.ObjectInfo {
	w.t.Helper()
	want, ok := w.model[key]
	head, headErr := w.c.StatObject(w.t.Context(), "photos", key, minio.StatObjectOptions{})
	o, err := w.c.GetObject(w.t.Context(), "photos", key, minio.GetObjectOptions{})
	if err != nil {
		w.t.Errorf("get %q: %v", key, err)
		return head
	}
	defer o.Close()
	var got bytes.Buffer
	_, err = got.ReadFrom(o)
	if !ok {
		if !noSuchKey(err) || !noSuchKey(headErr) {
			w.t.Errorf("%q should not be there: GET %v, HEAD %v", key, err, headErr)
		}
		return head
	}
	info, statErr := o.Stat()
	if err != nil || headErr != nil || statErr != nil || got.String() != want {
		w.t.Errorf("%q has %d bytes (%v, %v, %v), want %d", key, got.Len(), err, headErr, statErr, len(want))
	}
	if head.ETag != info.ETag || head.Size != int64(len(want)) || !head.LastModified.Equal(info.LastModified) {
		w.t.Errorf("%q: HEAD says %s %d %v, and GET %s %d %v", key, head.ETag, head.Size, head.LastModified, info.ETag, info.Size, info.LastModified)
	}
	return head
}

// compareS3 holds LIST, HEAD and GET to the model and to each other.
func (w *modelled) compareS3() {
	w.t.Helper()
	want := slices.Sorted(maps.Keys(w.model))
	var keys []string
	for o := range w.c.ListObjects(w.t.Context(), "photos", minio.ListObjectsOptions{Recursive: true, MaxKeys: 1 + w.random.IntN(100)}) {
		keys = append(keys, o.Key)
		if o.Err != nil {
			w.t.Fatal(o.Err)
		}
		if head := w.get(o.Key); head.ETag != o.ETag || head.Size != o.Size || !head.LastModified.Equal(o.LastModified.Truncate(1e9)) {
			w.t.Errorf("%q: LIST says %s %d %v, and HEAD %s %d %v", o.Key, o.ETag, o.Size, o.LastModified, head.ETag, head.Size, head.LastModified)
		}
	}
	if !slices.Equal(keys, want) {
		w.t.Errorf("keys are\n%s\nwant\n%s", abridged(keys), abridged(want))
	}
}

// abridged is a list of keys that can be read.
func abridged(keys []string) string {
	var b strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&b, "  %.80q\n", key)
	}
	return b.String()
}

// mountDiffers walks the mount, and says what is not as in the model. What can't be
// shown has another name there, but nothing is lost and nothing is there twice.
func (w *modelled) mountDiffers() string {
	var got, want []string
	dirs, wantDirs := 0, make(map[string]bool)
	err := filepath.WalkDir(w.m.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			dirs++
			return nil
		}
		content, err := os.ReadFile(path)
		got = append(got, string(content))
		return err
	})
	if err != nil {
		return err.Error()
	}
	for key, content := range w.model {
		if !strings.HasSuffix(key, "/") {
			want = append(want, content)
		}
		for i := range key {
			if key[i] == '/' {
				wantDirs[key[:i]] = true
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || dirs != len(wantDirs)+1 {
		return fmt.Sprintf("the mount has %d files in %d directories, want %d in %d", len(got), dirs, len(want), len(wantDirs)+1)
	}
	return ""
}
