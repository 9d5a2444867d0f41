package namespacetest

import "golang.org/x/sys/unix"

var renameRules = []rule{
	{"to a new name", func(r *rules) {
		a, b := r.file("a", "one"), r.at("b")
		ino := r.stat(a).Ino
		r.must(r.fs.Rename(a, b))
		r.gone(a)
		r.holds(b, "one")
		if r.stat(b).Ino != ino {
			r.Error("the node changed")
		}
	}},
	{"file over file", func(r *rules) {
		a, b := r.file("a", "one"), r.file("b", "two and more")
		f := r.open(b, unix.O_RDONLY)
		r.must(r.fs.Rename(a, b))
		r.gone(a)
		r.holds(b, "one")
		r.reads(f, 0, []byte("two and more"))
		if st, err := f.Fstat(); err != nil || st.Nlink != 0 {
			r.Errorf("replaced file has %d links, %v", st.Nlink, err)
		}
	}},
	{"file over one of two links", func(r *rules) {
		a, b, c := r.file("a", "one"), r.file("b", "two"), r.at("c")
		r.must(r.fs.Link(b, c))
		r.must(r.fs.Rename(a, b))
		r.holds(b, "one")
		r.holds(c, "two")
		r.nlink(c, 1)
	}},
	{"directory over empty directory", func(r *rules) {
		a, b := r.mkdir("a"), r.mkdir("b")
		r.file("a/f", "in a")
		r.must(r.fs.Rename(a, b))
		r.gone(a)
		r.holds(r.at("b/f"), "in a")
		r.nlink(r.dir, 3)
	}},
	{"directory over full directory", func(r *rules) {
		a, b := r.mkdir("a"), r.mkdir("b")
		r.file("b/f", "in b")
		r.want(r.fs.Rename(a, b), unix.ENOTEMPTY)
		r.stat(a)
		r.holds(r.at("b/f"), "in b")
	}},
	{"file over directory", func(r *rules) {
		a, b := r.file("a", "one"), r.mkdir("b")
		r.want(r.fs.Rename(a, b), unix.EISDIR)
		r.holds(a, "one")
	}},
	{"directory over file", func(r *rules) {
		a, b := r.mkdir("a"), r.file("b", "two")
		r.want(r.fs.Rename(a, b), unix.ENOTDIR)
		r.holds(b, "two")
	}},
	{"directory over symbolic link to a directory", func(r *rules) {
		a := r.mkdir("a")
		r.mkdir("d")
		r.must(r.fs.Symlink("d", r.at("l")))
		r.want(r.fs.Rename(a, r.at("l")), unix.ENOTDIR)
	}},
	{"symbolic link itself", func(r *rules) {
		f := r.file("f", "kept")
		r.must(r.fs.Symlink("f", r.at("l")))
		r.must(r.fs.Rename(r.at("l"), r.at("m")))
		r.holds(f, "kept")
		if target, err := r.fs.Readlink(r.at("m")); target != "f" || err != nil {
			r.Errorf("target %q, %v", target, err)
		}
		g := r.file("g", "over")
		r.must(r.fs.Rename(g, r.at("m")))
		r.holds(f, "kept")
		r.holds(r.at("m"), "over")
	}},
	{"into itself", func(r *rules) {
		a := r.mkdir("a", "a/b", "a/b/c")
		r.want(r.fs.Rename(r.at("a"), r.at("a/x")), unix.EINVAL)
		r.want(r.fs.Rename(r.at("a"), r.at("a/b/c/x")), unix.EINVAL)
		r.want(r.fs.Rename(r.at("a"), a), unix.EINVAL)
		r.stat(a)
	}},
	{"over an ancestor", func(r *rules) {
		c := r.mkdir("a", "a/b", "a/b/c")
		r.want(r.fs.Rename(c, r.at("a")), unix.ENOTEMPTY)
		r.stat(c)
	}},
	{"onto itself", func(r *rules) {
		a, d := r.file("a", "one"), r.mkdir("d")
		r.file("d/f", "x")
		before := r.stat(r.dir)
		r.must(r.fs.Rename(a, a))
		r.must(r.fs.Rename(d, d))
		r.holds(a, "one")
		r.nlink(a, 1)
		if after := r.stat(r.dir); after.Mtime != before.Mtime {
			r.Error("the directory was modified")
		}
	}},
	{"onto a link of the same node", func(r *rules) {
		a, b := r.file("a", "one"), r.at("b")
		r.must(r.fs.Link(a, b))
		r.must(r.fs.Rename(a, b))
		r.holds(a, "one")
		r.holds(b, "one")
		r.nlink(a, 2)
	}},
	{"of nothing", func(r *rules) {
		b := r.file("b", "two")
		r.want(r.fs.Rename(r.at("a"), b), unix.ENOENT)
		r.want(r.fs.Rename(r.at("a"), r.at("a")), unix.ENOENT)
		r.want(r.fs.Rename(b, r.at("none/b")), unix.ENOENT)
		r.want(r.fs.Rename(b, r.at("b/c")), unix.ENOTDIR)
		r.holds(b, "two")
	}},
	{"directory to another parent", func(r *rules) {
		r.mkdir("p", "q", "p/d", "p/d/e")
		r.file("p/d/f", "deep")
		r.must(r.fs.Rename(r.at("p/d"), r.at("q/d")))
		r.nlink(r.at("p"), 2)
		r.nlink(r.at("q"), 3)
		r.nlink(r.at("q/d"), 3)
		r.holds(r.at("q/d/f"), "deep")
		// The moved directory must know where it is now.
		r.must(r.fs.Rename(r.at("p"), r.at("q/d/p")))
		r.want(r.fs.Rename(r.at("q"), r.at("q/d/p/q")), unix.EINVAL)
	}},
	{"while open", func(r *rules) {
		a, b := r.file("a", ""), r.at("b")
		f := r.open(a, unix.O_RDWR)
		r.write(f, []byte("before "), 0)
		r.must(r.fs.Rename(a, b))
		r.write(f, []byte("after"), 7)
		r.must(f.Fsync())
		r.gone(a)
		r.holds(b, "before after")
	}},
}
