package namespacetest

import "syscall"

// Rename moves a name.
func (m Model) Rename(old, path string) error {
	from, err := m.place(old, false)
	if err != nil {
		return err
	}
	to, err := m.place(path, false)
	switch {
	case from.node == nil && (err == nil || err == syscall.ENAMETOOLONG):
		return syscall.ENOENT
	case err != nil:
		return err
	case from.node == to.node:
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
