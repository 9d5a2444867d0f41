package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

func newGC(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Give the disk the space of everything that is no longer kept",
		Long: "Give the disk the space of everything that is no longer kept: of removed and\n" +
			"replaced files after the history time, and of writes that a crash cut off. A\n" +
			"running mount does this by itself, in the background.",
		Example: "  cairn config set history-time 0s && cairn gc",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withVolume(cmd.Context(), opening{command: "gc"},
				func(ctx context.Context, vol *namespace.Volume) error { return a.collect(ctx, vol, asJSON) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) collect(ctx context.Context, vol *namespace.Volume, asJSON bool) error {
	p := newProgress(a.err)
	done, err := vol.Collect(ctx, func(c namespace.Collected) {
		p.show("gc: removed %d contents and %d segments, compacted %d files", c.Contents, c.Segments, c.Compacted)
	})
	p.clear()
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(map[string]int{
			"contents": done.Contents, "segments": done.Segments, "compacted": done.Compacted,
		})
	}
	a.printf("removed the content of %d files and %d segments, compacted %d files\n",
		done.Contents, done.Segments, done.Compacted)
	return nil
}
