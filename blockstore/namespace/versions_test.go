package namespace_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// version is one version of a key as the model has it.
type version struct {
	id      string
	marker  bool
	content []byte
}

// versionModel is what a versioned bucket has, in the simplest way: of each key
// its versions, newest first. current says whether the first is the current
// one: it is, unless it is a marker, or its name was moved away.
type versionModel struct {
	t       *testing.T
	rng     *rand.Rand
	s       *namespacetest.Session
	state   string
	keys    map[string][]version
	current map[string]bool
}

var versionedKeys = []string{"a", "a/b", "d/x", "d/y/z", "n\x00", "n\x00u", "n", "t/"}

// TestVersions does random things in a bucket whose versioning is enabled and
// suspended, through keys and through a mount, and compares all that can be seen
// with the model.
func TestVersions(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		store := memstore.New()
		m := &versionModel{
			t: t, rng: rand.New(rand.NewPCG(seed, 7)), keys: make(map[string][]version), current: make(map[string]bool),
		}
		m.begin(store)
		m.version(namespace.VersioningEnabled)
		for range 800 {
			m.step(store)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
		m.removeAll()
		m.compare()
		empty(t, store, m.s)
		must(t, m.s.End())
	}
}

func (m *versionModel) begin(store blockstore.Store) {
	s, err := namespacetest.Begin(store, namespace.DefaultSettings(), namespace.Options{Exclusive: true})
	if err != nil {
		m.t.Fatal(err)
	}
	m.s = s
}

func (m *versionModel) step(store blockstore.Store) {
	key := versionedKeys[m.rng.IntN(len(versionedKeys))]
	switch n := m.rng.IntN(100); {
	case n < 30:
		m.put(key)
	case n < 45:
		m.delete(key)
	case n < 60:
		m.deleteVersion(key)
	case n < 75:
		m.mountWrite(key)
	case n < 80:
		m.mountUnlink(key)
	case n < 84:
		m.mountRename()
	case n < 90:
		m.version([]string{namespace.VersioningEnabled, namespace.VersioningSuspended}[m.rng.IntN(2)])
	case n < 92:
		if _, err := m.s.Volume.Collect(m.t.Context(), nil); err != nil {
			m.t.Error(err)
		}
	case n < 94:
		must(m.t, m.s.End())
		m.begin(store)
	default:
		m.compare()
	}
}

func (m *versionModel) version(state string) {
	must(m.t, m.s.Volume.SetBucketConfig(m.t.Context(), m.s.Root, func(b *namespace.BucketRecord) error {
		b.Versioning = state
		return nil
	}))
	m.state = state
}

func (m *versionModel) content() []byte {
	b := make([]byte, 1+m.rng.IntN(3)*20_000)
	for i := range b {
		b[i] = byte(m.rng.Uint32())
	}
	return b
}

// push makes a version the first of a key; where versioning is suspended it
// takes the place of the null version.
func (m *versionModel) push(key string, v version) {
	list := m.keys[key]
	if m.state == namespace.VersioningSuspended {
		list = slices.DeleteFunc(list, func(v version) bool { return v.id == "null" })
	}
	m.keys[key], m.current[key] = slices.Insert(list, 0, v), !v.marker
}

func (m *versionModel) put(key string) {
	content := m.content()
	c := m.s.Door.NewContent(m.t.Context())
	if _, err := c.Write(content); err != nil {
		m.t.Fatal(err)
	}
	info, err := m.s.Door.PutKey(m.t.Context(), m.s.Root, key, c, namespace.PutKey{})
	if err != nil {
		m.t.Errorf("put %q: %v", key, err)
		return
	}
	m.checkID(info.Version)
	m.push(key, version{id: info.Version, content: content})
}

func (m *versionModel) checkID(id string) {
	if (id == "null") != (m.state == namespace.VersioningSuspended) {
		m.t.Errorf("a new version has the id %s while versioning is %s", id, m.state)
	}
}

func (m *versionModel) delete(key string) {
	done, err := m.s.Door.DeleteKey(m.t.Context(), m.s.Root, key, "", nil)
	if err != nil || !done.Marker || done.Existed != m.current[key] {
		m.t.Errorf("delete %q: %+v, %v; there was a current one: %v", key, done, err, m.current[key])
		return
	}
	m.checkID(done.Version)
	m.push(key, version{id: done.Version, marker: true})
}

func (m *versionModel) deleteVersion(key string) {
	list := m.keys[key]
	i, id := m.rng.IntN(len(list)+1), blockstore.NewID().String()
	if i < len(list) {
		id = list[i].id
	}
	done, err := m.s.Door.DeleteKey(m.t.Context(), m.s.Root, key, id, nil)
	want := namespace.Deleted{Version: id, Existed: i < len(list)}
	if want.Existed {
		want.Marker = list[i].marker
		m.keys[key] = slices.Delete(list, i, i+1)
		if i == 0 && (m.current[key] || want.Marker) {
			m.current[key] = len(list) > 1 && !m.keys[key][0].marker
		}
	}
	if err != nil || done != want {
		m.t.Errorf("delete version %s of %q: %+v, %v, want %+v", id, key, done, err, want)
	}
}

// posix says whether a key can be had in the mount under its own name.
func posix(key string) bool {
	return !strings.ContainsRune(key, 0) && !strings.HasSuffix(key, "/") && key != "a"
}

func (m *versionModel) mountWrite(key string) {
	if !m.current[key] || !posix(key) {
		return
	}
	f := open(m.t, m.s, key, unix.O_WRONLY)
	content := slices.Clone(m.keys[key][0].content)
	for range 1 + m.rng.IntN(2) {
		p := m.content()
		off := m.rng.IntN(len(content))
		if m.rng.IntN(4) == 0 {
			must(m.t, f.Ftruncate(0))
			content, off = nil, 0
		}
		if _, err := f.Pwrite(p, int64(off)); err != nil {
			m.t.Fatal(err)
		}
		if grow := off + len(p) - len(content); grow > 0 {
			content = append(content, make([]byte, grow)...)
		}
		copy(content[off:], p)
		must(m.t, f.Fsync())
	}
	must(m.t, f.Close())
	info, err := m.s.Volume.StatKey(m.t.Context(), m.s.Root, key, "")
	if err != nil || info.Version == m.keys[key][0].id && m.state == namespace.VersioningEnabled {
		m.t.Errorf("%q has after a write the version %s (%v)", key, info.Version, err)
	}
	m.checkID(info.Version)
	m.push(key, version{id: info.Version, content: content})
}

func (m *versionModel) mountUnlink(key string) {
	if !m.current[key] || !posix(key) {
		return
	}
	var f namespacetest.File
	if m.rng.IntN(2) == 0 {
		f = open(m.t, m.s, key, unix.O_RDWR)
	}
	must(m.t, m.s.Unlink(key))
	m.marked(key)
	if f != nil {
		m.compare() // it is a version although it is open
		if _, err := f.Pwrite([]byte("not a version"), 0); err != nil {
			m.t.Error(err)
		}
		must(m.t, f.Close())
	}
}

// marked takes the marker in that a change by mount made.
func (m *versionModel) marked(key string) {
	info, err := m.s.Volume.StatKey(m.t.Context(), m.s.Root, key, "")
	if !errors.Is(err, blockstore.NotFound) || !info.Marker {
		m.t.Errorf("%q: %+v, %v, want a delete marker", key, info, err)
	}
	m.checkID(info.Version)
	m.push(key, version{id: info.Version, marker: true})
}

// mountRename moves one file over another or to a free name: a new version
// there, a marker here, and what was moved is no version of the old name.
func (m *versionModel) mountRename() {
	const from, to = "d/x", "d/moved"
	if !m.current[from] {
		return
	}
	content := m.keys[from][0].content
	must(m.t, m.s.Rename(from, to))
	m.keys[from] = m.keys[from][1:]
	m.marked(from)
	info, err := m.s.Volume.StatKey(m.t.Context(), m.s.Root, to, "")
	if err != nil {
		m.t.Error(err)
	}
	m.checkID(info.Version)
	m.push(to, version{id: info.Version, content: content})
}

// removeAll deletes every version for good.
func (m *versionModel) removeAll() {
	for key, list := range m.keys {
		for _, v := range list {
			if _, err := m.s.Door.DeleteKey(m.t.Context(), m.s.Root, key, v.id, nil); err != nil {
				m.t.Error(err)
			}
		}
	}
	clear(m.keys)
	clear(m.current)
	must(m.t, m.s.Volume.SetSettings(m.t.Context(), noHistory))
}

// compare sees that the bucket has what the model has.
func (m *versionModel) compare() {
	m.t.Helper()
	want := m.listing("", "")
	m.same("all", want, m.list(namespace.ListVersions{}))
	if len(want) > 0 {
		i := m.rng.IntN(len(want))
		o := namespace.ListVersions{KeyMarker: want[i].Key, VersionMarker: want[i].Version}
		m.same(fmt.Sprintf("after %q %s", o.KeyMarker, o.VersionMarker), want[i+1:], m.list(o))
		o.VersionMarker = ""
		rest := slices.DeleteFunc(slices.Clone(want), func(l namespace.Listed) bool { return l.Key <= o.KeyMarker })
		m.same(fmt.Sprintf("after %q", o.KeyMarker), rest, m.list(o))
	}
	for _, prefix := range []string{"", "a", "d/", "n\x00", "x"} {
		for _, delimiter := range []string{"", "/", "/y", "\x00"} {
			o := namespace.ListVersions{Prefix: prefix, Delimiter: delimiter}
			m.same(fmt.Sprintf("%+q", o), m.listing(prefix, delimiter), m.list(o))
		}
	}
	for _, l := range want {
		m.read(l)
	}
	m.compareCurrent()
	if err := m.s.Check(); err != nil {
		m.t.Error(err)
	}
}

// listing is the list of the versions that the model has.
func (m *versionModel) listing(prefix, delimiter string) []namespace.Listed {
	var all []namespace.Listed
	for _, key := range slices.Sorted(maps.Keys(m.keys)) {
		below, ok := strings.CutPrefix(key, prefix)
		if !ok {
			continue
		}
		if before, _, rolled := strings.Cut(below, delimiter); rolled && delimiter != "" && len(m.keys[key]) > 0 {
			l := namespace.Listed{CommonPrefix: prefix + before + delimiter}
			if len(all) == 0 || all[len(all)-1].CommonPrefix != l.CommonPrefix {
				all = append(all, l)
			}
			continue
		}
		for i, v := range m.keys[key] {
			l := namespace.Listed{ObjectInfo: namespace.ObjectInfo{Key: key, Version: v.id, Marker: v.marker}}
			l.Latest = i == 0 && (v.marker || m.current[key])
			l.Attr.Size = int64(len(v.content))
			all = append(all, l)
		}
	}
	return all
}

func (m *versionModel) list(o namespace.ListVersions) []namespace.Listed {
	var all []namespace.Listed
	for l, err := range m.s.Volume.ListVersions(m.t.Context(), m.s.Root, o) {
		if err != nil {
			m.t.Error(err)
			return nil
		}
		if l.Attr.Kind == namespace.Dir || l.CommonPrefix != "" && !m.below(l.CommonPrefix) {
			continue // directories that the mount made explicit
		}
		all = append(all, l)
	}
	return all
}

func (m *versionModel) below(prefix string) bool {
	for key, list := range m.keys {
		if strings.HasPrefix(key, prefix) && len(list) > 0 {
			return true
		}
	}
	return false
}

func (m *versionModel) same(what string, want, got []namespace.Listed) {
	m.t.Helper()
	show := func(all []namespace.Listed) string {
		var b strings.Builder
		for _, l := range all {
			fmt.Fprintf(&b, "%q %s %q marker=%v latest=%v size=%d\n", l.CommonPrefix, l.Version, l.Key, l.Marker, l.Latest, l.Attr.Size)
		}
		return b.String()
	}
	w, g := strings.Split(show(want), "\n"), strings.Split(show(got), "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			m.t.Errorf("%s: in place %d of %d there is %s, want %s", what, i, len(w), g[i], w[i])
			return
		}
	}
	if len(w) != len(g) {
		m.t.Errorf("%s: there are %d, want %d", what, len(g)-1, len(w)-1)
	}
}

// read sees that a version can be had by its id.
func (m *versionModel) read(l namespace.Listed) {
	m.t.Helper()
	r, info, err := m.s.Door.OpenKey(m.t.Context(), m.s.Root, l.Key, l.Version)
	if l.Marker {
		if !errors.Is(err, blockstore.NotFound) || !info.Marker {
			m.t.Errorf("marker %s of %q: %+v, %v", l.Version, l.Key, info, err)
		}
		return
	}
	if err != nil {
		m.t.Errorf("version %s of %q: %v", l.Version, l.Key, err)
		return
	}
	defer r.Close(m.t.Context())
	i := slices.IndexFunc(m.keys[l.Key], func(v version) bool { return v.id == l.Version })
	got := make([]byte, info.Attr.Size+1)
	n, err := r.ReadAt(m.t.Context(), got, 0)
	if err != io.EOF || !bytes.Equal(got[:n], m.keys[l.Key][i].content) {
		m.t.Errorf("version %s of %q: %d bytes (%v), which are not its content", l.Version, l.Key, n, err)
	}
}

func (m *versionModel) compareCurrent() {
	m.t.Helper()
	for key, list := range m.keys {
		info, err := m.s.Volume.StatKey(m.t.Context(), m.s.Root, key, "")
		switch {
		case m.current[key] && (err != nil || info.Version != list[0].id):
			m.t.Errorf("%q: %s, %v, want version %s", key, info.Version, err, list[0].id)
		case !m.current[key] && !errors.Is(err, blockstore.NotFound) && info.Attr.Kind != namespace.Dir:
			m.t.Errorf("%q: %+v, %v, want nothing", key, info, err)
		}
	}
}
