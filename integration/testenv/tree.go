package testenv

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Tree is what a directory holds: for each path below it a line with
// everything about it that must not change.
type Tree map[string]string

// Snapshot reads a whole directory.
func Snapshot(t testing.TB, dir string) Tree {
	t.Helper()
	tree := make(Tree)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		tree[name], err = describe(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func describe(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	st := info.Sys().(*syscall.Stat_t)
	line := fmt.Sprintf("%v %d:%d links %d mtime %d", info.Mode(), st.Uid, st.Gid, st.Nlink, info.ModTime().UnixNano())
	switch {
	case info.Mode().IsRegular():
		sum, err := Sum(path)
		return fmt.Sprintf("%s size %d %s", line, info.Size(), sum), err
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		return line + " to " + target, err
	}
	return line, nil
}

// Sum is the SHA-256 of a file.
func Sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

// Same fails the test for what differs.
func (a Tree) Same(t testing.TB, b Tree) {
	t.Helper()
	if maps.Equal(a, b) {
		return
	}
	for path, was := range a {
		if is := b[path]; is != was {
			t.Errorf("%s was\n\t%s\nand is\n\t%s", path, was, is)
		}
	}
	for path, is := range b {
		if _, ok := a[path]; !ok {
			t.Errorf("%s was not there, and is\n\t%s", path, is)
		}
	}
}
