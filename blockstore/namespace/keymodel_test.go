package namespace_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

// keyModel is a bucket as S3 has it: a flat map of keys. What a mount does to
// its tree is told in keys, too.
type keyModel map[string]modelObject

type modelObject struct {
	body string
	meta string
	kind namespace.Kind // Dir: an explicit directory
}

// components are names that are hard for one door or the other.
var components = []string{
	"", ".", "..", "a", "b", "a-", "a.", "a0", "a!", "A", "é", "%", "%00", "\x00", "a\x00b", "~", "\xff", "\xffz",
	".s3-", ".s3-name=", ".s3-name=a", ".s3-file=a", ".s3-long=a~b", "..s3", "a\n",
	strings.Repeat("n", 246), strings.Repeat("n", 247), strings.Repeat("n", 255), strings.Repeat("n", 256),
	strings.Repeat("%", 90), strings.Repeat("é", 130), strings.Repeat("\x00", 100), strings.Repeat("n", 300) + "~",
}

func anyComponent(rng *rand.Rand) string {
	if rng.IntN(3) == 0 {
		return components[rng.IntN(len(components))]
	}
	return components[3+rng.IntN(6)]
}

// anyKey is a key of up to four components.
func anyKey(rng *rand.Rand) string {
	for {
		parts := []string{anyComponent(rng)}
		for rng.IntN(2) == 0 && len(parts) < 4 {
			parts = append(parts, anyComponent(rng))
		}
		if key := strings.Join(parts, "/"); key != "" && len(key) <= namespace.MaxObjectKey {
			return key
		}
	}
}

// split is the path of a key's directory, and its last component.
func split(key string) (dir, name string) {
	i := strings.LastIndexByte(key, '/') + 1
	return key[:i], key[i:]
}

// splitDir is split for the path of a directory.
func splitDir(path string) (parent, name string) { return split(strings.TrimSuffix(path, "/")) }

// isDir says whether there is a directory with the path; "" is the bucket.
func (m keyModel) isDir(path string) bool {
	for key := range m {
		if strings.HasPrefix(key, path) {
			return true
		}
	}
	return path == ""
}

// file says whether the key is in a file slot.
func (m keyModel) file(key string) bool {
	o, ok := m[key]
	return ok && o.kind != namespace.Dir
}

// claim: a mount changed an entry of the directory.
func (m keyModel) claim(path string) {
	if _, ok := m[path]; !ok && path != "" {
		m[path] = modelObject{kind: namespace.Dir}
	}
}

// keys are all, in order.
func (m keyModel) keys() []string { return slices.Sorted(maps.Keys(m)) }

// dirs are the paths of all directories, in order.
func (m keyModel) dirs() []string {
	paths := map[string]bool{"": true}
	for key := range m {
		for i := range len(key) {
			if key[i] == '/' {
				paths[key[:i+1]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(paths))
}

// shows are the names that a directory shows, with what they lead to.
func (m keyModel) shows(path string) map[string]namespace.Kind {
	names := make(map[string]namespace.Kind)
	for key, o := range m {
		rest, ok := strings.CutPrefix(key, path)
		if !ok || rest == "" && o.kind == namespace.Dir {
			continue
		}
		if name, _, below := strings.Cut(rest, "/"); below {
			names[namespace.PosixName(name, false)] = namespace.Dir
		} else {
			names[namespace.PosixName(name, m.isDir(key+"/"))] = o.kind
		}
	}
	return names
}

// list is what ListKeys must yield; common prefixes begin with a NUL and "p".
func (m keyModel) list(o namespace.ListKeys) []string {
	var out []string
	rolled := ""
	for _, key := range m.keys() {
		rest, ok := strings.CutPrefix(key, o.Prefix)
		if !ok || key <= o.After {
			continue
		}
		i := strings.Index(rest, o.Delimiter)
		if o.Delimiter == "" || i < 0 {
			out = append(out, "k"+key)
			continue
		}
		if common := key[:len(o.Prefix)+i+len(o.Delimiter)]; common != rolled && common != o.After {
			rolled = common
			out = append(out, "p"+common)
		}
	}
	return out
}

// The changes of a mount: each returns the kind of error that the door must
// return, after which nothing is changed.

const fine = blockstore.Kind(255)

// unmakeable says whether a mount can't make anything under the name: it is
// shown cut, and nothing is there that it would lead to.
func (m keyModel) unmakeable(dir, name string) bool {
	cut := strings.HasPrefix(namespace.PosixName(name, m.isDir(dir+name+"/")), ".s3-long")
	return cut && !m.file(dir+name) && !m.isDir(dir+name+"/")
}

func (m keyModel) create(dir, name string, o modelObject) blockstore.Kind {
	switch {
	case m.unmakeable(dir, name), dir+name == "":
		return blockstore.Invalid
	case m.file(dir + name):
		return blockstore.Exists
	}
	m[dir+name] = o
	m.claim(dir)
	return fine
}

func (m keyModel) mkdir(dir, name string) blockstore.Kind {
	switch {
	case m.unmakeable(dir, name):
		return blockstore.Invalid
	case m.file(dir + name), m.isDir(dir + name + "/"):
		return blockstore.Exists
	}
	m.claim(dir + name + "/")
	m.claim(dir)
	return fine
}

func (m keyModel) unlink(key string) {
	delete(m, key)
	dir, _ := split(key)
	m.claim(dir)
}

func (m keyModel) rmdir(path string) blockstore.Kind {
	if len(m.shows(path)) > 0 {
		return blockstore.NotEmpty
	}
	delete(m, path)
	dir, _ := splitDir(path)
	m.claim(dir)
	return fine
}

func (m keyModel) renameFile(key, dir, name string) blockstore.Kind {
	switch {
	case m.unmakeable(dir, name), dir+name == "":
		return blockstore.Invalid
	case key == dir+name:
		return fine
	}
	m[dir+name] = m[key]
	delete(m, key)
	from, _ := split(key)
	m.claim(from)
	m.claim(dir)
	return fine
}

func (m keyModel) renameDir(path, dir, name string) blockstore.Kind {
	to := dir + name + "/"
	switch {
	case m.unmakeable(dir, name):
		return blockstore.Invalid
	case to == path:
		return fine
	case strings.HasPrefix(dir, path):
		return blockstore.Invalid
	case m.file(dir+name) && !m.isDir(to):
		return blockstore.NotDirectory
	case len(m.shows(to)) > 0:
		return blockstore.NotEmpty
	}
	for _, key := range m.keys() {
		if rest, ok := strings.CutPrefix(key, path); ok {
			m[to+rest] = m[key]
			delete(m, key)
		}
	}
	m.claim(to)
	from, _ := splitDir(path)
	m.claim(from)
	m.claim(dir)
	return fine
}
