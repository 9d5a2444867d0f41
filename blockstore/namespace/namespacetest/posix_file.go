package namespacetest

import (
	"bytes"

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

var holeRules = []rule{
	{"truncate up and down", func(r *rules) {
		for _, size := range []int64{10, 5000, 100_000, 3 << 20} {
			r.truncates(size)
		}
	}},
	{"write past the end", func(r *rules) {
		f := r.open(r.file("f", "start"), unix.O_RDWR)
		r.write(f, []byte("end"), 1<<20)
		want := make([]byte, 1<<20+3)
		copy(want, "start")
		copy(want[1<<20:], "end")
		r.reads(f, 0, want)
		r.must(f.Fsync())
		r.reads(f, 0, want)
	}},
	{"a sparse terabyte", func(r *rules) {
		const tib = 1 << 40
		f := r.open(r.at("f"), unix.O_CREAT|unix.O_RDWR)
		r.must(f.Ftruncate(tib))
		r.reads(f, tib-4096, make([]byte, 4096))
		r.write(f, []byte("middle"), tib/2-3)
		r.write(f, []byte("end"), tib)
		r.must(f.Fsync())
		if st := r.stat(r.at("f")); st.Size != tib+3 {
			r.Errorf("size %d", st.Size)
		}
		r.reads(f, tib/2-5, []byte("\x00\x00middle\x00"))
		r.reads(f, tib-2, []byte("\x00\x00end"))
		r.must(r.fs.Truncate(r.at("f"), tib/2))
		r.reads(f, tib/2-5, []byte("\x00\x00mid"))
		r.must(f.Ftruncate(0))
		r.holds(r.at("f"), "")
	}},
	{"punch", func(r *rules) {
		p := noise(1, 3<<20)
		f := r.open(r.file("f", string(p)), unix.O_RDWR)
		for _, hole := range [][2]int{{5, 10}, {4096, 8192}, {60_000, 200_000}, {1<<20 - 1, 1 << 20}, {2 << 20, 1 << 20}, {3<<20 - 7, 100}} {
			r.must(f.Fallocate(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, int64(hole[0]), int64(hole[1])))
			clear(p[hole[0]:min(hole[0]+hole[1], len(p))])
			r.reads(f, 0, p)
		}
		r.must(f.Fallocate(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 10<<20, 1<<20))
		r.must(f.Fsync())
		r.holds(r.at("f"), string(p))
	}},
	{"punch what was just written", func(r *rules) {
		f := r.open(r.at("f"), unix.O_CREAT|unix.O_RDWR)
		r.write(f, bytes.Repeat([]byte("x"), 10_000), 0)
		r.must(f.Fallocate(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 100, 9000))
		r.write(f, []byte("yy"), 500)
		want := bytes.Repeat([]byte("x"), 10_000)
		clear(want[100:9100])
		copy(want[500:], "yy")
		r.must(f.Fsync())
		r.holds(r.at("f"), string(want))
	}},
	{"fallocate", func(r *rules) {
		f := r.open(r.file("f", "start"), unix.O_RDWR)
		r.must(f.Fallocate(unix.FALLOC_FL_KEEP_SIZE, 0, 100_000))
		r.holds(r.at("f"), "start")
		r.must(f.Fallocate(0, 0, 100_000))
		want := make([]byte, 100_000)
		copy(want, "start")
		r.holds(r.at("f"), string(want))
	}},
	{"zero range", func(r *rules) {
		f := r.open(r.file("f", "0123456789"), unix.O_RDWR)
		r.must(f.Fallocate(unix.FALLOC_FL_ZERO_RANGE|unix.FALLOC_FL_KEEP_SIZE, 8, 10))
		r.holds(r.at("f"), "01234567\x00\x00")
		r.must(f.Fallocate(unix.FALLOC_FL_ZERO_RANGE, 2, 10))
		r.holds(r.at("f"), "01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	}},
	{"huge sizes", func(r *rules) {
		f := r.open(r.file("f", "x"), unix.O_RDWR)
		r.want(f.Ftruncate(1<<62), unix.EFBIG)
		r.want(r.fs.Truncate(r.at("f"), 1<<62), unix.EFBIG)
		_, err := f.Pwrite([]byte("y"), 1<<62)
		r.want(err, unix.EFBIG)
		r.holds(r.at("f"), "x")
	}},
}

// truncates says that what a truncate cut off never comes back.
func (r *rules) truncates(size int64) {
	r.Helper()
	p := noise(uint64(size), int(size))
	path := r.file("f", string(p))
	f := r.open(path, unix.O_RDWR)
	half := size / 2
	r.must(f.Ftruncate(half))
	r.holds(path, string(p[:half]))
	r.must(f.Ftruncate(size))
	clear(p[half:])
	r.holds(path, string(p))
	r.must(f.Fsync())
	r.must(r.fs.Truncate(path, half/2))
	r.must(f.Fsync())
	r.must(r.fs.Truncate(path, size))
	clear(p[half/2:])
	r.holds(path, string(p))
	r.must(r.fs.Truncate(path, 1))
	r.write(f, []byte("!"), size)
	clear(p[1:])
	r.holds(path, string(p)+"!")
	r.must(r.fs.Unlink(path))
}
