package blockstore_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
)

func TestKinds(t *testing.T) {
	texts := map[string]blockstore.Kind{}
	for _, k := range blockstore.Kinds() {
		if old, twice := texts[k.Error()]; twice || k.Error() == "" {
			t.Errorf("kind %d has the text %q, as %d has", k, k.Error(), old)
		}
		texts[k.Error()] = k
		err := fmt.Errorf("above: %w", blockstore.E("op", "name", k, io.ErrUnexpectedEOF))
		for _, other := range blockstore.Kinds() {
			if errors.Is(err, other) != (k == other) {
				t.Errorf("errors.Is(%v, %v) is %v", err, other, k != other)
			}
		}
		if blockstore.KindOf(err) != k || blockstore.KindOf(fmt.Errorf("above: %w", k)) != k {
			t.Errorf("kind of %v is %v, want %v", err, blockstore.KindOf(err), k)
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v has lost its cause", err)
		}
	}
}

func TestKindIsKept(t *testing.T) {
	inner := blockstore.E("get block", "b", blockstore.Corrupt, nil)
	for _, tc := range []struct {
		err  error
		want blockstore.Kind
	}{
		{blockstore.E("read", "f", blockstore.Other, inner), blockstore.Corrupt},
		{blockstore.E("read", "f", blockstore.Other, blockstore.Corrupt), blockstore.Corrupt},
		{blockstore.E("read", "f", blockstore.NotFound, inner), blockstore.NotFound},
		{blockstore.E("read", "f", blockstore.Other, io.EOF), blockstore.Other},
		{io.EOF, blockstore.Other},
		{nil, blockstore.Other},
	} {
		if got := blockstore.KindOf(tc.err); got != tc.want {
			t.Errorf("kind of %v is %v, want %v", tc.err, got, tc.want)
		}
	}
}

// An error is one line that says each thing once.
func TestErrorText(t *testing.T) {
	inner := blockstore.E("get block", "s/1", blockstore.NotFound, nil)
	for _, tc := range []struct {
		err  error
		want string
	}{
		{inner, "get block s/1: not found"},
		{blockstore.E("sync", "", blockstore.Unavailable, io.EOF), "sync: unavailable: EOF"},
		{blockstore.E("read", "f", blockstore.Other, inner), "read f: get block s/1: not found"},
		{blockstore.E("read", "f", blockstore.Corrupt, inner), "read f: corrupt: get block s/1: not found"},
		{blockstore.E("read", "f", blockstore.NotFound, fmt.Errorf("cache: %w", inner)), "read f: cache: get block s/1: not found"},
		{blockstore.E("read", "f", blockstore.NoSpace, blockstore.NoSpace), "read f: no space left"},
		{blockstore.E("read", "f", blockstore.Other, io.EOF), "read f: EOF"},
		{blockstore.E("read", "f", blockstore.Other, nil), "read f"},
	} {
		if got := tc.err.Error(); got != tc.want || strings.Contains(got, "\n") {
			t.Errorf("error is %q, want %q", got, tc.want)
		}
	}
}
