package main

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/cairnfs/cairn/blockstore"
)

// osError gives an error of the operating system its kind, and takes off what
// op and name say already.
func osError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	var p *fs.PathError
	if errors.As(err, &p) && p.Path == name {
		err = p.Err
	}
	return blockstore.E(op, name, osKind(err), err)
}

func osKind(err error) blockstore.Kind {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return blockstore.NotFound
	case errors.Is(err, fs.ErrPermission):
		return blockstore.Permission
	case errors.Is(err, fs.ErrExist):
		return blockstore.Exists
	case errors.Is(err, syscall.ENOTDIR):
		return blockstore.NotDirectory
	case errors.Is(err, syscall.EBUSY):
		return blockstore.Busy
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return blockstore.NoSpace
	case errors.Is(err, syscall.EROFS):
		return blockstore.ReadOnly
	}
	return blockstore.Other
}
