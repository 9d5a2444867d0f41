package fusefs

import (
	"context"
	"errors"

	"github.com/cairnfs/cairn/blockstore"
	"golang.org/x/sys/unix"
)

// errnos is the one translation of Kinds to what programs see.
var errnos = map[blockstore.Kind]unix.Errno{
	blockstore.Other:         unix.EIO,
	blockstore.NotFound:      unix.ENOENT,
	blockstore.Exists:        unix.EEXIST,
	blockstore.NotDirectory:  unix.ENOTDIR,
	blockstore.IsDirectory:   unix.EISDIR,
	blockstore.NotEmpty:      unix.ENOTEMPTY,
	blockstore.Invalid:       unix.EINVAL,
	blockstore.NameTooLong:   unix.ENAMETOOLONG,
	blockstore.TooLarge:      unix.EFBIG,
	blockstore.TooManyLinks:  unix.EMLINK,
	blockstore.Permission:    unix.EACCES,
	blockstore.CrossBucket:   unix.EXDEV,
	blockstore.NoAttribute:   unix.ENODATA,
	blockstore.NoSpace:       unix.ENOSPC,
	blockstore.Unsupported:   unix.EOPNOTSUPP,
	blockstore.Busy:          unix.EBUSY,
	blockstore.Stale:         unix.ESTALE,
	blockstore.OutOfRange:    unix.EINVAL,
	blockstore.Conflict:      unix.EAGAIN,
	blockstore.Unknown:       unix.EIO,
	blockstore.Unavailable:   unix.ETIMEDOUT,
	blockstore.Corrupt:       unix.EIO,
	blockstore.NewerFormat:   unix.EIO,
	blockstore.Locked:        unix.EBUSY,
	blockstore.CursorExpired: unix.EIO,
	blockstore.ReadOnly:      unix.EROFS,
	blockstore.Closed:        unix.EIO,
	blockstore.Canceled:      unix.EINTR,
}

// errnoOf is the bare errno of an error.
func errnoOf(err error) unix.Errno {
	switch e := err.(type) {
	case unix.Errno: // of this package's own making
		return e
	case *blockstore.Error:
		if e.Kind != blockstore.Other {
			return errnos[e.Kind]
		}
	}
	kind := blockstore.KindOf(err)
	switch {
	case kind != blockstore.Other:
		return errnos[kind]
	case errors.Is(err, context.Canceled):
		return unix.EINTR
	case errors.Is(err, context.DeadlineExceeded):
		return unix.ETIMEDOUT
	}
	return unix.EIO
}
