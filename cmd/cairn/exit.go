package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
)

// Exit statuses, as every help text repeats them.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitState       = 4
	exitLocked      = 5
	exitCorrupt     = 6
	exitNoSpace     = 7
	exitPermission  = 8
	exitNewer       = 9
	exitInterrupted = 130
)

const exitHelp = `Exit status:
  0  done
  1  failed, for a reason not listed here
  2  wrong usage
  3  no such store, bucket or directory
  4  exists already, is not empty, or is in use
  5  another process has the store open, and does not share it
  6  stored data is damaged
  7  no space left
  8  permission denied
  9  the store was written by a newer version of cairn
130  interrupted
`

// outcome is what one kind of error means to a user.
type outcome struct {
	status int
	advice string // what to do; may be empty
}

// outcomes translates every kind: the only table of exit statuses.
var outcomes = map[blockstore.Kind]outcome{
	blockstore.Other:         {exitFailed, ""},
	blockstore.NotFound:      {exitNotFound, ""},
	blockstore.Exists:        {exitState, ""},
	blockstore.NotDirectory:  {exitState, ""},
	blockstore.IsDirectory:   {exitState, ""},
	blockstore.NotEmpty:      {exitState, ""},
	blockstore.Invalid:       {exitUsage, ""},
	blockstore.NameTooLong:   {exitUsage, ""},
	blockstore.TooLarge:      {exitUsage, ""},
	blockstore.TooManyLinks:  {exitFailed, ""},
	blockstore.Permission:    {exitPermission, ""},
	blockstore.CrossBucket:   {exitFailed, ""},
	blockstore.NoAttribute:   {exitNotFound, ""},
	blockstore.NoSpace:       {exitNoSpace, "free some space on the disk of the store, or choose another with --store"},
	blockstore.Unsupported:   {exitFailed, ""},
	blockstore.Busy:          {exitState, ""},
	blockstore.Stale:         {exitNotFound, ""},
	blockstore.OutOfRange:    {exitFailed, ""},
	blockstore.Conflict:      {exitFailed, "try again"},
	blockstore.Unknown:       {exitFailed, "try again"},
	blockstore.Unavailable:   {exitFailed, ""},
	blockstore.Corrupt:       {exitCorrupt, "run `cairn fsck --data` to see what is damaged, and restore that from a backup"},
	blockstore.NewerFormat:   {exitNewer, "install that version"},
	blockstore.Locked:        {exitLocked, "stop that process first"},
	blockstore.CursorExpired: {exitFailed, ""},
	blockstore.ReadOnly:      {exitPermission, ""},
	blockstore.Closed:        {exitFailed, ""},
	blockstore.Canceled:      {exitInterrupted, ""},
}

// usage is a mistake in the command line or the config file.
type usage struct{ err error }

func (u usage) Error() string { return u.err.Error() }
func (u usage) Unwrap() error { return u.err }

func usagef(format string, args ...any) error {
	return usage{fmt.Errorf(format, args...)}
}

// interrupted is the failure of a command that a signal ended.
type interrupted struct{ err error }

func (i interrupted) Error() string { return "interrupted: " + i.err.Error() }
func (i interrupted) Unwrap() error { return i.err }

// advised is an error with its own word on what to do.
type advised struct {
	err    error
	advice string
}

func (a advised) Error() string { return a.err.Error() }
func (a advised) Unwrap() error { return a.err }

// status is the exit status for an error.
func status(err error) int {
	var u usage
	var i interrupted
	var child childFailed
	switch {
	case err == nil:
		return 0
	case errors.As(err, &child):
		return child.code
	case errors.As(err, &i):
		return exitInterrupted
	case errors.As(err, &u):
		return exitUsage
	}
	return outcomes[blockstore.KindOf(err)].status
}

func canceled(err error) bool {
	return errors.Is(err, context.Canceled) || blockstore.KindOf(err) == blockstore.Canceled
}

// message is the one line for an error: what, which object, why, what to do.
func message(err error) string {
	line := "cairn: " + strings.Join(strings.Fields(err.Error()), " ")
	if advice := advice(err); advice != "" {
		line += " (" + advice + ")"
	}
	return line
}

func advice(err error) string {
	var a advised
	if errors.As(err, &a) {
		return a.advice
	}
	return outcomes[blockstore.KindOf(err)].advice
}
