package namespace_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/faultstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// TestKeys does random things by key and through a mount's names, and compares
// all that can be seen with a flat map of keys.
func TestKeys(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) { walkKeys(t, open) })
	}
	t.Run("lost replies", func(t *testing.T) {
		walkKeys(t, func(testing.TB) blockstore.Store {
			return faultstore.New(memstore.New(), func(op faultstore.Op) faultstore.Fault {
				return faultstore.Fault{Lost: op.Call == faultstore.Commit && op.N%3 == 0}
			})
		})
	})
}

func walkKeys(t *testing.T, open func(testing.TB) blockstore.Store) {
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		k := &keyWalk{
			T: t, s: begin(t, open(t), noHistory), m: keyModel{},
			rng: rand.New(rand.NewPCG(seed, 0)), seed: seed,
		}
		for k.step = range *steps / 10 {
			k.do()
			if k.step%128 == 0 || k.step == *steps/10-1 {
				k.compareAll()
			}
			if t.Failed() {
				t.Fatalf("seed %d, step %d: %s", seed, k.step, k.doing)
			}
		}
	}
}

type keyWalk struct {
	*testing.T
	s     *namespacetest.Session
	m     keyModel
	rng   *rand.Rand
	seed  uint64
	step  int
	doing string
}

func (k *keyWalk) do() {
	key := k.pick()
	dirs := k.m.dirs()
	dir, name := dirs[k.rng.IntN(len(dirs))], anyComponent(k.rng)
	switch n := k.rng.IntN(20); {
	case n < 6:
		k.put(key, fmt.Sprint(k.step)[:k.rng.IntN(2)*len(fmt.Sprint(k.step))])
	case n < 10:
		k.delete(key)
	case n < 14:
		k.list()
	case n == 14 && len(dir+name) <= namespace.MaxObjectKey:
		k.create(dir, name)
	case n == 15 && len(dir+name) < namespace.MaxObjectKey:
		k.mkdir(dir, name)
	case n == 16:
		k.remove(key)
	case n == 17:
		k.rename(key, dir, name)
	case n == 18:
		k.renameDir(dir, dirs[k.rng.IntN(len(dirs))], name)
	default:
		k.update(key)
	}
}

// pick is a key, more often than not one that is there.
func (k *keyWalk) pick() string {
	if keys := k.m.keys(); len(keys) > 0 && (k.rng.IntN(3) > 0 || len(keys) > 60) {
		return keys[k.rng.IntN(len(keys))]
	}
	return anyKey(k.rng)
}

func (k *keyWalk) put(key, body string) {
	k.doing = fmt.Sprintf("put %q with %d bytes", key, len(body))
	was, there := k.m[key]
	_, err := putKey(k.T, k.s.Direct, key, body, namespace.PutKey{
		Object: &namespace.Object{Metadata: map[string]string{"step": k.doing}},
		If: func(current *namespace.ObjectInfo) error {
			if (current != nil) != there || there && current.Attr.Size != int64(len(was.body)) {
				k.Errorf("%s: the condition is asked of %+v, which should be there: %v", k.doing, current, there)
			}
			return nil
		},
	})
	if len(key) > namespace.MaxObjectKey {
		k.kind(err, blockstore.NameTooLong)
		return
	}
	must(k.T, err)
	o := modelObject{body: body, meta: k.doing, kind: namespace.File}
	if body == "" && strings.HasSuffix(key, "/") {
		o.kind = namespace.Dir
	}
	k.m[key] = o
}

func (k *keyWalk) delete(key string) {
	k.doing = fmt.Sprintf("delete %q", key)
	_, there := k.m[key]
	got, err := k.s.Door.DeleteKey(k.Context(), k.s.Root, key, "", nil)
	must(k.T, err)
	if got.Existed != there {
		k.Errorf("%s: existed %v", k.doing, got.Existed)
	}
	delete(k.m, key)
}

func (k *keyWalk) update(key string) {
	k.doing = fmt.Sprintf("update %q", key)
	_, err := k.s.Door.UpdateObject(k.Context(), k.s.Root, key, "", func(_ *namespace.ObjectInfo, o *namespace.Object) error {
		o.Metadata = map[string]string{"step": k.doing}
		return nil
	})
	o, there := k.m[key]
	if !there {
		k.kind(err, blockstore.NotFound)
		return
	}
	must(k.T, err)
	o.meta = k.doing
	k.m[key] = o
}

func (k *keyWalk) list() {
	o := namespace.ListKeys{Delimiter: []string{"", "/", "/", "a", "-", "//", "a/", "\x00", "n"}[k.rng.IntN(9)]}
	if k.rng.IntN(2) == 0 {
		key := k.pick()
		o.Prefix = key[:k.rng.IntN(len(key)+1)]
	}
	if k.rng.IntN(2) == 0 {
		key := k.pick()
		o.After = key[:k.rng.IntN(len(key)+1)]
	}
	k.doing = fmt.Sprintf("list %q", o)
	var got []string
	want := k.m.list(o)
	limit := len(want) + 1 - k.rng.IntN(2)
	for e, err := range k.s.Volume.ListKeys(k.Context(), k.s.Root, o) {
		must(k.T, err)
		if e.CommonPrefix != "" {
			got = append(got, "p"+e.CommonPrefix)
		} else {
			got = append(got, "k"+e.Key)
		}
		if len(got) == limit {
			break
		}
	}
	if !slices.Equal(got, want) {
		k.Errorf("%s:\n%q, not\n%q", k.doing, got, want)
	}
}

// The changes through a mount.

func (k *keyWalk) create(dir, name string) {
	k.doing = fmt.Sprintf("create %q in %q", name, dir)
	shown := namespace.PosixName(name, k.m.isDir(dir+name+"/"))
	o := modelObject{kind: namespace.Symlink, body: "to"}
	n := namespace.NewNode{Kind: namespace.Symlink, Target: "to", Mode: 0o777}
	if k.rng.IntN(2) == 0 {
		o, n = modelObject{kind: namespace.File}, namespace.NewNode{Kind: namespace.File}
	}
	_, err := k.s.Door.Make(k.Context(), k.dir(dir), shown, n)
	k.kind(err, k.m.create(dir, name, o))
}

func (k *keyWalk) mkdir(dir, name string) {
	k.doing = fmt.Sprintf("mkdir %q in %q", name, dir)
	_, err := k.s.Door.Make(k.Context(), k.dir(dir), namespace.PosixName(name, false), namespace.NewNode{Kind: namespace.Dir})
	k.kind(err, k.m.mkdir(dir, name))
}

// remove unlinks a file, or removes a directory.
func (k *keyWalk) remove(key string) {
	dir, name := split(key)
	switch {
	case k.m.file(key):
		k.doing = fmt.Sprintf("unlink %q", key)
		must(k.T, k.s.Door.Unlink(k.Context(), k.dir(dir), namespace.PosixName(name, k.m.isDir(key+"/"))))
		k.m.unlink(key)
	case dir != "" && k.m.isDir(dir):
		k.doing = fmt.Sprintf("rmdir %q", dir)
		parent, name := splitDir(dir)
		err := k.s.Door.Rmdir(k.Context(), k.dir(parent), namespace.PosixName(name, false))
		k.kind(err, k.m.rmdir(dir))
	}
}

func (k *keyWalk) rename(key, dir, name string) {
	if !k.m.file(key) || len(dir+name) > namespace.MaxObjectKey {
		return
	}
	k.doing = fmt.Sprintf("rename %q to %q in %q", key, name, dir)
	from, old := split(key)
	err := k.s.Door.Rename(k.Context(), k.dir(from), namespace.PosixName(old, k.m.isDir(key+"/")),
		k.dir(dir), namespace.PosixName(name, k.m.isDir(dir+name+"/")))
	k.kind(err, k.m.renameFile(key, dir, name))
}

func (k *keyWalk) renameDir(path, dir, name string) {
	for key := range k.m {
		if rest, ok := strings.CutPrefix(key, path); ok && len(dir+name+"/"+rest) > namespace.MaxObjectKey {
			return
		}
	}
	if path == "" {
		return
	}
	k.doing = fmt.Sprintf("rename directory %q to %q in %q", path, name, dir)
	from, old := splitDir(path)
	err := k.s.Door.Rename(k.Context(), k.dir(from), namespace.PosixName(old, false), k.dir(dir), namespace.PosixName(name, false))
	k.kind(err, k.m.renameDir(path, dir, name))
}

// kind says that an error is of a kind; fine: none.
func (k *keyWalk) kind(err error, want blockstore.Kind) {
	k.Helper()
	if want == fine && err != nil || want != fine && !errors.Is(err, want) {
		k.Errorf("%s: %v", k.doing, err)
	}
}

// dir finds a directory by the names that a mount shows.
func (k *keyWalk) dir(path string) namespace.NodeID {
	k.Helper()
	id := k.s.Root
	if path == "" {
		return id
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(path, "/"), "/") {
		a, err := k.s.Door.Lookup(k.Context(), id, namespace.PosixName(name, false))
		must(k.T, err)
		id = a.ID
	}
	return id
}

// compareAll looks at everything, in every way.
func (k *keyWalk) compareAll() {
	for _, path := range k.m.dirs() {
		k.compareDir(path)
	}
	var keys []string
	for e, err := range k.s.Volume.ListKeys(k.Context(), k.s.Root, namespace.ListKeys{}) {
		must(k.T, err)
		keys = append(keys, e.Key)
		k.compareKey(e.ObjectInfo)
	}
	if want := k.m.keys(); !slices.Equal(keys, want) {
		k.Errorf("%s: the keys are\n%q, not\n%q", k.doing, keys, want)
	}
	must(k.T, k.s.Check())
}

func (k *keyWalk) compareDir(path string) {
	want := k.m.shows(path)
	id := k.dir(path)
	d, err := k.s.Door.OpenDir(k.Context(), id)
	must(k.T, err)
	defer d.Close()
	got := make(map[string]namespace.Kind)
	for cookie, more := uint64(2), true; more; {
		more = false
		room := 1 + k.rng.IntN(3)
		must(k.T, d.Read(k.Context(), cookie, func(e namespace.Entry, next uint64) bool {
			if more = room == 0; more {
				return false
			}
			if _, twice := got[e.Name]; twice {
				k.Errorf("%s: %q shows %q twice", k.doing, path, e.Name)
			}
			a, err := k.s.Door.Lookup(k.Context(), id, e.Name)
			if err != nil || a.ID != e.ID {
				k.Errorf("%s: %q in %q is not what was listed: %v", k.doing, e.Name, path, err)
			}
			got[e.Name], cookie = e.Kind, next
			room--
			return true
		}))
	}
	for name, kind := range want {
		if got[name] != kind {
			k.Errorf("%s: %q in %q is %v, not %v", k.doing, name, path, got[name], kind)
		}
	}
	if len(got) != len(want) {
		k.Errorf("%s: %q shows %q, not %q", k.doing, path, got, want)
	}
}

func (k *keyWalk) compareKey(listed namespace.ObjectInfo) {
	o := k.m[listed.Key]
	info, err := k.s.Volume.StatKey(k.Context(), k.s.Root, listed.Key, "")
	must(k.T, err)
	r, opened, err := k.s.Door.OpenKey(k.Context(), k.s.Root, listed.Key, "")
	must(k.T, err)
	body := readObject(k.T, r)
	must(k.T, r.Close(k.Context()))
	for _, i := range []namespace.ObjectInfo{info, opened} {
		if i.Attr.ID != listed.Attr.ID || i.ETag != listed.ETag || i.Modified != listed.Modified {
			k.Errorf("%s: %q is listed as %+v, and is %+v", k.doing, listed.Key, listed, i)
		}
	}
	meta := ""
	if info.Object != nil {
		meta = info.Object.Metadata["step"]
	}
	if info.Attr.Kind != o.kind || body != o.body || meta != o.meta && o.kind != namespace.Dir {
		k.Errorf("%s: %q is a %v with %q, %q, not a %v with %q, %q", k.doing, listed.Key, info.Attr.Kind, body, meta, o.kind, o.body, o.meta)
	}
}

func putKey(t *testing.T, d namespacetest.Direct, key, body string, p namespace.PutKey) (namespace.ObjectInfo, error) {
	t.Helper()
	c := d.Door.NewContent(t.Context())
	_, err := io.WriteString(c, body)
	must(t, err)
	info, err := d.Door.PutKey(t.Context(), d.Root, key, c, p)
	if err != nil {
		must(t, c.Abort(t.Context()))
	}
	return info, err
}

func readObject(t *testing.T, r *namespace.ObjectReader) string {
	t.Helper()
	b := make([]byte, r.Size()+1)
	n, err := r.ReadAt(t.Context(), b, 0)
	if err != io.EOF {
		t.Errorf("read: %v", err)
	}
	return string(b[:n])
}
