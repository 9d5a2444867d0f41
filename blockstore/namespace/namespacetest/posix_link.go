package namespacetest

import "golang.org/x/sys/unix"

var linkRules = []rule{
	{"one node under two names", func(r *rules) {
		a, b := r.file("a", "one"), r.at("b")
		r.must(r.fs.Link(a, b))
		if r.stat(a) != r.stat(b) {
			r.Errorf("the names differ: %+v, %+v", r.stat(a), r.stat(b))
		}
		r.nlink(a, 2)
		f := r.open(b, unix.O_WRONLY)
		r.write(f, []byte("two"), 0)
		r.holds(a, "two")
		r.must(r.fs.Unlink(a))
		r.nlink(b, 1)
		r.holds(b, "two")
	}},
	{"of a directory", func(r *rules) {
		r.want(r.fs.Link(r.mkdir("d"), r.at("e")), unix.EPERM)
		r.gone(r.at("e"))
	}},
	{"over a name", func(r *rules) {
		a, b := r.file("a", "one"), r.file("b", "two")
		r.want(r.fs.Link(a, b), unix.EEXIST)
		r.want(r.fs.Link(a, r.mkdir("d")), unix.EEXIST)
		r.want(r.fs.Link(a, a), unix.EEXIST)
		r.holds(b, "two")
		r.nlink(a, 1)
	}},
	{"of nothing and to nowhere", func(r *rules) {
		a := r.file("a", "one")
		r.want(r.fs.Link(r.at("none"), r.at("b")), unix.ENOENT)
		r.want(r.fs.Link(a, r.at("none/b")), unix.ENOENT)
		r.want(r.fs.Link(a, r.at("a/b")), unix.ENOTDIR)
	}},
	{"of a symbolic link", func(r *rules) {
		r.must(r.fs.Symlink("nowhere", r.at("a")))
		r.must(r.fs.Link(r.at("a"), r.at("b")))
		r.nlink(r.at("b"), 2)
		if target, err := r.fs.Readlink(r.at("b")); target != "nowhere" || err != nil {
			r.Errorf("target %q, %v", target, err)
		}
	}},
	{"in another directory", func(r *rules) {
		a := r.file("a", "one")
		r.mkdir("d")
		r.must(r.fs.Link(a, r.at("d/b")))
		r.must(r.fs.Rename(a, r.at("d/c")))
		r.must(r.fs.Unlink(r.at("d/b")))
		r.holds(r.at("d/c"), "one")
		r.nlink(r.at("d/c"), 1)
	}},
	{"unlink", func(r *rules) {
		a, d := r.file("a", "one"), r.mkdir("d")
		r.must(r.fs.Unlink(a))
		r.gone(a)
		r.want(r.fs.Unlink(a), unix.ENOENT)
		r.want(r.fs.Unlink(d), unix.EISDIR)
		r.want(r.fs.Unlink(r.at("none/b")), unix.ENOENT)
		r.must(r.fs.Symlink("d", r.at("l")))
		r.must(r.fs.Unlink(r.at("l")))
		r.stat(d)
	}},
	{"rmdir", func(r *rules) {
		a, d := r.file("a", "one"), r.mkdir("d")
		f := r.file("d/f", "x")
		r.want(r.fs.Rmdir(d), unix.ENOTEMPTY)
		r.must(r.fs.Unlink(f))
		r.want(r.fs.Rmdir(a), unix.ENOTDIR)
		r.want(r.fs.Rmdir(r.at("none")), unix.ENOENT)
		r.must(r.fs.Symlink("d", r.at("l")))
		r.want(r.fs.Rmdir(r.at("l")), unix.ENOTDIR)
		r.must(r.fs.Rmdir(d))
		r.gone(d)
		r.must(r.fs.Mkdir(d, 0755))
	}},
	{"links of directories", func(r *rules) {
		r.nlink(r.dir, 2)
		d := r.mkdir("a", "b", "a/c", "d")
		r.file("f", "x")
		r.nlink(r.dir, 5)
		r.nlink(r.at("a"), 3)
		r.nlink(d, 2)
		r.must(r.fs.Rmdir(d))
		r.nlink(r.dir, 4)
	}},
	{"open and unlinked", func(r *rules) {
		a := r.file("a", "some content")
		f := r.open(a, unix.O_RDWR)
		r.must(r.fs.Unlink(a))
		r.reads(f, 0, []byte("some content"))
		p := noise(1, 300<<10)
		r.write(f, p, 5)
		r.must(f.Fsync())
		r.reads(f, 0, append([]byte("some "), p...))
		r.must(f.Ftruncate(8))
		st, err := f.Fstat()
		if err != nil || st.Size != 8 || st.Nlink != 0 {
			r.Errorf("%d bytes, %d links, %v", st.Size, st.Nlink, err)
		}
		b := r.file("a", "another")
		r.holds(b, "another")
		r.reads(f, 0, append([]byte("some "), p[:3]...))
	}},
	{"open and unlinked twice", func(r *rules) {
		a := r.file("a", "content")
		f, g := r.open(a, unix.O_RDONLY), r.open(a, unix.O_WRONLY)
		r.must(r.fs.Unlink(a))
		r.write(g, []byte("CON"), 0)
		r.must(g.Close())
		r.reads(f, 0, []byte("CONtent"))
	}},
}
