package gatewaylite

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// Every kind of error has an answer, and only those that a retry can help are
// answered with one that clients retry.
func TestKinds(t *testing.T) {
	fault := map[blockstore.Kind]bool{ // of the gateway, not of the request
		blockstore.Other: true, blockstore.NotDirectory: true, blockstore.IsDirectory: true, blockstore.TooManyLinks: true,
		blockstore.CrossBucket: true, blockstore.NoAttribute: true, blockstore.NoSpace: true, blockstore.Unsupported: true,
		blockstore.Unknown: true, blockstore.Unavailable: true, blockstore.Corrupt: true, blockstore.NewerFormat: true,
		blockstore.Locked: true, blockstore.CursorExpired: true, blockstore.Closed: true,
	}
	for _, kind := range blockstore.Kinds() {
		code, ok := codes[kind]
		if !ok {
			t.Errorf("kind %q has no code", kind.Error())
		}
		e := translate(blockstore.E("put", "name", kind, errors.New("cause")))
		if e.Code != code || !errors.Is(e, kind) && kind != blockstore.Other {
			t.Errorf("kind %q is answered with %v", kind.Error(), e)
		}
		if got := e.Status() >= 500; got != fault[kind] {
			t.Errorf("kind %q has status %d", kind.Error(), e.Status())
		}
	}
	if len(codes) != len(blockstore.Kinds()) {
		t.Errorf("%d codes for %d kinds", len(codes), len(blockstore.Kinds()))
	}
}

// What is an answer of S3 already stays, however it is wrapped.
func TestTranslateKeeps(t *testing.T) {
	err := blockstore.E("put", "key", blockstore.Conflict, s3err.New(s3err.PreconditionFailed))
	if e := translate(err); e.Code != s3err.PreconditionFailed {
		t.Errorf("translated to %v", e)
	}
	if e := translate(fmt.Errorf("x: %w", s3err.SlowDown)); e.Code != s3err.SlowDown {
		t.Errorf("translated to %v", e)
	}
	if e := translate(context.Canceled); e.Code != s3err.RequestTimeout {
		t.Errorf("translated to %v", e)
	}
	if translate(nil) != nil {
		t.Error("no error is translated to one")
	}
}
