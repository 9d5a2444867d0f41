package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

func newFormat(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "format",
		Short:   "Make a new volume in an empty store",
		Long:    "Make a new volume in an empty store. `cairn up` and `cairn mount` do this by\nthemselves; format is for choosing settings at the start. It never erases anything.",
		Example: "  cairn --store /data/cairn format --history-time 7d",
		Args:    cobra.NoArgs,
	}
	choose := settingFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		set := namespace.DefaultSettings()
		if err := choose(&set); err != nil {
			return err
		}
		return a.withStore(cmd.Context(), true, func(ctx context.Context, s blockstore.Store) error {
			return namespace.Format(ctx, s, set)
		})
	}
	return cmd
}
