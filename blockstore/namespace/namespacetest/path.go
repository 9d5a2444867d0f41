package namespacetest

import (
	"strings"
	"syscall"
)

// tree is what a walk needs of a tree of nodes N.
type tree[N any] interface {
	// lookup fails with ENOTDIR if dir is not a directory.
	lookup(dir N, name string) (N, error)
	// target is where n leads if it is a symbolic link.
	target(n N) (string, bool, error)
}

// maxLinks is how many symbolic links a path may lead through.
const maxLinks = 40

// walker resolves paths as the kernel does.
type walker[N any] struct {
	tree tree[N]
	root N
}

// locate returns the directory that has, or would have, the last name of a
// path, and that name; "." is the directory itself. A symbolic link under the
// last name is followed if follow is set.
func (w walker[N]) locate(path string, follow bool) (N, string, error) {
	stack := []N{w.root} // the directories down to where the walk is
	links := 0
	for todo := strings.Split(path, "/"); len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		top := stack[len(stack)-1]
		switch name {
		case "", ".":
			continue
		case "..":
			stack = stack[:max(1, len(stack)-1)]
			continue
		}
		last := len(todo) == 0
		if last && !follow {
			return top, name, nil
		}
		n, err := w.tree.lookup(top, name)
		if last && err == syscall.ENOENT {
			return top, name, nil
		}
		if err != nil {
			return top, "", err
		}
		target, linked, err := w.tree.target(n)
		switch {
		case err != nil:
			return top, "", err
		case linked && links == maxLinks:
			return top, "", syscall.ELOOP
		case linked:
			links++
			todo = append(strings.Split(target, "/"), todo...)
		case last:
			return top, name, nil
		default:
			stack = append(stack, n)
		}
	}
	return stack[len(stack)-1], ".", nil
}

// node returns what is at a path.
func (w walker[N]) node(path string, follow bool) (N, error) {
	dir, name, err := w.locate(path, follow)
	if err != nil || name == "." {
		return dir, err
	}
	return w.tree.lookup(dir, name)
}
