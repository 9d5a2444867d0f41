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
