package fusefs

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"golang.org/x/sys/unix"
)

func TestEveryKindHasAnErrno(t *testing.T) {
	for _, k := range blockstore.Kinds() {
		want, ok := errnos[k]
		if !ok || want == 0 {
			t.Errorf("%v has no errno", k)
		}
		wrapped := fmt.Errorf("open: %w", blockstore.E("get", "x", blockstore.Other, blockstore.E("inner", "", k, nil)))
		for _, err := range []error{k, blockstore.E("get", "x", k, nil), wrapped} {
			if got := errnoOf(err); got != want {
				t.Errorf("errnoOf(%v) = %v, want %v", err, got, want)
			}
		}
	}
	if len(errnos) != len(blockstore.Kinds()) {
		t.Errorf("%d errnos for %d kinds", len(errnos), len(blockstore.Kinds()))
	}
}

func TestErrnoOfOthers(t *testing.T) {
	for err, want := range map[error]unix.Errno{
		unix.ERANGE:                  unix.ERANGE,
		context.Canceled:             unix.EINTR,
		context.DeadlineExceeded:     unix.ETIMEDOUT,
		errors.New("out of nowhere"): unix.EIO,
	} {
		if got := errnoOf(err); got != want {
			t.Errorf("errnoOf(%v) = %v, want %v", err, got, want)
		}
	}
	canceled := blockstore.E("read", "x", blockstore.Other, fmt.Errorf("fetch: %w", context.Canceled))
	if got := errnoOf(canceled); got != unix.EINTR {
		t.Errorf("errnoOf(%v) = %v", canceled, got)
	}
}
