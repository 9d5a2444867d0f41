package integration

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cairnfs/cairn"

// arrows is what each package may import of the module, tests aside; a name stands
// for the packages below it too.
var arrows = map[string][]string{
	"blockstore":                         {},
	"blockstore/blockstoretest":          {"blockstore"},
	"blockstore/memstore":                {"blockstore"},
	"blockstore/faultstore":              {"blockstore"},
	"blockstore/embedded":                {"blockstore"},
	"blockstore/embedded/share":          {"blockstore", "blockstore/embedded"},
	"blockstore/namespace":               {"blockstore"},
	"blockstore/namespace/namespacetest": {"blockstore", "blockstore/namespace"},
	"cache":                              {"blockstore"},
	"fusefs":                             {"blockstore", "blockstore/namespace"},
	"fusefs/ceiling":                     {"blockstore", "blockstore/namespace", "fusefs"},
	"gatewaylite":                        {"blockstore", "blockstore/namespace", "gatewaylite/access", "gatewaylite/auth", "gatewaylite/checksum", "gatewaylite/s3err"},
	"gatewaylite/access":                 {"gatewaylite/s3err"},
	"gatewaylite/auth":                   {"gatewaylite/s3err", "gatewaylite/checksum"},
	"gatewaylite/ceiling":                {"gatewaylite/auth", "gatewaylite/s3err"},
	"gatewaylite/checksum":               {"gatewaylite/s3err"},
	"gatewaylite/s3err":                  {},
	"cmd/cairn":                          {"blockstore", "blockstore/namespace", "blockstore/embedded", "blockstore/embedded/share", "cache", "fusefs", "gatewaylite"},
	"integration":                        {},
	"integration/testenv":                {},
	"integration/bench":                  {"fusefs", "fusefs/ceiling", "gatewaylite/ceiling"},
}

// alone names the libraries that one package alone may import.
var alone = map[string]string{
	"bazil.org/fuse":                "fusefs",
	"github.com/cockroachdb/pebble": "blockstore/embedded",
	"github.com/fsnotify/fsnotify":  "syncd",
	"github.com/spf13/cobra":        "cmd/cairn",
}

type goPackage struct {
	ImportPath, Dir, Name string
	GoFiles, Imports      []string
}

// packages are those of the module.
func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Name,GoFiles,Imports", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// within says whether a path is that of a package or below it.
func within(path, pkg string) bool { return path == pkg || strings.HasPrefix(path, pkg+"/") }

// TestArrows holds the packages to the borders of the design.
func TestArrows(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		allowed, known := arrows[name]
		if !known {
			t.Errorf("package %s is not in the table of arrows", name)
		}
		for _, path := range p.Imports {
			inner, ours := strings.CutPrefix(path, module+"/")
			if ours && !slices.Contains(allowed, inner) {
				t.Errorf("%s imports %s", name, inner)
			}
			checkLibrary(t, name, path)
		}
	}
}

func checkLibrary(t *testing.T, name, path string) {
	t.Helper()
	std := !strings.Contains(strings.SplitN(path, "/", 2)[0], ".")
	if name == "blockstore" && !std {
		t.Errorf("blockstore imports %s, and may import the standard library only", path)
	}
	for library, owner := range alone {
		if within(path, library) && !within(name, owner) {
			t.Errorf("%s imports %s, which is for %s alone", name, path, owner)
		}
	}
}

// TestPackageComments: each package says what lives in it.
func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) == 0 {
			continue
		}
		text := packageComment(t, p)
		if len(text) < 100 {
			t.Errorf("package %s: its comment must say what lives there, and what may not: %q", p.ImportPath, text)
		}
	}
}

func packageComment(t *testing.T, p goPackage) string {
	t.Helper()
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if f.Doc != nil {
			return f.Doc.Text()
		}
	}
	return ""
}

// TestTopLevel: the tree is the one that the README shows.
func TestTopLevel(t *testing.T) {
	folders := []string{"blockstore", "cache", "cmd", "fusefs", "gatewaylite", "integration", "syncd"}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && e.Name()[0] != '.' && e.Name() != "bin" && !slices.Contains(folders, e.Name()) {
			t.Errorf("folder %s is not one of the design", e.Name())
		}
	}
}
