package gatewaylite

import (
	"context"
	"errors"
	"os"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// codes is what a client is told of each kind of error, unless the handler
// knows better: NotFound may be of a bucket, an upload or a version.
var codes = map[blockstore.Kind]s3err.Code{
	blockstore.Other:         s3err.InternalError,
	blockstore.NotFound:      s3err.NoSuchKey,
	blockstore.Exists:        s3err.PreconditionFailed,
	blockstore.NotDirectory:  s3err.InternalError,
	blockstore.IsDirectory:   s3err.InternalError,
	blockstore.NotEmpty:      s3err.BucketNotEmpty,
	blockstore.Invalid:       s3err.InvalidArgument,
	blockstore.NameTooLong:   s3err.KeyTooLongError,
	blockstore.TooLarge:      s3err.EntityTooLarge,
	blockstore.TooManyLinks:  s3err.InternalError,
	blockstore.Permission:    s3err.AccessDenied,
	blockstore.CrossBucket:   s3err.InternalError,
	blockstore.NoAttribute:   s3err.InternalError,
	blockstore.NoSpace:       s3err.InsufficientStorage,
	blockstore.Unsupported:   s3err.NotImplemented,
	blockstore.Busy:          s3err.OperationAborted,
	blockstore.Stale:         s3err.OperationAborted,
	blockstore.OutOfRange:    s3err.InvalidRange,
	blockstore.Conflict:      s3err.ConditionalRequestConflict,
	blockstore.Unknown:       s3err.ServiceUnavailable,
	blockstore.Unavailable:   s3err.ServiceUnavailable,
	blockstore.Corrupt:       s3err.InternalError,
	blockstore.NewerFormat:   s3err.InternalError,
	blockstore.Locked:        s3err.ServiceUnavailable,
	blockstore.CursorExpired: s3err.InternalError,
	blockstore.ReadOnly:      s3err.AccessDenied,
	blockstore.Closed:        s3err.ServiceUnavailable,
	blockstore.Canceled:      s3err.RequestTimeout,
}

// translate is the answer to an error of the volume; one that is an answer of S3
// already stays.
func translate(err error) *s3err.Error {
	var e *s3err.Error
	var c s3err.Code
	if err == nil || errors.As(err, &e) || errors.As(err, &c) {
		return s3err.From(err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return s3err.Wrap(s3err.RequestTimeout, err)
	}
	return s3err.Wrap(codes[blockstore.KindOf(err)], err)
}

// noSuchBucket says that it is the bucket that was not found, or can't exist.
func noSuchBucket(err error, name string) error {
	code := s3err.NoSuchBucket
	switch blockstore.KindOf(err) {
	case blockstore.Invalid:
		code = s3err.InvalidBucketName
	case blockstore.NotFound, blockstore.Stale:
	default:
		return err
	}
	return s3err.Wrap(code, err).With("BucketName", name)
}

// bodyError is the answer to a body that could not be read to its end.
func bodyError(err error) error {
	var e *s3err.Error
	switch {
	case err == nil, errors.As(err, &e):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return s3err.Wrap(s3err.RequestTimeout, err)
	}
	return s3err.Wrap(s3err.IncompleteBody, err)
}
