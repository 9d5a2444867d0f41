package namespace_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

// chooseAll takes every part, and tells the object of them.
func chooseAll(parts map[int]namespace.UploadedPart) ([]int, *namespace.Object, error) {
	o := &namespace.Object{ETag: fmt.Sprintf("all-%d", len(parts))}
	var numbers []int
	for n := range parts {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		o.Parts = append(o.Parts, parts[n].Part)
	}
	return numbers, o, nil
}

// TestLargestUpload joins as many parts as S3 allows, each with the largest
// checksum and, but for a few bytes, a hole of 5 MiB: no record is too large, the
// object has the parts' bytes, and all goes with it.
func TestLargestUpload(t *testing.T) {
	store := memstore.New()
	s := begin(t, store, noHistory)
	hole, _, err := s.Door.Create(bg, s.Root, "hole", namespace.NewNode{Mode: 0o644}, namespace.OpenWrite)
	must(t, err)
	must(t, hole.Truncate(bg, 5*mib))
	must(t, hole.Close(bg))
	src, _, err := s.Door.OpenKey(bg, s.Root, "hole", "")
	must(t, err)
	u, err := s.Door.BeginUpload(bg, namespace.Upload{Bucket: s.Root, Key: "large"})
	must(t, err)
	for n := 1; n <= namespace.MaxParts; n++ {
		c := s.Door.NewContent(bg)
		_, err := c.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
		must(t, err)
		must(t, c.Clone(bg, src, 0, src.Size()))
		tag, sum := md5.Sum([]byte{byte(n)}), sha256.Sum256([]byte{byte(n)})
		_, err = s.Door.PutPart(bg, u, n, c, namespace.Part{
			ETag:      hex.EncodeToString(tag[:]),
			Checksums: map[string]string{"SHA256": base64.StdEncoding.EncodeToString(sum[:])},
		})
		must(t, err)
	}
	must(t, src.Close(bg))
	info, err := s.Door.CompleteUpload(bg, u, chooseAll, namespace.PutKey{})
	must(t, err)
	const part = 5*mib + 8
	if info.Attr.Size != namespace.MaxParts*part {
		t.Errorf("%d bytes, want %d", info.Attr.Size, namespace.MaxParts*part)
	}
	again, err := s.Volume.StatKey(bg, s.Root, "large", "")
	if err != nil || !reflect.DeepEqual(again.Object.Parts, info.Object.Parts) {
		t.Errorf("%d parts, %v", len(again.Object.Parts), err)
	}
	r, _, err := s.Door.OpenKey(bg, s.Root, "large", "")
	must(t, err)
	for _, n := range []int64{1, 2, 819, 820, 5000, namespace.MaxParts} {
		got := make([]byte, 16)
		_, err := r.ReadAt(bg, got, (n-1)*part)
		if want := binary.BigEndian.AppendUint64(nil, uint64(n)); err != nil || !bytes.Equal(got[:8], want) || !bytes.Equal(got[8:], make([]byte, 8)) {
			t.Errorf("part %d: %x, %v", n, got, err)
		}
	}
	must(t, r.Close(bg))
	_, err = s.Volume.Collect(bg, nil)
	must(t, errors.Join(err, s.Check()))
	must(t, s.Unlink("large"))
	must(t, s.Unlink("hole"))
	empty(t, store, s)
}

// TestListUploads lists uploads in the order of their keys, with every marker.
func TestListUploads(t *testing.T) {
	s := begin(t, memstore.New(), noHistory)
	var all []namespace.Upload
	for _, key := range []string{"a", "a\x00", "a\x00b", "a/b", "a/b", "aa", "b", "b"} {
		u, err := s.Door.BeginUpload(bg, namespace.Upload{Bucket: s.Root, Key: key, User: "me", Object: &namespace.Object{ETag: key}})
		must(t, err)
		all = append(all, u)
	}
	slices.SortStableFunc(all, func(a, b namespace.Upload) int {
		if a.Key == b.Key {
			return bytes.Compare([]byte(a.ID), []byte(b.ID))
		}
		return bytes.Compare([]byte(a.Key), []byte(b.Key))
	})
	for _, prefix := range []string{"", "a", "a\x00", "a/", "b", "c"} {
		for i := -1; i < len(all); i++ {
			for _, withID := range []bool{false, true} {
				listsUploads(t, s.Volume, s.Root, all, prefix, i, withID)
			}
		}
	}
}

func listsUploads(t *testing.T, v *namespace.Volume, bucket namespace.NodeID, all []namespace.Upload, prefix string, marker int, withID bool) {
	t.Helper()
	key, id := "", ""
	var want []namespace.Upload
	for i, u := range all {
		if len(u.Key) < len(prefix) || u.Key[:len(prefix)] != prefix {
			continue
		}
		if marker < 0 || withID && i > marker || u.Key > all[marker].Key {
			want = append(want, u)
		}
	}
	if marker >= 0 {
		if key = all[marker].Key; withID {
			id = all[marker].ID
		}
	}
	var got []namespace.Upload
	for u, err := range v.ListUploads(bg, bucket, prefix, key, id) {
		must(t, err)
		got = append(got, u)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("prefix %q, after %q %q: %v, want %v", prefix, key, id, got, want)
	}
}

// TestUploadsOfRemovedBucket: uploads are no objects, so the bucket can be
// removed, and they go with it.
func TestUploadsOfRemovedBucket(t *testing.T) {
	store := memstore.New()
	s := begin(t, store, noHistory)
	b, err := s.Volume.CreateBucket(bg, "uploads", namespace.NewNode{Mode: 0o755})
	must(t, err)
	var last namespace.Upload
	for range 3 {
		last, err = s.Door.BeginUpload(bg, namespace.Upload{Bucket: b.ID, Key: "k"})
		must(t, err)
		c := s.Door.NewContent(bg)
		_, err = c.Write(fill('x', 2*mib))
		must(t, err)
		_, err = s.Door.PutPart(bg, last, 1, c, namespace.Part{})
		must(t, err)
	}
	must(t, s.Volume.RemoveBucket(bg, "uploads"))
	if _, err := s.Door.CompleteUpload(bg, last, chooseAll, namespace.PutKey{}); err == nil {
		t.Error("an upload outlived its bucket")
	}
	if _, err := s.Door.BeginUpload(bg, namespace.Upload{Bucket: b.ID, Key: "k"}); !errors.Is(err, blockstore.NotFound) {
		t.Errorf("begun in a bucket that is gone: %v", err)
	}
	empty(t, store, s)
}
