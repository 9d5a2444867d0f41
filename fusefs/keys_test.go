package fusefs_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// keyDoor is what the S3 side of a door does.
type keyDoor interface {
	NewContent(ctx context.Context) *namespace.Content
	PutKey(ctx context.Context, bucket namespace.NodeID, key string, c *namespace.Content, p namespace.PutKey) (namespace.ObjectInfo, error)
}

// A file and a directory of one name, which only S3 makes, show under two names,
// and the kernel hears when one of the names comes to show the other, even by
// what it did itself.
func TestFileBesideDirectory(t *testing.T) {
	w := newVolume(t)
	dir, s3 := w.mount(t), w.door().(keyDoor)
	put := func(key string) {
		t.Helper()
		c := s3.NewContent(t.Context())
		_, err := io.WriteString(c, key)
		must(t, err)
		_, err = s3.PutKey(t.Context(), w.root, key, c, namespace.PutKey{})
		must(t, err)
	}
	shows := func(what string, want ...string) {
		t.Helper()
		eventually(t, what, func() bool {
			var got []string
			entries, err := os.ReadDir(dir)
			must(t, err)
			for _, e := range entries {
				if _, err := e.Info(); err == nil {
					got = append(got, e.Name())
				}
			}
			return slices.Equal(got, want)
		})
	}
	reads := func(name, want string) {
		t.Helper()
		eventually(t, name, func() bool {
			got, err := os.ReadFile(dir + "/" + name)
			return err == nil && string(got) == want
		})
	}
	put("a")
	reads("a", "a")
	put("a/b")
	reads("a/b", "a/b")
	reads(".s3-file=a", "a")
	put("../\x00")
	reads(".s3-name=../.s3-name=%00", "../\x00")
	shows("both", ".s3-file=a", ".s3-name=..", "a")
	must(t, os.RemoveAll(dir+"/a"))
	reads("a", "a")
	shows("the file alone", ".s3-name=..", "a")
	// Who listed it while the directory was there goes on with the name that it had.
	must(t, os.Remove(dir+"/.s3-file=a"))
	eventually(t, "the removal", func() bool {
		_, err := os.Lstat(dir + "/a")
		return errors.Is(err, fs.ErrNotExist)
	})
	if err := os.WriteFile(dir+"/.s3-file=a", nil, 0o600); err == nil {
		t.Error("a name is made that would not be shown")
	}
}
