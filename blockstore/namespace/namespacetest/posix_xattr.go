package namespacetest

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

var xattrRules = []rule{
	{"set, get, list, remove", func(r *rules) {
		for _, path := range []string{r.file("f", "x"), r.mkdir("d")} {
			r.must(r.fs.Setxattr(path, "user.b", []byte("one"), 0))
			r.must(r.fs.Setxattr(path, "user.a", nil, 0))
			r.must(r.fs.Setxattr(path, "user.b", []byte("other\x00bytes\xff"), 0))
			r.xattr(path, "user.b", "other\x00bytes\xff")
			r.xattr(path, "user.a", "")
			r.xattrs(path, "user.a", "user.b")
			r.must(r.fs.Removexattr(path, "user.b"))
			r.xattrs(path, "user.a")
			r.want(r.fs.Removexattr(path, "user.b"), unix.ENODATA)
			_, err := r.fs.Getxattr(path, "user.b", make([]byte, 10))
			r.want(err, unix.ENODATA)
		}
	}},
	{"create and replace", func(r *rules) {
		f := r.file("f", "x")
		r.want(r.fs.Setxattr(f, "user.a", []byte("1"), unix.XATTR_REPLACE), unix.ENODATA)
		r.must(r.fs.Setxattr(f, "user.a", []byte("1"), unix.XATTR_CREATE))
		r.want(r.fs.Setxattr(f, "user.a", []byte("2"), unix.XATTR_CREATE), unix.EEXIST)
		r.xattr(f, "user.a", "1")
		r.must(r.fs.Setxattr(f, "user.a", []byte("3"), unix.XATTR_REPLACE))
		r.xattr(f, "user.a", "3")
	}},
	{"short buffer", func(r *rules) {
		f := r.file("f", "x")
		r.must(r.fs.Setxattr(f, "user.a", []byte("0123456789"), 0))
		_, err := r.fs.Getxattr(f, "user.a", make([]byte, 9))
		r.want(err, unix.ERANGE)
		if n, err := r.fs.Getxattr(f, "user.a", nil); n != 10 || err != nil {
			r.Errorf("size %d, %v", n, err)
		}
	}},
	{"too large", func(r *rules) {
		f := r.file("f", "x")
		r.must(r.fs.Setxattr(f, "user.a", []byte("kept"), 0))
		r.want(r.fs.Setxattr(f, "user.a", make([]byte, 64<<10+1), 0), unix.E2BIG)
		r.want(r.fs.Setxattr(f, "user."+strings.Repeat("n", 251), nil, 0), unix.ERANGE)
		r.xattr(f, "user.a", "kept")
	}},
	{"too many", func(r *rules) {
		f := r.file("f", "x")
		value := func(i int) string { return strings.Repeat(fmt.Sprint(i%10), 1000) }
		set := 0
		var err error
		for err == nil && set < 1000 {
			if err = r.fs.Setxattr(f, fmt.Sprintf("user.%d", set), []byte(value(set)), 0); err == nil {
				set++
			}
		}
		r.want(err, unix.ENOSPC)
		for i := range set {
			r.xattr(f, fmt.Sprintf("user.%d", i), value(i))
		}
	}},
	{"they go with the node", func(r *rules) {
		f, g := r.file("f", "x"), r.file("g", "y")
		r.must(r.fs.Setxattr(f, "user.a", []byte("1"), 0))
		r.must(r.fs.Link(f, r.at("l")))
		r.must(r.fs.Rename(f, g))
		r.xattr(g, "user.a", "1")
		r.xattr(r.at("l"), "user.a", "1")
		r.write(r.open(g, unix.O_WRONLY|unix.O_TRUNC), []byte("z"), 0)
		r.xattr(g, "user.a", "1")
	}},
	{"symbolic links have none", func(r *rules) {
		r.must(r.fs.Symlink("x", r.at("l")))
		r.want(r.fs.Setxattr(r.at("l"), "user.a", []byte("1"), 0), unix.EPERM)
	}},
}

func (r *rules) xattr(path, name, want string) {
	r.Helper()
	p := make([]byte, len(want)+1)
	n, err := r.fs.Getxattr(path, name, p)
	if string(p[:n]) != want || err != nil {
		r.Errorf("%s: %s is %q, %v, want %q", path, name, p[:n], err, want)
	}
}

func (r *rules) xattrs(path string, want ...string) {
	r.Helper()
	got, err := r.fs.Listxattr(path)
	if !slices.Equal(got, want) || err != nil {
		r.Errorf("%s has %q, %v, want %q", path, got, err, want)
	}
}

var specialRules = []rule{
	{"nodes", func(r *rules) {
		nodes := map[string][2]uint32{
			"fifo":   {unix.S_IFIFO | 0620, 0},
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
