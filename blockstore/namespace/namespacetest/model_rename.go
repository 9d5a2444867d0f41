package namespacetest

import "syscall"

// Rename moves a name. Both directories are found before either name is.
func (m Model) Rename(old, path string) error {
	from, err := m.free(old, false)
	if err != nil {
		return err
	}
	to, err := m.free(path, false)
	if err != nil {
		return err
	}
	if err := from.look(); err != nil {
		return err
	}
	if from.node == nil {
		return syscall.ENOENT
	}
	if err := to.look(); err != nil {
		return err
	}
	if from.node == to.node {
		return nil // one node under both names: nothing is done
	}
	if err := replaceable(from, to); err != nil {
		return err
	}
	m.replace(from, to)
	return nil
}

// replaceable says why what is at to can't give way to what is at from.
func replaceable(from, to place) error {
	for d := to.dir; d != nil; d = d.parent {
		if d == from.node {
			return syscall.EINVAL
		}
	}
	switch {
	case to.node == nil:
		return nil
	case from.node.isDir() && !to.node.isDir():
		return syscall.ENOTDIR
	case !from.node.isDir() && to.node.isDir():
		return syscall.EISDIR
	case len(to.node.entries) > 0:
		return syscall.ENOTEMPTY
	}
	return nil
}

func (m Model) replace(from, to place) {
	switch {
	case to.node == nil:
	case to.node.isDir():
		m.detach(to)
	default:
		m.drop(to)
	}
	m.detach(from)
	m.attach(to, from.node)
	from.node.looseCtime = true
}
