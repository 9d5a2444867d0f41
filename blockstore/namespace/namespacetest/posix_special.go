package namespacetest

import (
	"strings"

	"golang.org/x/sys/unix"
)

var specialRules = []rule{
	{"nodes", func(r *rules) {
		nodes := map[string][2]uint32{
			"fifo":   {unix.S_IFIFO | 0600, 0},
			"socket": {unix.S_IFSOCK | 0755, 0},
			"char":   {unix.S_IFCHR | 0600, uint32(unix.Mkdev(1, 3))},
			"block":  {unix.S_IFBLK | 0640, uint32(unix.Mkdev(259, 300))},
			"file":   {unix.S_IFREG | 0644, 0},
		}
		for name, n := range nodes {
			r.must(r.fs.Mknod(r.at(name), n[0], n[1]))
			r.must(r.fs.Rename(r.at(name), r.at(name+"2")))
		}
		for name, n := range nodes {
			st := r.stat(r.at(name + "2"))
			if st.Mode != n[0] || st.Rdev != uint64(n[1]) || st.Nlink != 1 || st.Size != 0 {
				r.Errorf("%s: %+v, want mode %o, rdev %#x", name, st, n[0], n[1])
			}
		}
	}},
	{"symbolic links", func(r *rules) {
		for _, target := range []string{"x", "../..", "/no/where", "with\nodd\xffbytes", strings.Repeat("y", 4095)} {
			path := r.at("l")
			r.must(r.fs.Symlink(target, path))
			got, err := r.fs.Readlink(path)
			if got != target || err != nil {
				r.Errorf("target %.20q, %v, want %.20q", got, err, target)
			}
			if st := r.stat(path); st.Size != int64(len(target)) || st.Mode&unix.S_IFMT != unix.S_IFLNK {
				r.Errorf("%+v", st)
			}
			r.must(r.fs.Unlink(path))
		}
		r.want(r.fs.Symlink(strings.Repeat("y", 4096), r.at("l")), unix.ENAMETOOLONG)
		r.want(r.fs.Symlink("", r.at("l")), unix.ENOENT)
		_, err := r.fs.Readlink(r.file("f", "x"))
		r.want(err, unix.EINVAL)
	}},
	{"following links", func(r *rules) {
		r.mkdir("d", "d/e")
		r.file("d/f", "through")
		r.must(r.fs.Symlink("d/e", r.at("l")))
		r.holds(r.at("l/../f"), "through")
		r.must(r.fs.Symlink("m", r.at("m")))
		_, err := r.fs.Stat(r.at("m"))
		r.want(err, unix.ELOOP)
		if st, err := r.fs.Stat(r.at("l")); err != nil || st.Ino != r.stat(r.at("d/e")).Ino {
			r.Errorf("%+v, %v", st, err)
		}
	}},
}
