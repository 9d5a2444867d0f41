package integration

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/cairnfs/cairn/integration/testenv"
)

// TestShared: a mount, a gateway and commands on one store, each a process of its own;
// whoever comes first has the store, and serves it to the others.
func TestShared(t *testing.T) {
	for _, first := range []string{"mount", "gateway"} {
		t.Run(first+" first", func(t *testing.T) {
			e := testenv.New(t)
			e.Must("bucket", "create", "photos")
			m, g := mountAndGateway(e, first == "mount")
			c := s3(t, g, 0)
			seenOnMount(t, c, m)
			seenInS3(t, c, m)
			if list := e.Must("bucket", "list"); !strings.Contains(list, "photos") {
				t.Errorf("bucket list says %q", list)
			}
			unlinkedByS3(t, c, m)
			overwrittenByS3(t, c, m)
		})
	}
}

// mountAndGateway starts both; the first of them owns the store.
func mountAndGateway(e *testenv.Env, mountFirst bool) (*testenv.Mount, *testenv.Gateway) {
	if mountFirst {
		m := e.Mount("photos")
		return m, e.Gateway()
	}
	g := e.Gateway()
	return e.Mount("photos"), g
}

// seenOnMount overwrites by S3 what the kernel has in its caches: attributes, names,
// pages, and that there is no such name.
func seenOnMount(t *testing.T, c *client, m *testenv.Mount) {
	path, other := filepath.Join(m.Dir, "warm"), filepath.Join(m.Dir, "other")
	var slowest time.Duration
	for v := range 20 {
		want := pattern(v, 100_000+v)
		c.put("photos", "warm", want)
		slowest = max(slowest, until(t, "the mount to show an S3 PUT", func() bool {
			info, err := os.Stat(path)
			return err == nil && info.Size() == int64(len(want)) && bytes.Equal(read(t, path), want)
		}))
		read(t, path) // once more, so that everything is warm
		if _, err := os.Stat(other); !os.IsNotExist(err) {
			t.Fatalf("the other file before it is there: %v", err)
		}
		c.put("photos", "other", nil)
		slowest = max(slowest, until(t, "the mount to show a new name", func() bool { _, err := os.Stat(other); return err == nil }))
		c.remove("photos", "other")
		slowest = max(slowest, until(t, "the mount to miss a removed name", func() bool { _, err := os.Stat(other); return err != nil }))
	}
	t.Logf("S3 to mount: at most %v", slowest)
}

// seenInS3 does the same the other way round.
func seenInS3(t *testing.T, c *client, m *testenv.Mount) {
	path := filepath.Join(m.Dir, "written")
	var slowest time.Duration
	for v := range 20 {
		want := pattern(v, 100_000+v)
		write(t, path, want)
		slowest = max(slowest, until(t, "S3 to show what the mount wrote", func() bool {
			got, err := c.tryGet("photos", "written")
			return err == nil && bytes.Equal(got, want)
		}))
		if err := os.Rename(path, path+".old"); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, until(t, "S3 to show a rename", func() bool {
			_, err := c.tryGet("photos", "written")
			got, _ := c.tryGet("photos", "written.old")
			return noSuchKey(err) && bytes.Equal(got, want)
		}))
	}
	t.Logf("mount to S3: at most %v", slowest)
}

// until waits, and says how long that took.
func until(t *testing.T, what string, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	testenv.Await(t, what, holds)
	return time.Since(began)
}

// unlinkedByS3: an open file that another process removes keeps reading and writing.
func unlinkedByS3(t *testing.T, c *client, m *testenv.Mount) {
	want := pattern(1, 3<<20)
	c.put("photos", "open", want)
	f, err := os.OpenFile(filepath.Join(m.Dir, "open"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c.remove("photos", "open")
	got := make([]byte, len(want))
	if _, err := f.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the removed file that is open reads other bytes: %v", err)
	}
	if _, err := f.WriteAt(pattern(2, 1000), 0); err != nil {
		t.Errorf("writing the removed file: %v", err)
	}
	if _, err := f.ReadAt(got[:1000], 0); err != nil || !bytes.Equal(got[:1000], pattern(2, 1000)) {
		t.Errorf("what was written to the removed file is not there: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.tryGet("photos", "open"); !noSuchKey(err) {
		t.Errorf("the removed file is there again: %v", err)
	}
}

// overwrittenByS3: an open file keeps its content, and a new open has the new one.
func overwrittenByS3(t *testing.T, c *client, m *testenv.Mount) {
	was, is := pattern(1, 300_000), pattern(2, 200_000)
	c.put("photos", "open", was)
	f, err := os.Open(filepath.Join(m.Dir, "open"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c.put("photos", "open", is)
	got := make([]byte, len(was))
	if _, err := f.ReadAt(got, 0); err != nil || !bytes.Equal(got, was) {
		t.Errorf("the open file has another content after an overwrite: %v", err)
	}
	until(t, "a new open to see the new content", func() bool { return bytes.Equal(read(t, f.Name()), is) })
}

// TestSettingsHeard: what a command sets, the processes that run obey.
func TestSettingsHeard(t *testing.T) {
	e := testenv.New(t)
	e.Must("bucket", "create", "photos")
	m, g := mountAndGateway(e, true)
	c := s3(t, g, 0)
	e.Must("config", "set", "history-time", "0s")
	if got := e.Must("config", "get", "history-time"); got != "0s\n" {
		t.Errorf("history-time is %q", got)
	}
	e.Must("config", "set", "block-size", "256K")
	write(t, filepath.Join(m.Dir, "one"), pattern(1, 2<<20))
	if got := c.get("photos", "one"); !bytes.Equal(got, pattern(1, 2<<20)) {
		t.Error("the file reads other bytes")
	}
	e.Must("user", "add", "anna", "--access-key", "ANNAS", "--secret-key", "annas-secret")
	anna := withKeys(t, g, "ANNAS", "annas-secret", 1)
	if err := anna.MakeBucket(t.Context(), "annas-bucket", minio.MakeBucketOptions{}); err != nil {
		t.Errorf("a user that was just added: %v", err)
	}
	e.Must("user", "disable", "anna")
	until(t, "the gateway to refuse a disabled user", func() bool {
		_, err := anna.ListBuckets(t.Context())
		return err != nil
	})
}
