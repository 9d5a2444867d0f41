package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
)

// TestEveryKindHasAnOutcome: an error of any kind ends with a status that the help
// explains, and with one line.
func TestEveryKindHasAnOutcome(t *testing.T) {
	for _, kind := range blockstore.Kinds() {
		if _, ok := outcomes[kind]; !ok {
			t.Errorf("%v: no outcome", kind)
		}
		err := blockstore.E("mount", "x", kind, errors.New("first\nsecond"))
		if s := status(fmt.Errorf("wrapped: %w", err)); !strings.Contains(exitHelp, fmt.Sprintf("%3d  ", s)) {
			t.Errorf("%v: status %d is not in the help", kind, s)
		}
		if m := message(err); strings.Contains(m, "\n") || !strings.Contains(m, outcomes[kind].advice) {
			t.Errorf("%v: message %q", kind, m)
		}
	}
}

func TestStatus(t *testing.T) {
	full := blockstore.E("put", "b", blockstore.NoSpace, nil)
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("whatever"), exitFailed},
		{usagef("no"), exitUsage},
		{advised{full, "buy a disk"}, exitNoSpace},
		{interrupted{context.Canceled}, exitInterrupted},
		{childFailed{7, "text"}, 7},
	} {
		if got := status(c.err); got != c.want {
			t.Errorf("%v: status %d, want %d", c.err, got, c.want)
		}
	}
	if m := message(advised{full, "buy a disk"}); m != "cairn: put b: no space left (buy a disk)" {
		t.Errorf("message %q", m)
	}
}
