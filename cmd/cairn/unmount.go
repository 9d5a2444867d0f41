package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/fusefs"
)

func newUnmount(*app) *cobra.Command {
	return &cobra.Command{
		Use:     "unmount MOUNTPOINT",
		Short:   "Unmount a directory; the process that serves it flushes and ends",
		Example: "  cairn unmount ~/files",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			at, err := expand(args[0])
			if err != nil {
				return err
			}
			return unmount(at)
		},
	}
}

// unmount returns when all that was closed is durable; then the process that
// serves the mount has little to do before it ends. It says who is in the way, if somebody is.
func unmount(at string) error {
	if dir, err := os.Open(at); err == nil {
		err = dir.Sync()
		dir.Close()
		if err != nil {
			return osError("flush", at, err)
		}
	}
	err := fusefs.Unmount(at)
	if errors.Is(err, blockstore.Busy) {
		return blockstore.E("unmount", at, blockstore.Busy, errors.New("in use by "+listUsers(at)+": end that first"))
	}
	return err
}
