package namespace_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/memstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/blockstore/namespace/namespacetest"
)

// smallBlocks: files have many blocks, and history none.
var smallBlocks = namespace.Settings{BlockSize: blockstore.Granule}

// TestSharing makes contents out of pieces of others, written ones and uploads,
// and overwrites, punches, removes and collects between, in sessions of which
// some end without notice. The bytes are always those of the model, the check
// finds nothing, and when all is removed no block is left.
func TestSharing(t *testing.T) {
	t.Run("pages", func(t *testing.T) {
		defer namespace.SmallDrafts()()
		sharingScripts(t)
	})
	sharingScripts(t)
}

func sharingScripts(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+2**seeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := &sharing{T: t, rng: rand.New(rand.NewPCG(seed, 5)), store: memstore.New(), files: make(map[string][]byte)}
			m.start()
			for range 300 {
				m.step()
			}
			m.checkAll()
			m.removeAll()
			empty(t, m.store, m.s)
			if err := m.s.End(); err != nil {
				t.Error(err)
			}
		})
	}
}

// sharing is the model: what every file and every upload must have.
type sharing struct {
	*testing.T
	rng     *rand.Rand
	store   blockstore.Store
	s       *namespacetest.Session
	files   map[string][]byte
	uploads []*uploading
}

type uploading struct {
	u     namespace.Upload
	parts map[int][]byte
}

func (m *sharing) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

func (m *sharing) start() {
	s, err := namespacetest.Begin(m.store, smallBlocks, namespace.Options{Exclusive: true, CollectEvery: time.Hour})
	m.must(err)
	m.s = s
}

func (m *sharing) step() {
	switch n := m.rng.IntN(100); {
	case n < 25:
		name := m.name()
		c, want := m.content()
		_, err := m.s.Door.PutKey(bg, m.s.Root, name, c, namespace.PutKey{})
		m.must(err)
		m.files[name] = want
	case n < 30:
		c, _ := m.content()
		if m.rng.IntN(2) > 0 {
			m.must(c.Abort(bg))
		} // else it is left to whoever buries the session
	case n < 45:
		m.change()
	case n < 52:
		m.remove()
	case n < 60:
		m.collect()
	case n < 63:
		m.restart()
	case n < 92:
		m.upload()
	default:
		m.checkSome()
	}
}

func (m *sharing) name() string { return string('a' + rune(m.rng.IntN(6))) }

// some is a name of a file that is there.
func (m *sharing) some() (string, bool) {
	if len(m.files) == 0 {
		return "", false
	}
	names := slices.Sorted(maps.Keys(m.files))
	return names[m.rng.IntN(len(names))], true
}

// content is made of written and of cloned pieces.
func (m *sharing) content() (*namespace.Content, []byte) {
	c := m.s.Door.NewContent(bg)
	var want []byte
	for range 1 + m.rng.IntN(4) {
		if name, ok := m.some(); ok && m.rng.IntN(3) > 0 {
			want = append(want, m.clone(c, name)...)
			continue
		}
		p := m.bytes()
		_, err := c.Write(p)
		m.must(err)
		want = append(want, p...)
	}
	if c.Size() != int64(len(want)) {
		m.Fatalf("%d bytes, want %d", c.Size(), len(want))
	}
	return c, want
}

// bytes are few or many.
func (m *sharing) bytes() []byte {
	p := make([]byte, m.rng.IntN(1<<(4+m.rng.IntN(18))))
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(m.rng.Uint32())
	}
	rand.NewChaCha8(seed).Read(p)
	return p
}

// clone appends a range of a file.
func (m *sharing) clone(c *namespace.Content, name string) []byte {
	r, _, err := m.s.Door.OpenKey(bg, m.s.Root, name, "")
	m.must(err)
	have := m.files[name]
	from, to := 0, len(have)
	if m.rng.IntN(3) > 0 {
		from = m.rng.IntN(len(have) + 1)
		to = from + m.rng.IntN(len(have)-from+1)
	}
	m.must(c.Clone(bg, r, int64(from), int64(to-from)))
	m.must(r.Close(bg))
	return have[from:to]
}

// change changes a file in place.
func (m *sharing) change() {
	name, ok := m.some()
	if !ok {
		return
	}
	f := open(m.T, m.s, name, unix.O_RDWR)
	for range 1 + m.rng.IntN(5) {
		have := m.files[name]
		off := m.rng.IntN(len(have) + 1)
		switch m.rng.IntN(4) {
		case 0:
			m.must(f.Ftruncate(int64(off)))
			m.files[name] = have[:off:off]
		case 1:
			n := m.rng.IntN(len(have) - off + 1)
			if n == 0 {
				continue
			}
			m.must(f.Fallocate(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, int64(off), int64(n)))
			m.files[name] = slices.Concat(have[:off], make([]byte, n), have[off+n:])
		default:
			p := m.bytes()
			_, err := f.Pwrite(p, int64(off))
			m.must(err)
			m.files[name] = slices.Concat(have[:off], p, have[min(off+len(p), len(have)):])
		}
		if m.rng.IntN(2) > 0 {
			m.must(m.s.Door.Flush(bg, blockstore.Lazy))
		}
	}
	m.must(f.Close())
}

func (m *sharing) remove() {
	if name, ok := m.some(); ok {
		m.must(m.s.Unlink(name))
		delete(m.files, name)
	}
}

func (m *sharing) collect() {
	_, err := m.s.Volume.Collect(bg, nil)
	m.must(err)
	m.must(m.s.Check())
}

func (m *sharing) restart() {
	if m.rng.IntN(2) > 0 {
		m.must(m.s.Kill())
	} else {
		m.must(m.s.End())
	}
	m.start()
	m.must(m.s.Check())
}

// upload does something to an upload.
func (m *sharing) upload() {
	if len(m.uploads) == 0 || m.rng.IntN(8) == 0 && len(m.uploads) < 4 {
		u, err := m.s.Door.BeginUpload(bg, namespace.Upload{Bucket: m.s.Root, Key: m.name()})
		m.must(err)
		m.uploads = append(m.uploads, &uploading{u, make(map[int][]byte)})
	}
	i := m.rng.IntN(len(m.uploads))
	up := m.uploads[i]
	switch m.rng.IntN(12) {
	case 0:
		m.must(m.s.Door.AbortUpload(bg, up.u))
	case 1, 2:
		m.complete(up)
	default:
		c, want := m.content()
		number := 1 + m.rng.IntN(6)
		p, err := m.s.Door.PutPart(bg, up.u, number, c, namespace.Part{ETag: fmt.Sprint(number)})
		m.must(err)
		if p.Number != number || p.Size != int64(len(want)) {
			m.Errorf("part %d of %d bytes: %+v", number, len(want), p)
		}
		up.parts[number] = want
		return
	}
	m.uploads = slices.Delete(m.uploads, i, i+1)
	if _, err := m.s.Volume.Upload(bg, m.s.Root, up.u.Key, up.u.ID); !errors.Is(err, blockstore.NotFound) {
		m.Errorf("an upload that is over: %v", err)
	}
}

// complete joins some of the parts.
func (m *sharing) complete(up *uploading) {
	var want []byte
	var parts []namespace.Part
	choose := func(have map[int]namespace.UploadedPart) ([]int, *namespace.Object, error) {
		want, parts = nil, nil
		if len(have) != len(up.parts) {
			m.Errorf("%d parts, want %d", len(have), len(up.parts))
		}
		var numbers []int
		for _, n := range slices.Sorted(maps.Keys(have)) {
			if m.rng.IntN(4) > 0 {
				numbers, want, parts = append(numbers, n), append(want, up.parts[n]...), append(parts, have[n].Part)
			}
		}
		return numbers, &namespace.Object{ETag: "joined", Parts: parts}, nil
	}
	info, err := m.s.Door.CompleteUpload(bg, up.u, choose, namespace.PutKey{})
	m.must(err)
	again, err := m.s.Door.CompleteUpload(bg, up.u, choose, namespace.PutKey{})
	m.must(err)
	if info.Attr.ID.String() != up.u.ID || again.Attr.ID != info.Attr.ID || again.ETag != info.ETag {
		m.Errorf("%+v, and again %+v", info, again)
	}
	m.files[up.u.Key] = want
}

func (m *sharing) checkSome() {
	if name, ok := m.some(); ok {
		m.reads(name)
	}
}

// reads reads a file through both doors.
func (m *sharing) reads(name string) {
	m.Helper()
	same(m.T, m.s, name, m.files[name])
	if got := m.get(m.s.Door, name); !bytes.Equal(got, m.files[name]) {
		m.Errorf("%s: the object has other bytes, %d of %d", name, len(got), len(m.files[name]))
	}
}

func (m *sharing) get(d *namespace.Door, name string) []byte {
	r, _, err := d.OpenKey(bg, m.s.Root, name, "")
	m.must(err)
	got, err := io.ReadAll(io.NewSectionReader(readerAt{bg, r}, 0, r.Size()))
	m.must(errors.Join(err, r.Close(bg)))
	return got
}

// readerAt is a reader as io wants it.
type readerAt struct {
	ctx context.Context
	r   *namespace.ObjectReader
}

func (r readerAt) ReadAt(p []byte, off int64) (int, error) { return r.r.ReadAt(r.ctx, p, off) }

func (m *sharing) checkAll() {
	for name := range m.files {
		m.reads(name)
	}
	m.must(m.s.Check())
	for _, up := range m.uploads {
		n := 0
		for p, err := range m.s.Volume.ListParts(bg, up.u, 0) {
			m.must(err)
			if n++; p.Size != int64(len(up.parts[p.Number])) {
				m.Errorf("part %d has %d bytes, want %d", p.Number, p.Size, len(up.parts[p.Number]))
			}
		}
		if n != len(up.parts) {
			m.Errorf("%d parts, want %d", n, len(up.parts))
		}
	}
}

// removeAll leaves nothing, and nobody: what was given up goes with its session.
func (m *sharing) removeAll() {
	for name := range m.files {
		m.must(m.s.Unlink(name))
	}
	for _, up := range m.uploads {
		m.must(m.s.Door.AbortUpload(bg, up.u))
	}
	m.must(m.s.Kill())
	m.start()
}
