package namespacetest

import (
	"strings"

	"golang.org/x/sys/unix"
)

var nameRules = []rule{
	{"length", func(r *rules) {
		longest, over := strings.Repeat("x", 255), strings.Repeat("x", 256)
		r.file(longest, "long")
		r.holds(r.at(longest), "long")
		a := r.file("a", "one")
		_, err := r.fs.Open(r.at(over), unix.O_CREAT|unix.O_WRONLY, 0644)
		r.want(err, unix.ENAMETOOLONG)
		_, err = r.fs.Lstat(r.at(over))
		r.want(err, unix.ENAMETOOLONG)
		r.want(r.fs.Mkdir(r.at(over), 0755), unix.ENAMETOOLONG)
		r.want(r.fs.Mknod(r.at(over), unix.S_IFIFO|0644, 0), unix.ENAMETOOLONG)
		r.want(r.fs.Symlink("a", r.at(over)), unix.ENAMETOOLONG)
		r.want(r.fs.Link(a, r.at(over)), unix.ENAMETOOLONG)
		r.want(r.fs.Rename(a, r.at(over)), unix.ENAMETOOLONG)
		r.want(r.fs.Unlink(r.at(over)), unix.ENAMETOOLONG)
		r.want(r.fs.Rmdir(r.at(over)), unix.ENAMETOOLONG)
	}},
	{"any bytes", func(r *rules) {
		names := []string{"\x01", "new\nline", " ", "  two  ", "...", "..a", ".a", "\xff\xfe", "café", "cafe\u0301",
			"%2F", "a%", "\\", "*?[]", "-rf", "a:b", "A", "a", "\u2028", "日本語", "\"'`$", "~", "#a#", "CON", "a."}
		for _, name := range names {
			r.file(name, name)
		}
		for _, name := range names {
			r.holds(r.at(name), name)
		}
		if got := r.list(r.dir); len(got) != len(names) {
			r.Errorf("%d names of %d are listed: %q", len(got), len(names), got)
		}
	}},
	{"a file is no directory", func(r *rules) {
		f := r.file("f", "x")
		_, err := r.fs.Lstat(f + "/x")
		r.want(err, unix.ENOTDIR)
		r.want(r.fs.Mkdir(f+"/x", 0755), unix.ENOTDIR)
		r.want(r.fs.Unlink(f+"/x"), unix.ENOTDIR)
		_, err = r.fs.Open(f+"/x", unix.O_CREAT|unix.O_WRONLY, 0644)
		r.want(err, unix.ENOTDIR)
		_, err = r.fs.OpenDir(f)
		r.want(err, unix.ENOTDIR)
	}},
	{"taken", func(r *rules) {
		f, d := r.file("f", "x"), r.mkdir("d")
		for _, path := range []string{f, d} {
			r.want(r.fs.Mkdir(path, 0755), unix.EEXIST)
			r.want(r.fs.Symlink("x", path), unix.EEXIST)
			r.want(r.fs.Mknod(path, unix.S_IFIFO|0644, 0), unix.EEXIST)
			_, err := r.fs.Open(path, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY, 0644)
			r.want(err, unix.EEXIST)
		}
		r.holds(f, "x")
	}},
	{"deep", func(r *rules) {
		path, deep := r.dir, strings.Repeat("d", 100)
		for range 25 {
			path += "/" + deep
			r.must(r.fs.Mkdir(path, 0755))
		}
		f, err := r.fs.Open(path+"/f", unix.O_CREAT|unix.O_RDWR, 0644)
		r.must(err)
		defer f.Close()
		r.write(f, []byte("at the bottom"), 0)
		r.holds(path+"/f", "at the bottom")
		r.must(r.fs.Rename(path+"/f", r.at("up")))
		r.holds(r.at("up"), "at the bottom")
	}},
}
