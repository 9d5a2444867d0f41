package namespacetest

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// past is a time that nothing but Utimens sets.
const past = namespace.Time(1234567890_123456789)

// age sets the times of a path to the past.
func (r *rules) age(paths ...string) {
	r.Helper()
	for _, path := range paths {
		at, mt := past, past
		r.must(r.fs.Utimens(path, &at, &mt))
	}
}

// tick waits until the clock that the times come from has moved on: that of
// the kernel moves in steps of milliseconds.
func (r *rules) tick() {
	r.Helper()
	name := r.at("tick")
	r.mkdir("tick")
	for first := r.stat(name).Ctime; r.stat(name).Ctime == first; {
		time.Sleep(time.Millisecond)
		r.must(r.fs.Chmod(name, 0755))
	}
	r.must(r.fs.Rmdir(name))
}

// now says that a time is of these moments.
func now(t *testing.T, what string, got namespace.Time) {
	t.Helper()
	if age := time.Since(got.Time()); age < -time.Second || age > time.Hour {
		t.Errorf("%s is %v", what, got.Time())
	}
}

// touches says that a change gives the directories a new mtime and ctime.
func (r *rules) touches(change func() error, dirs ...string) {
	r.Helper()
	r.age(dirs...)
	r.must(change())
	for _, dir := range dirs {
		now(r.T, dir+": mtime", r.stat(dir).Mtime)
		now(r.T, dir+": ctime", r.stat(dir).Ctime)
	}
}

// changes says that the change gives the path a new ctime, and keeps its mtime.
func (r *rules) changes(path string, change func() error) {
	r.Helper()
	r.age(path)
	before := r.stat(path).Ctime
	r.tick()
	r.must(change())
	st := r.stat(path)
	if st.Mtime != past {
		r.Errorf("%s: mtime became %v", path, st.Mtime.Time())
	}
	if st.Ctime <= before {
		r.Errorf("%s: ctime was kept", path)
	}
}

var timeRules = []rule{
	{"of new nodes", func(r *rules) {
		f := r.file("f", "x")
		for _, path := range []string{f, r.mkdir("d")} {
			st := r.stat(path)
			now(r.T, "atime", st.Atime)
			now(r.T, "mtime", st.Mtime)
			now(r.T, "ctime", st.Ctime)
		}
	}},
	{"utimens is exact", func(r *rules) {
		r.must(r.fs.Symlink("x", r.at("l")))
		for _, path := range []string{r.file("f", "x"), r.mkdir("d"), r.at("l")} {
			// ext4 has no times before 1901.
			for _, at := range []namespace.Time{0, 1, -1, past, -past, 999_999_999, -999_999_999,
				-1_000_000_000, 1<<33*1e9 + 7, -2_000_000_000_000_000_001} {
				mt := at / 2
				r.must(r.fs.Utimens(path, &at, &mt))
				st := r.stat(path)
				if st.Atime != at || st.Mtime != mt {
					r.Errorf("%s: times %d, %d, want %d, %d", path, st.Atime, st.Mtime, at, mt)
				}
			}
		}
	}},
	{"utimens of one of them", func(r *rules) {
		f := r.file("f", "x")
		r.age(f)
		other := past + 5
		r.must(r.fs.Utimens(f, nil, &other))
		r.must(r.fs.Utimens(f, nil, nil))
		if st := r.stat(f); st.Atime != past || st.Mtime != other {
			r.Errorf("times %d, %d", st.Atime, st.Mtime)
		}
		r.must(r.fs.Utimens(f, &other, nil))
		if st := r.stat(f); st.Atime != other || st.Mtime != other {
			r.Errorf("times %d, %d", st.Atime, st.Mtime)
		}
	}},
	{"names change the directory", func(r *rules) {
		d, e := r.mkdir("d"), r.mkdir("e")
		a, b := r.at("d/a"), r.at("e/b")
		r.touches(func() error { return r.fs.Mknod(a, unix.S_IFREG|0644, 0) }, d)
		r.touches(func() error { return r.fs.Rename(a, r.at("d/x")) }, d)
		r.touches(func() error { return r.fs.Rename(r.at("d/x"), a) }, d)
		r.touches(func() error { return r.fs.Rename(a, b) }, d, e)
		r.touches(func() error { return r.fs.Link(b, a) }, d)
		r.touches(func() error { return r.fs.Unlink(a) }, d)
		r.touches(func() error { return r.fs.Mkdir(a, 0755) }, d)
		r.touches(func() error { return r.fs.Rename(a, r.at("e/c")) }, d, e)
		r.touches(func() error { return r.fs.Rmdir(r.at("e/c")) }, e)
		r.touches(func() error { return r.fs.Symlink("x", a) }, d)
	}},
	{"names change a directory of the future", func(r *rules) {
		d := r.mkdir("d")
		future := namespace.TimeOf(time.Now().Add(1000 * time.Hour))
		r.must(r.fs.Utimens(d, nil, &future))
		if got := r.stat(d).Mtime; got != future {
			r.Errorf("mtime %d, want %d", got, future)
		}
		r.file("d/f", "x")
		now(r.T, "mtime", r.stat(d).Mtime)
	}},
	{"what fails changes nothing", func(r *rules) {
		d := r.mkdir("d", "d/sub")
		r.file("d/f", "x")
		r.age(r.at("d"), d)
		r.want(r.fs.Mkdir(d, 0755), unix.EEXIST)
		r.want(r.fs.Unlink(r.at("d/none")), unix.ENOENT)
		r.want(r.fs.Rename(r.at("d/f"), d), unix.EISDIR)
		for _, path := range []string{r.at("d"), d} {
			if got := r.stat(path).Mtime; got != past {
				r.Errorf("%s: mtime %d", path, got)
			}
		}
	}},
	{"write", func(r *rules) {
		f := r.file("f", "x")
		h := r.open(f, unix.O_RDWR)
		r.touches(func() error { _, err := h.Pwrite([]byte("y"), 0); return err }, f)
		r.touches(func() error { return h.Ftruncate(10) }, f)
		r.touches(func() error { return r.fs.Truncate(f, 5) }, f)
		r.touches(func() error { return r.truncatingOpen(f) }, f)
	}},
	{"mtime is of the write, not of the flush", func(r *rules) {
		f := r.file("f", "x")
		h := r.open(f, unix.O_RDWR)
		r.write(h, []byte("y"), 0)
		st := r.stat(f)
		r.tick()
		r.must(h.Fsync())
		r.must(h.Close())
		if got := r.stat(f); got.Mtime != st.Mtime || got.Ctime != st.Ctime {
			r.Errorf("times %d, %d became %d, %d", st.Mtime, st.Ctime, got.Mtime, got.Ctime)
		}
	}},
	{"utimens after write", func(r *rules) {
		f := r.file("f", "x")
		h := r.open(f, unix.O_RDWR)
		r.write(h, []byte("y"), 0)
		r.age(f)
		r.must(h.Fsync())
		r.must(h.Close())
		if got := r.stat(f).Mtime; got != past {
			r.Errorf("mtime became %v", got.Time())
		}
	}},
	{"ctime", func(r *rules) {
		f, l, d := r.file("f", "x"), r.at("l"), r.mkdir("d")
		r.changes(f, func() error { return r.fs.Chmod(f, 0600) })
		r.changes(f, func() error { return r.fs.Lchown(f, 1, 1) })
		r.changes(f, func() error { return r.fs.Link(f, l) })
		r.changes(f, func() error { return r.fs.Unlink(l) })
		r.changes(f, func() error { return r.fs.Setxattr(f, "user.a", []byte("b"), 0) })
		r.changes(f, func() error { return r.fs.Removexattr(f, "user.a") })
		r.changes(d, func() error { return r.fs.Chmod(d, 0700) })
		r.changes(d, func() error { return r.fs.Setxattr(d, "user.a", []byte("b"), 0) })
	}},
}

func (r *rules) truncatingOpen(path string) error {
	f, err := r.fs.Open(path, unix.O_WRONLY|unix.O_TRUNC, 0)
	if err != nil {
		return err
	}
	return f.Close()
}
