package namespacetest

import (
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sys/unix"
)

// scan reads a directory from the start, n entries at a time, and calls f after
// each batch.
func (r *rules) scan(d Dir, n int, f func(batch []DirEntry)) {
	r.Helper()
	for cookie := int64(0); ; {
		batch, err := d.Read(cookie, n)
		r.must(err)
		if len(batch) == 0 {
			return
		}
		cookie = batch[len(batch)-1].Next
		f(batch)
	}
}

func (r *rules) opendir(path string) Dir {
	r.Helper()
	d, err := r.fs.OpenDir(path)
	r.must(err)
	r.Cleanup(func() { d.Close() })
	return d
}

// list returns the names of a directory, without "." and "..", sorted.
func (r *rules) list(path string) []string {
	r.Helper()
	names, err := list(r.fs, path)
	r.must(err)
	return names
}

// list returns the names of a directory, without "." and "..", sorted.
func list(fs FS, path string) ([]string, error) {
	d, err := fs.OpenDir(path)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var names []string
	for cookie := int64(0); ; {
		batch, err := d.Read(cookie, 1000)
		if err != nil {
			return nil, err
		}
		if len(batch) == 0 {
			slices.Sort(names)
			return names, nil
		}
		for _, e := range batch {
			cookie = e.Next
			if e.Name != "." && e.Name != ".." {
				names = append(names, e.Name)
			}
		}
	}
}

// fill makes n empty files and returns their names.
func (r *rules) fill(dir string, n int) []string {
	r.Helper()
	names := make([]string, n)
	for i := range names {
		// Names that begin alike and differ in length, for the order of keys.
		names[i] = fmt.Sprintf("%x-%0*d", i%7, 1+i%50, i)
		r.must(r.fs.Mknod(dir+"/"+names[i], unix.S_IFREG|0644, 0))
	}
	return names
}

// once says that a scan saw every one of the names exactly once.
func (r *rules) once(seen map[string]int, names []string) {
	r.Helper()
	wrong := 0
	for _, name := range names {
		if seen[name] != 1 {
			wrong++
		}
		if seen[name] != 1 && wrong < 5 {
			r.Errorf("%s was seen %d times", name, seen[name])
		}
	}
	if wrong > 0 {
		r.Errorf("%d of %d names were not seen exactly once", wrong, len(names))
	}
}

var readdirRules = []rule{
	{"empty", func(r *rules) {
		seen := map[string]uint32{}
		r.scan(r.opendir(r.dir), 100, func(batch []DirEntry) {
			for _, e := range batch {
				seen[e.Name] = e.Type
			}
		})
		if want := map[string]uint32{".": unix.S_IFDIR, "..": unix.S_IFDIR}; !maps.Equal(seen, want) {
			r.Errorf("%v", seen)
		}
	}},
	{"types", func(r *rules) {
		r.file("f", "x")
		r.mkdir("d")
		r.must(r.fs.Symlink("x", r.at("l")))
		r.must(r.fs.Mknod(r.at("p"), unix.S_IFIFO|0644, 0))
		seen := map[string]uint32{}
		r.scan(r.opendir(r.dir), 100, func(batch []DirEntry) {
			for _, e := range batch {
				seen[e.Name] = e.Type
			}
		})
		want := map[string]uint32{".": unix.S_IFDIR, "..": unix.S_IFDIR,
			"f": unix.S_IFREG, "d": unix.S_IFDIR, "l": unix.S_IFLNK, "p": unix.S_IFIFO}
		if !maps.Equal(seen, want) {
			r.Errorf("%v, want %v", seen, want)
		}
	}},
	{"10,000 names", func(r *rules) {
		names := r.fill(r.dir, 10_000)
		slices.Sort(names)
		if got := r.list(r.dir); !slices.Equal(got, names) {
			r.Errorf("%d names are listed", len(got))
		}
	}},
	{"changes during the scan", func(r *rules) {
		for _, n := range []int{1, 7, 100} {
			r.changingScan(fmt.Sprintf("by%d", n), n)
		}
	}},
	{"removal of what was read", func(r *rules) {
		names := r.fill(r.dir, 1000)
		seen := map[string]int{}
		r.scan(r.opendir(r.dir), 13, func(batch []DirEntry) {
			for _, e := range batch {
				seen[e.Name]++
				if e.Name != "." && e.Name != ".." {
					r.must(r.fs.Unlink(r.at(e.Name)))
				}
			}
		})
		r.once(seen, names)
		if left := r.list(r.dir); len(left) > 0 {
			r.Errorf("%d are left", len(left))
		}
	}},
	{"resumed at any point", func(r *rules) {
		r.fill(r.dir, 300)
		d := r.opendir(r.dir)
		var all []DirEntry
		r.scan(d, 10, func(batch []DirEntry) { all = append(all, batch...) })
		for _, i := range []int{0, 1, 5, 9, 10, 11, 150, 299, 300, 42, 3, 301} {
			var rest []DirEntry
			for cookie := all[i].Next; ; cookie = rest[len(rest)-1].Next {
				batch, err := d.Read(cookie, 50)
				r.must(err)
				if len(batch) == 0 {
					break
				}
				rest = append(rest, batch...)
			}
			same := func(a, b DirEntry) bool { return a.Name == b.Name }
			if !slices.EqualFunc(rest, all[i+1:], same) {
				r.Errorf("after entry %d: %d entries, want %d", i, len(rest), len(all)-i-1)
			}
		}
	}},
	{"rewound", func(r *rules) {
		r.fill(r.dir, 20)
		d := r.opendir(r.dir)
		count := func() (n int) {
			r.scan(d, 7, func(batch []DirEntry) { n += len(batch) })
			return n
		}
		before := count()
		r.file("new", "x")
		if after := count(); before != 22 || after != 23 {
			r.Errorf("%d, then %d entries", before, after)
		}
	}},
	{"inodes", func(r *rules) {
		inos := map[uint64]string{}
		for _, name := range r.fill(r.dir, 100) {
			ino := r.stat(r.at(name)).Ino
			if other, taken := inos[ino]; taken {
				r.Errorf("%s and %s have inode %d", name, other, ino)
			}
			inos[ino] = name
		}
	}},
}

// changingScan reads a directory n entries at a time while others come and go:
// those that are there all the time are seen once.
func (r *rules) changingScan(name string, n int) {
	dir := r.mkdir(name)
	names := r.fill(dir, 600)
	var stay, leave []string
	for i, name := range names {
		if i%3 == 0 {
			leave = append(leave, name)
		} else {
			stay = append(stay, name)
		}
	}
	seen, step := map[string]int{}, 0
	r.scan(r.opendir(dir), n, func(batch []DirEntry) {
		for _, e := range batch {
			seen[e.Name]++
		}
		for range max(1, n/3) {
			if len(leave) > 0 {
				r.must(r.fs.Unlink(dir + "/" + leave[0]))
				leave = leave[1:]
			}
			step++
			r.must(r.fs.Mknod(fmt.Sprintf("%s/%x-new%d", dir, step%16, step), unix.S_IFREG|0644, 0))
			if step > 2000 {
				return // new names may be seen, but not keep a scan from its end
			}
		}
	})
	r.once(seen, append(stay, ".", ".."))
	for name, times := range seen {
		if times > 1 {
			r.Errorf("%s was seen %d times", name, times)
		}
	}
}
