package namespacetest

import "golang.org/x/sys/unix"

// someone is a user and group who is not root.
const someone = 1000

var modeRules = []rule{
	{"of new nodes", func(r *rules) {
		f, err := r.fs.Open(r.at("f"), unix.O_CREAT|unix.O_WRONLY, 0600)
		r.must(err)
		r.must(f.Close())
		r.mode(r.at("f"), 0600)
		r.must(r.fs.Mkdir(r.at("d"), 0711))
		r.mode(r.at("d"), 0711)
	}},
	{"chmod", func(r *rules) {
		f, d := r.file("f", "x"), r.mkdir("d")
		for _, mode := range []uint32{0, 0777, 0400, 04755, 02755, 01644, 07777} {
			for _, path := range []string{f, d} {
				r.must(r.fs.Chmod(path, mode))
				r.mode(path, mode)
			}
		}
		r.want(r.fs.Chmod(r.at("none"), 0644), unix.ENOENT)
	}},
	{"of an open file without permissions", func(r *rules) {
		f, err := r.fs.Open(r.at("f"), unix.O_CREAT|unix.O_RDWR, 0)
		r.must(err)
		defer f.Close()
		r.write(f, []byte("written"), 0)
		r.reads(f, 0, []byte("written"))
		r.mode(r.at("f"), 0)
	}},
	{"owner of new nodes", func(r *rules) {
		r.must(r.fs.Chmod(r.dir, 0777))
		fs := r.fs.As(someone, someone+1)
		r.must(fs.Mkdir(r.at("d"), 0755))
		r.must(fs.Symlink("x", r.at("l")))
		r.openAs(fs, r.at("f"), unix.O_CREAT|unix.O_WRONLY)
		for _, name := range []string{"d", "l", "f"} {
			if st := r.stat(r.at(name)); st.UID != someone || st.GID != someone+1 {
				r.Errorf("%s belongs to %d:%d", name, st.UID, st.GID)
			}
		}
	}},
	{"chown", func(r *rules) {
		f := r.file("f", "x")
		r.must(r.fs.Symlink("f", r.at("l")))
		r.must(r.fs.Lchown(f, 7, 8))
		r.must(r.fs.Lchown(r.at("l"), 1<<31, 1<<32-2))
		if st := r.stat(f); st.UID != 7 || st.GID != 8 {
			r.Errorf("file belongs to %d:%d", st.UID, st.GID)
		}
		if st := r.stat(r.at("l")); st.UID != 1<<31 || st.GID != 1<<32-2 {
			r.Errorf("link belongs to %d:%d", st.UID, st.GID)
		}
	}},
	{"setgid directory", func(r *rules) {
		d := r.mkdir("d")
		r.must(r.fs.Lchown(d, 0, 77))
		r.must(r.fs.Chmod(d, 02777))
		fs := r.fs.As(someone, someone)
		r.must(fs.Mkdir(r.at("d/sub"), 0755))
		r.must(fs.Mkdir(r.at("d/sub/sub"), 0755))
		r.openAs(fs, r.at("d/f"), unix.O_CREAT|unix.O_WRONLY)
		r.must(fs.Symlink("x", r.at("d/l")))
		for _, name := range []string{"d/sub", "d/sub/sub", "d/f", "d/l"} {
			if st := r.stat(r.at(name)); st.UID != someone || st.GID != 77 {
				r.Errorf("%s belongs to %d:%d", name, st.UID, st.GID)
			}
		}
		r.mode(r.at("d/sub"), 02755)
		r.mode(r.at("d/sub/sub"), 02755)
		r.mode(r.at("d/f"), 0644)
	}},
	{"sticky bit", func(r *rules) {
		d := r.mkdir("d")
		r.must(r.fs.Chmod(d, 01777))
		r.file("d/f", "x")
		r.must(r.fs.Rename(d, r.at("e")))
		r.mode(r.at("e"), 01777)
	}},
	{"chown clears setuid and setgid", func(r *rules) {
		f, d := r.file("f", "x"), r.mkdir("d")
		r.must(r.fs.Chmod(f, 06755))
		r.must(r.fs.Chmod(d, 06755))
		r.must(r.fs.Lchown(f, 5, 5))
		r.must(r.fs.Lchown(d, 5, 5))
		r.mode(f, 0755)
		r.mode(d, 06755)
	}},
	{"write clears setuid and setgid", func(r *rules) {
		r.clears(func(fs FS, path string) {
			r.write(r.openAs(fs, path, unix.O_WRONLY), []byte("y"), 0)
		})
	}},
	{"truncate clears setuid and setgid", func(r *rules) {
		r.clears(func(fs FS, path string) { r.must(fs.Truncate(path, 1)) })
	}},
	{"ftruncate clears setuid and setgid", func(r *rules) {
		r.clears(func(fs FS, path string) {
			r.must(r.openAs(fs, path, unix.O_WRONLY).Ftruncate(1))
		})
	}},
	{"read keeps setuid and setgid", func(r *rules) {
		f := r.file("f", "xyz")
		r.must(r.fs.Chmod(f, 06755))
		r.holds(f, "xyz")
		r.mode(f, 06755)
	}},
}

// clears says that someone who changes the content of a file of theirs thereby
// takes setuid and setgid from it.
func (r *rules) clears(change func(fs FS, path string)) {
	r.Helper()
	r.must(r.fs.Chmod(r.dir, 0777))
	f := r.file("f", "xyz")
	r.must(r.fs.Lchown(f, someone, someone))
	r.must(r.fs.Chmod(f, 06777))
	change(r.fs.As(someone, someone), f)
	r.mode(f, 0777)
}
