package namespacetest

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Player plays steps on one FS, without a model beside it.
type Player struct{ p player }

// NewPlayer returns a player that has no file open.
func NewPlayer(fs FS) *Player { return &Player{player{fs: fs}} }

// Play plays a step and says whether it did something. Some steps are meant to
// fail.
func (p *Player) Play(s Step) bool {
	o := p.p.play(s)
	return o.err == nil && o.text != noFile
}

// Try plays a step and returns how it failed.
func (p *Player) Try(s Step) error { return p.p.play(s).err }

// Same says how the tree in fs differs from the model: in names, kinds, modes,
// links, content, targets and extended attributes, but not in owners or times.
func (m Model) Same(fs FS) error {
	if err := compareTree(m.root, ".", fs); err != nil {
		return fmt.Errorf("not as the model: %w", err)
	}
	return nil
}

// Close closes all files that the steps left open.
func (p *Player) Close() error { return p.p.closeAll() }

// Clear removes everything below a path.
func Clear(fs FS, path string) error {
	names, err := list(fs, path)
	for _, name := range names {
		if err == nil {
			err = remove(fs, path+"/"+name)
		}
	}
	return err
}

func remove(fs FS, path string) error {
	st, err := fs.Lstat(path)
	if err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return fs.Unlink(path)
	}
	if err := Clear(fs, path); err != nil {
		return err
	}
	return fs.Rmdir(path)
}
