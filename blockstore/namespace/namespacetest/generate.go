package namespacetest

import (
	"math/rand/v2"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// Script is n random steps; the same for the same seed.
func Script(seed uint64, n int) []Step {
	g := &generator{rng: rand.New(rand.NewPCG(seed, 0))}
	g.model = NewModel()
	g.player = player{fs: g.model}
	total := 0
	for _, c := range choices {
		total += c.weight
	}
	script := make([]Step, 0, n)
	for len(script) < n {
		s := g.step(g.rng.IntN(total))
		switch s.Op {
		case "write", "burst", "setxattr":
			s.Seed = uint64(g.rng.Uint32())
		}
		script = append(script, s)
		if s.Op == "reopen" {
			g.player.closeAll()
		} else {
			g.player.play(s)
		}
		if len(script)%16 == 0 {
			g.paths = g.model.root.paths("")
		}
	}
	return script
}

// generator plays what it makes on a model, so that most of it makes sense.
type generator struct {
	rng    *rand.Rand
	model  Model
	player player
	paths  []string // of late
	last   int      // the slot of last time
}

// choices are the kinds of steps and how often they come.
var choices = []struct {
	weight int
	make   func(g *generator) Step
}{
	{8, func(g *generator) Step { return Step{Op: "mkdir", Path: g.place(), Mode: g.mode()} }},
	{1, func(g *generator) Step { return Step{Op: "fifo", Path: g.place(), Mode: 0600} }},
	{2, func(g *generator) Step { return Step{Op: "symlink", Path: g.place(), To: g.name()} }},
	{5, func(g *generator) Step { return Step{Op: "link", Path: g.path(), To: g.place()} }},
	{6, func(g *generator) Step { return Step{Op: "unlink", Path: g.path()} }},
	{4, func(g *generator) Step { return Step{Op: "rmdir", Path: g.path()} }},
	{10, func(g *generator) Step { return Step{Op: "rename", Path: g.path(), To: g.target()} }},
	{3, func(g *generator) Step { return Step{Op: "chmod", Path: g.any(), Mode: g.mode()} }},
	{2, func(g *generator) Step {
		return Step{Op: "chown", Path: g.any(), Mode: g.rng.Uint32N(3), Len: g.rng.Int64N(3)}
	}},
	{3, func(g *generator) Step {
		return Step{Op: "utimens", Path: g.any(), Off: 1e18 - g.rng.Int64N(2e18), Len: 1e18 - g.rng.Int64N(2e18)}
	}},
	{4, func(g *generator) Step { return Step{Op: "truncate", Path: g.path(), Len: g.offset()} }},
	{3, func(g *generator) Step {
		return Step{Op: "setxattr", Path: g.any(), To: g.attribute(), Len: g.rng.Int64N(300), Flags: g.rng.IntN(3)}
	}},
	{1, func(g *generator) Step { return Step{Op: "rmxattr", Path: g.any(), To: g.attribute()} }},
	{1, func(g *generator) Step { return Step{Op: "getxattr", Path: g.any(), To: g.attribute(), Len: 300} }},
	{1, func(g *generator) Step { return Step{Op: "listxattr", Path: g.any()} }},
	{1, func(g *generator) Step { return Step{Op: "readlink", Path: g.path()} }},
	{4, func(g *generator) Step { return Step{Op: "readdir", Path: g.any()} }},
	{1, func(g *generator) Step { return Step{Op: "sync"} }},
	{1, func(g *generator) Step {
		if g.rng.IntN(4) > 0 {
			return Step{Op: "sync"}
		}
		return Step{Op: "reopen"}
	}},
	{25, func(g *generator) Step {
		return Step{Op: "open", Path: g.target(), Slot: g.rng.IntN(slots), Flags: g.flags(), Mode: 0644}
	}},
	{5, func(g *generator) Step { return Step{Op: "close", Slot: g.slot()} }},
	{40, func(g *generator) Step { return g.inFile(Step{Op: "write", Len: g.size()}) }},
	{25, func(g *generator) Step { return g.inFile(Step{Op: "read", Len: g.size()}) }},
	{6, func(g *generator) Step {
		s := g.inFile(Step{Op: "ftruncate"})
		s.Off, s.Len = 0, s.Off
		return s
	}},
	{12, func(g *generator) Step { return Step{Op: "fsync", Slot: g.slot()} }},
	{6, func(g *generator) Step {
		modes := []uint32{0, unix.FALLOC_FL_KEEP_SIZE, unix.FALLOC_FL_ZERO_RANGE,
			unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE, unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE}
		return g.inFile(Step{Op: "fallocate", Len: g.size() + 1, Mode: modes[g.rng.IntN(len(modes))]})
	}},
	{1, func(g *generator) Step {
		return Step{Op: "burst", Slot: g.slot(), Off: 1 + g.size()*g.rng.Int64N(8), Len: 5 + g.rng.Int64N(60)}
	}},
}

func (g *generator) step(pick int) Step {
	for _, c := range choices {
		if pick -= c.weight; pick < 0 {
			return c.make(g)
		}
	}
	panic("unreachable")
}

// path is most often one that is there.
func (g *generator) path() string {
	if len(g.paths) > 0 && g.rng.IntN(8) > 0 {
		return g.paths[g.rng.IntN(len(g.paths))]
	}
	return path.Join(g.name(), g.name())
}

// place is where something could be made: a name in a directory that is there.
func (g *generator) place() string {
	if g.rng.IntN(20) == 0 {
		return path.Join(g.path(), g.name())
	}
	dir, at := "", g.model.root
	for range g.rng.IntN(4) {
		names := at.names()
		if len(names) == 0 {
			break
		}
		name := names[g.rng.IntN(len(names))]
		if !at.entries[name].isDir() {
			break
		}
		dir, at = path.Join(dir, name), at.entries[name]
	}
	return path.Join(dir, g.name())
}

// target is a path that is there, or could be.
func (g *generator) target() string {
	if g.rng.IntN(2) == 0 {
		return g.path()
	}
	return g.place()
}

// any is a path or the root.
func (g *generator) any() string {
	if g.rng.IntN(10) == 0 {
		return "."
	}
	return g.path()
}

// name is one of few, so that names meet.
func (g *generator) name() string {
	switch g.rng.IntN(100) {
	case 0:
		return strings.Repeat("n", namespace.MaxName)
	case 1:
		return strings.Repeat("o", namespace.MaxName+1)
	}
	names := []string{"a", "b", "c", "d", "a-", "e"}
	return names[g.rng.IntN(len(names))]
}

func (g *generator) attribute() string { return "user." + string(rune('a'+g.rng.IntN(4))) }

// mode has no setuid, for root's writes leave that to the file system.
func (g *generator) mode() uint32 {
	modes := []uint32{0755, 0700, 0644, 0600, 01755, 0400, 0}
	return modes[g.rng.IntN(len(modes))]
}

func (g *generator) flags() int {
	flags := []int{unix.O_RDWR, unix.O_RDWR, unix.O_RDWR, unix.O_WRONLY, unix.O_RDONLY}[g.rng.IntN(5)]
	odds := map[int]int{unix.O_CREAT: 70, unix.O_EXCL: 10, unix.O_APPEND: 20, unix.O_TRUNC: 15}
	for _, bit := range []int{unix.O_CREAT, unix.O_EXCL, unix.O_APPEND, unix.O_TRUNC} {
		if g.rng.IntN(100) < odds[bit] {
			flags |= bit
		}
	}
	if flags&unix.O_CREAT == 0 {
		flags &^= unix.O_EXCL // means nothing alone
	}
	if flags&unix.O_ACCMODE == unix.O_RDONLY {
		flags &^= unix.O_TRUNC // nor does this
	}
	return flags
}

// slot is one with a file, if there is any: often the one of last time, for
// much goes wrong only when one thing comes right after another.
func (g *generator) slot() int {
	if g.rng.IntN(3) == 0 {
		g.last = g.rng.IntN(slots)
	}
	for range slots {
		if g.player.files[g.last] != nil {
			break
		}
		g.last = (g.last + 1) % slots
	}
	return g.last
}

// inFile gives a step an open file and an offset, which is often near its end.
func (g *generator) inFile(s Step) Step {
	s.Slot, s.Off = g.slot(), g.offset()
	f, ok := g.player.files[s.Slot].(*modelFile)
	if !ok || g.rng.IntN(4) > 0 {
		return s
	}
	s.Off = f.node.content.size
	if g.rng.IntN(2) == 0 {
		s.Off = g.near(s.Off)
	}
	return s
}

// borders are where one unit of something ends and the next begins.
var borders = []int64{4 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 1 << 20, 4 << 20}

// size is 0 to 200 KiB, small ones as often as large ones.
func (g *generator) size() int64 {
	if g.rng.IntN(4) == 0 {
		border := borders[g.rng.IntN(4)]
		return border - 1 + g.rng.Int64N(3)
	}
	return g.rng.Int64N(1 + 200<<10>>g.rng.IntN(18))
}

// offset is near the start, or near a border, rarely far away.
func (g *generator) offset() int64 {
	switch pick := g.rng.IntN(100); {
	case pick < 15:
		return 0
	case pick < 50:
		return g.rng.Int64N(300 << 10)
	case pick < 85:
		return g.near(borders[g.rng.IntN(5)] * g.rng.Int64N(4))
	case pick < 99:
		return g.near(borders[g.rng.IntN(7)] * (1 + g.rng.Int64N(2)))
	}
	return 1 << (30 + g.rng.IntN(10))
}

// near is close to a place, on either side.
func (g *generator) near(place int64) int64 {
	reach := []int64{1, 2, 100, 5000}[g.rng.IntN(4)]
	return max(0, place-reach+g.rng.Int64N(2*reach+1))
}
