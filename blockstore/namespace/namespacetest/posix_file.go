package namespacetest

import (
	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

var fileRules = []rule{
	{"create", func(r *rules) {
		_, err := r.fs.Open(r.at("a"), unix.O_RDWR, 0)
		r.want(err, unix.ENOENT)
		_, err = r.fs.Open(r.at("none/a"), unix.O_RDWR|unix.O_CREAT, 0644)
		r.want(err, unix.ENOENT)
		f := r.open(r.at("a"), unix.O_RDWR|unix.O_CREAT)
		r.write(f, []byte("one"), 0)
		g := r.open(r.at("a"), unix.O_RDWR|unix.O_CREAT)
		r.reads(g, 0, []byte("one"))
	}},
	{"create through a symbolic link", func(r *rules) {
		r.must(r.fs.Symlink("a", r.at("l")))
		_, err := r.fs.Open(r.at("l"), unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, 0644)
		r.want(err, unix.EEXIST)
		r.write(r.open(r.at("l"), unix.O_RDWR|unix.O_CREAT), []byte("one"), 0)
		r.holds(r.at("a"), "one")
	}},
	{"directories are not opened for writing", func(r *rules) {
		d := r.mkdir("d")
		for _, flags := range []int{unix.O_WRONLY, unix.O_RDWR | unix.O_CREAT, unix.O_WRONLY | unix.O_TRUNC} {
			_, err := r.fs.Open(d, flags, 0644)
			r.want(err, unix.EISDIR)
		}
		r.want(r.fs.Truncate(d, 0), unix.EISDIR)
	}},
	{"truncate on open", func(r *rules) {
		a := r.file("a", "one two three")
		f := r.open(a, unix.O_WRONLY|unix.O_TRUNC)
		r.holds(a, "")
		r.write(f, []byte("x"), 2)
		r.holds(a, "\x00\x00x")
	}},
	{"append", func(r *rules) {
		a := r.file("a", "one")
		f, g := r.open(a, unix.O_WRONLY|unix.O_APPEND), r.open(a, unix.O_RDWR|unix.O_APPEND)
		r.write(f, []byte(" two"), 0)
		r.write(g, []byte(" three"), 1)
		r.write(f, []byte(" four"), 100)
		r.holds(a, "one two three four")
		r.must(r.fs.Truncate(a, 3))
		r.write(g, []byte("!"), 0)
		r.holds(a, "one!")
		r.reads(g, 0, []byte("one!"))
	}},
	{"all handles see a write", func(r *rules) {
		a := r.file("a", "")
		f, g := r.open(a, unix.O_RDWR), r.open(a, unix.O_RDONLY)
		for i, size := range []int{1, 100, 40 << 10, 1 << 20, 3} {
			p := noise(uint64(i), size)
			r.write(f, p, int64(i)*1000)
			r.reads(g, int64(i)*1000, p)
		}
		st, err := g.Fstat()
		if want := int64(3000 + 1<<20); err != nil || st.Size != want {
			r.Errorf("size %d, %v, want %d", st.Size, err, want)
		}
	}},
	{"end of file", func(r *rules) {
		f := r.open(r.file("a", "0123456789"), unix.O_RDONLY)
		for off, want := range map[int64]int{0: 10, 4: 6, 9: 1, 10: 0, 11: 0, 1 << 40: 0} {
			n, err := f.Pread(make([]byte, 100), off)
			if n != want || err != nil {
				r.Errorf("read %d bytes at %d (%v), want %d", n, off, err, want)
			}
		}
	}},
	{"sizes around every border", func(r *rules) {
		for _, border := range []int{4 << 10, blockstore.MaxSmall, blockstore.Granule, 64 << 10, 128 << 10, blockstore.MaxBlock, 4 << 20} {
			for size := border - 1; size <= border+1; size++ {
				p := string(noise(uint64(size), size))
				path := r.file("f", p)
				r.holds(path, p)
				r.must(r.fs.Unlink(path))
			}
		}
	}},
	{"writes around every border", func(r *rules) {
		f := r.open(r.at("f"), unix.O_RDWR|unix.O_CREAT)
		want := make([]byte, 5<<20)
		r.must(f.Ftruncate(int64(len(want))))
		for _, border := range []int{4 << 10, blockstore.MaxSmall, blockstore.Granule, 64 << 10, 128 << 10, blockstore.MaxBlock, 4 << 20} {
			for _, size := range []int{2, 1000, 70 << 10} {
				off := max(0, border-size/2)
				p := noise(uint64(border+size), size)
				copy(want[off:], p)
				r.write(f, p, int64(off))
				r.must(f.Fsync())
			}
		}
		r.reads(f, 0, want)
	}},
	{"overwrite in the middle", func(r *rules) {
		p := noise(1, 3<<20)
		f := r.open(r.file("f", string(p)), unix.O_RDWR)
		for i := range 20 {
			off := i * 150_001
			copy(p[off:], noise(uint64(i), 777))
			r.write(f, p[off:off+777], int64(off))
		}
		r.reads(f, 0, p)
		r.must(f.Fsync())
		r.reads(f, 0, p)
	}},
	{"statfs", func(r *rules) {
		st, err := r.fs.Statfs()
		r.must(err)
		if st.Total <= 0 || st.Free > st.Total || st.Available > st.Free || st.MaxName != namespace.MaxName {
			r.Errorf("%+v", st)
		}
	}},
}
