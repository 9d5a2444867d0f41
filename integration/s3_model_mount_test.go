package integration

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The half of the model test that works through the mount. It makes and changes what
// has plain names, and removes whatever there is.

// plain are names that the mount shows as they are.
var plain = []string{"a", "b", "c", "d", "é", "a b"}

func (w *modelled) randomPath() string {
	parts := make([]string, 1+w.random.IntN(3))
	for i := range parts {
		parts[i] = plain[w.random.IntN(len(plain))]
	}
	return strings.Join(parts, "/")
}

func (w *modelled) mountStep() {
	p := w.randomPath()
	switch w.random.IntN(8) {
	case 0, 1, 2:
		w.writeFile(p)
	case 3:
		w.appendFile(p)
	case 4, 5:
		w.removeAll(p)
	case 6, 7:
		w.rename(p, w.randomPath())
	}
}

func (w *modelled) at(p string) string { return filepath.Join(w.m.Dir, p) }

// below are the keys in a directory, its own included.
func (m model) below(dir string) []string {
	var keys []string
	for key := range maps.Keys(m) {
		if dir == "" || dir == "." || strings.HasPrefix(key, dir+"/") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (m model) isDir(dir string) bool { return dir == "." || len(m.below(dir)) > 0 }

func (m model) isFile(p string) bool { _, ok := m[p]; return ok && !m.isDir(p) }

// touch makes a directory explicit: a mount changed it.
func (m model) touch(dir string) {
	if dir != "." {
		m[dir+"/"] = ""
	}
}

// mkdirs makes the parents of a path, unless a file is in the way.
func (w *modelled) mkdirs(p string) bool {
	dir := path.Dir(p)
	if dir == "." {
		return true
	}
	parts := strings.Split(dir, "/")
	for i := range parts {
		above := strings.Join(parts[:i+1], "/")
		if w.model.isFile(above) {
			return false
		}
		if w.model.isDir(above) {
			continue
		}
		w.ok(os.Mkdir(w.at(above), 0o755))
		w.model.touch(above)
		w.model.touch(path.Dir(above))
	}
	return true
}

func (w *modelled) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
	}
}

func (w *modelled) writeFile(p string) {
	if w.model.isDir(p) || !w.mkdirs(p) {
		return
	}
	_, was := w.model[p]
	content := w.content()
	w.ok(os.WriteFile(w.at(p), []byte(content), 0o644))
	w.model[p] = content
	if !was {
		w.model.touch(path.Dir(p))
	}
}

func (w *modelled) appendFile(p string) {
	if !w.model.isFile(p) {
		return
	}
	f, err := os.OpenFile(w.at(p), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		w.t.Error(err)
		return
	}
	more := w.content()
	_, err = f.WriteString(more)
	w.ok(err)
	w.ok(f.Close())
	w.model[p] += more
}

// removeAll removes a file, or a directory with everything in it; where a key is both,
// the directory has the name.
func (w *modelled) removeAll(p string) {
	if !w.model.isDir(path.Dir(p)) {
		return
	}
	w.ok(os.RemoveAll(w.at(p)))
	switch {
	case w.model.isDir(p):
		for _, key := range w.model.below(p) {
			delete(w.model, key)
		}
	case w.model.isFile(p):
		delete(w.model, p)
	default:
		return
	}
	w.model.touch(path.Dir(p))
}

// rename moves a file or a directory to where nothing is.
func (w *modelled) rename(from, to string) {
	_, taken := w.model[to]
	dir := w.model.isDir(from)
	if taken || w.model.isDir(to) || !dir && !w.model.isFile(from) || strings.HasPrefix(to, from+"/") || !w.mkdirs(to) {
		return
	}
	w.ok(os.Rename(w.at(from), w.at(to)))
	keys := []string{from}
	if dir {
		keys = w.model.below(from)
		w.model.touch(from)
		keys = append(keys, from+"/")
	}
	for _, key := range keys {
		if content, ok := w.model[key]; ok {
			delete(w.model, key)
			w.model[to+strings.TrimPrefix(key, from)] = content
		}
	}
	w.model.touch(path.Dir(from))
	w.model.touch(path.Dir(to))
}
