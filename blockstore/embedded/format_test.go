package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
)

// TestRefusals opens what is no store that this binary may use. Each refusal is
// one line with the directory in it.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		setUp  func(t *testing.T, dir string)
		create bool
		want   blockstore.Kind
	}{
		{"absent", func(*testing.T, string) {}, false, blockstore.NotFound},
		{"foreign", func(t *testing.T, dir string) { writeText(t, dir, "holiday.jpg", "") }, true, blockstore.NotEmpty},
		{"newer", func(t *testing.T, dir string) {
			writeText(t, dir, formatName, fmt.Sprintf("%s %d\nunknown\n", formatHead, formatVersion+1))
		}, true, blockstore.NewerFormat},
		{"garbage", func(t *testing.T, dir string) { writeText(t, dir, formatName, "cairn?") }, true, blockstore.Corrupt},
		{"locked", func(t *testing.T, dir string) { openServed(t, dir, Options{}) }, true, blockstore.Locked},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			c.setUp(t, dir)
			s, err := Open(dir, Options{Create: c.create})
			if s != nil || !errors.Is(err, c.want) || blockstore.KindOf(err) != c.want {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, dir) {
				t.Fatalf("%q", text)
			}
			if c.want == blockstore.Locked && !strings.Contains(err.Error(), fmt.Sprintf("process %d: %s", os.Getpid(), os.Args[0])) {
				t.Fatalf("%q does not say by whom", err)
			}
		})
	}
}

func writeText(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestUnfinishedFormat opens what a format leaves that was interrupted at any step.
func TestUnfinishedFormat(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{formatName, recordsName, segmentsName} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, formatName)); err != nil {
			t.Fatal(err)
		}
		if s, err = Open(dir, Options{Create: true}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
