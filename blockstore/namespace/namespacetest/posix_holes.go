package namespacetest

import (
	"bytes"

	"golang.org/x/sys/unix"
)

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
	{"append after punch", func(r *rules) {
		for _, mode := range []uint32{unix.FALLOC_FL_PUNCH_HOLE, unix.FALLOC_FL_ZERO_RANGE} {
			f := r.open(r.at("f"), unix.O_CREAT|unix.O_RDWR|unix.O_APPEND|unix.O_TRUNC)
			r.write(f, []byte("0123456789"), 0)
			r.must(f.Fsync())
			r.must(f.Fallocate(mode|unix.FALLOC_FL_KEEP_SIZE, 5, 3))
			r.write(f, []byte("x"), 0)
			r.must(f.Fsync())
			r.holds(r.at("f"), "01234\x00\x00\x0089x")
		}
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
