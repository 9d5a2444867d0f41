package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

func newTrash(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trash",
		Short: "List, or empty, what is kept of removed and replaced files",
		Long: "List, or empty, what is kept of removed and replaced files for the history time\n" +
			"(`cairn config get history-time`). `cairn restore` brings it back. The versions of\n" +
			"versioned buckets are not among it.",
		Example: "  cairn trash list home\n  cairn trash empty home/tmp --older-than 2h",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTrashList(a), newTrashEmpty(a))
	return cmd
}

func newTrashList(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list [BUCKET[/PREFIX]]",
		Short:   "List what is kept of removed and replaced files",
		Example: "  cairn trash list\n  cairn trash list home/photos --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := trashPlace(args)
			if err != nil {
				return err
			}
			return a.withVolume(cmd.Context(), opening{command: "trash list"},
				func(ctx context.Context, vol *namespace.Volume) error {
					path, err := at.key(ctx, vol)
					if err != nil {
						return err
					}
					var all []namespace.Past
					for p, err := range vol.Trash(ctx, path) {
						if err != nil {
							return err
						}
						all = append(all, p)
					}
					return a.showPast(all, true, asJSON)
				})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newTrashEmpty(a *app) *cobra.Command {
	var older string
	cmd := &cobra.Command{
		Use:     "empty [BUCKET[/PREFIX]]",
		Short:   "Give up what is kept of removed and replaced files: it can't be restored then",
		Example: "  cairn trash empty home/tmp\n  cairn trash empty --older-than 2h",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := trashPlace(args)
			if err != nil {
				return err
			}
			age, err := parseSpan(older)
			if err != nil {
				return usagef("--older-than %s: %w", older, err)
			}
			return a.withVolume(cmd.Context(), opening{command: "trash empty"},
				func(ctx context.Context, vol *namespace.Volume) error {
					path, err := at.key(ctx, vol)
					if err != nil {
						return err
					}
					count, bytes, err := vol.EmptyTrash(ctx, path, namespace.TimeOf(time.Now().Add(-age)))
					if err == nil {
						a.printf("gave up %d contents of %s\n", count, human(bytes))
					}
					return err
				})
		},
	}
	cmd.Flags().StringVar(&older, "older-than", "0s", "only what was removed or replaced this `long` ago")
	return cmd
}

func trashPlace(args []string) (place, error) {
	if len(args) == 0 {
		return place{}, nil
	}
	return where(args[0])
}
