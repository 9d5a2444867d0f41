package namespacetest

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// Step is one operation. It can be played on any FS, and a list of steps can
// be played again without some of them: what has lost its file does nothing.
type Step struct {
	Op       string
	Path, To string
	Slot     int // of the player's open files
	Off, Len int64
	Mode     uint32
	Flags    int
	Seed     uint64 // of the bytes to write
}

// String shows the operation and what is not zero of the rest.
func (s Step) String() string {
	var b strings.Builder
	b.WriteString(s.Op)
	if s.Path != "" {
		fmt.Fprintf(&b, " %q", s.Path)
	}
	if s.To != "" {
		fmt.Fprintf(&b, " %q", s.To)
	}
	if _, ok := fileOps[s.Op]; ok || s.Op == "open" {
		fmt.Fprintf(&b, " slot %d", s.Slot)
	}
	for _, f := range []struct {
		name  string
		value int64
	}{{"off", s.Off}, {"len", s.Len}, {"flags", int64(s.Flags)}, {"seed", int64(s.Seed)}} {
		if f.value != 0 {
			fmt.Fprintf(&b, " %s %d", f.name, f.value)
		}
	}
	if s.Mode != 0 {
		fmt.Fprintf(&b, " mode %#o", s.Mode)
	}
	return b.String()
}

// outcome is all that a step shows, but for attributes.
type outcome struct {
	err  error
	text string
	data []byte
}

// noFile is the text of the outcome of a step whose slot is empty.
const noFile = "no file"

// slots is how many files a player holds open.
const slots = 6

// player plays steps on one FS.
type player struct {
	fs    FS
	files [slots]File
}

func (p *player) play(s Step) outcome {
	if op, ok := fileOps[s.Op]; ok {
		f := p.files[s.Slot]
		if f == nil {
			return outcome{text: noFile}
		}
		if s.Op == "close" {
			p.files[s.Slot] = nil
		}
		return op(f, s)
	}
	if s.Op == "open" {
		return p.open(s)
	}
	return pathOps[s.Op](p.fs, s)
}

// open puts a file into a slot; the one that was there is closed.
func (p *player) open(s Step) outcome {
	f, err := p.fs.Open(s.Path, s.Flags, s.Mode)
	if err != nil {
		return outcome{err: err}
	}
	var closed error
	if old := p.files[s.Slot]; old != nil {
		closed = old.Close()
	}
	p.files[s.Slot] = f
	return outcome{text: fmt.Sprintf("closed: %v", closed)}
}

// closeAll closes every slot.
func (p *player) closeAll() error {
	var first error
	for i, f := range p.files {
		if f == nil {
			continue
		}
		if err := f.Close(); err != nil && first == nil {
			first = err
		}
		p.files[i] = nil
	}
	return first
}

var pathOps = map[string]func(FS, Step) outcome{
	"mkdir":    func(fs FS, s Step) outcome { return outcome{err: fs.Mkdir(s.Path, s.Mode)} },
	"fifo":     func(fs FS, s Step) outcome { return outcome{err: fs.Mknod(s.Path, unix.S_IFIFO|s.Mode, 0)} },
	"symlink":  func(fs FS, s Step) outcome { return outcome{err: fs.Symlink(s.To, s.Path)} },
	"link":     func(fs FS, s Step) outcome { return outcome{err: fs.Link(s.Path, s.To)} },
	"unlink":   func(fs FS, s Step) outcome { return outcome{err: fs.Unlink(s.Path)} },
	"rmdir":    func(fs FS, s Step) outcome { return outcome{err: fs.Rmdir(s.Path)} },
	"rename":   func(fs FS, s Step) outcome { return outcome{err: fs.Rename(s.Path, s.To)} },
	"chmod":    func(fs FS, s Step) outcome { return outcome{err: fs.Chmod(s.Path, s.Mode)} },
	"chown":    func(fs FS, s Step) outcome { return outcome{err: fs.Lchown(s.Path, s.Mode, uint32(s.Len))} },
	"truncate": func(fs FS, s Step) outcome { return outcome{err: fs.Truncate(s.Path, s.Len)} },
	"setxattr": func(fs FS, s Step) outcome {
		return outcome{err: fs.Setxattr(s.Path, s.To, noise(s.Seed, int(s.Len)), s.Flags)}
	},
	"rmxattr": func(fs FS, s Step) outcome { return outcome{err: fs.Removexattr(s.Path, s.To)} },
	"sync":    func(fs FS, s Step) outcome { return outcome{err: fs.Sync()} },
	"utimens": func(fs FS, s Step) outcome {
		at, mt := namespace.Time(s.Off), namespace.Time(s.Len)
		return outcome{err: fs.Utimens(s.Path, &at, &mt)}
	},
	"readlink": func(fs FS, s Step) outcome {
		target, err := fs.Readlink(s.Path)
		return outcome{err: err, text: target}
	},
	"getxattr": func(fs FS, s Step) outcome {
		p := make([]byte, s.Len)
		n, err := fs.Getxattr(s.Path, s.To, p)
		return outcome{err: err, text: fmt.Sprint(n), data: p}
	},
	"listxattr": func(fs FS, s Step) outcome {
		names, err := fs.Listxattr(s.Path)
		return outcome{err: err, text: fmt.Sprint(names)}
	},
	"readdir": func(fs FS, s Step) outcome {
		names, err := list(fs, s.Path)
		return outcome{err: err, text: fmt.Sprintf("%q", names)}
	},
}

var fileOps = map[string]func(File, Step) outcome{
	"close":     func(f File, s Step) outcome { return outcome{err: f.Close()} },
	"ftruncate": func(f File, s Step) outcome { return outcome{err: f.Ftruncate(s.Len)} },
	"fsync":     func(f File, s Step) outcome { return outcome{err: f.Fsync()} },
	"fallocate": func(f File, s Step) outcome { return outcome{err: f.Fallocate(s.Mode, s.Off, s.Len)} },
	"read": func(f File, s Step) outcome {
		p := make([]byte, s.Len)
		n, err := f.Pread(p, s.Off)
		return outcome{err: err, text: fmt.Sprintf("%d bytes", n), data: p[:n]}
	},
	"write": func(f File, s Step) outcome {
		n, err := f.Pwrite(noise(s.Seed, int(s.Len)), s.Off)
		return outcome{err: err, text: fmt.Sprintf("%d bytes", n)}
	},
	"burst": burst,
}

// burst writes little pieces, here and there below Off, and commits each third:
// what makes a file of many extents.
func burst(f File, s Step) outcome {
	for i := range s.Len {
		at := noise(s.Seed+uint64(i), 8)
		off := int64(at[0])<<16 | int64(at[1])<<8 | int64(at[2])
		if _, err := f.Pwrite(noise(s.Seed-uint64(i), 1+int(at[3])*8), off%max(1, s.Off)); err != nil {
			return outcome{err: err}
		}
		if i%3 != 0 {
			continue
		}
		if err := f.Fsync(); err != nil {
			return outcome{err: err}
		}
	}
	return outcome{}
}

// alike are errors of which either will do, because a request has two faults.
var alike = map[string][][]error{
	"link":   {{unix.EPERM, unix.EEXIST}},
	"rename": {{unix.ENOTEMPTY, unix.EISDIR}, {unix.ENOENT, unix.ENAMETOOLONG}},
}
