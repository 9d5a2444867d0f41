package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

const restoreLong = `Bring back what a file was: at a time, or the version with an id of ` + "`cairn history`" + `,
or else what was replaced or removed last. What is there now goes to history itself.
With --at, a directory is brought back with all that was below it then; files that
came later stay. No data is moved, whatever the size.

` + pathHelp + ` With --to
the content gets another path, and history keeps it too. TIME is RFC 3339,
"2026-11-23 10:00" in local time, or how long ago: "10m ago", 2h, 3d.`

// restoreCommand is what `cairn restore` was asked for.
type restoreCommand struct {
	*app
	at, version, to string
}

func newRestore(a *app) *cobra.Command {
	r := &restoreCommand{app: a}
	cmd := &cobra.Command{
		Use:   "restore PATH",
		Short: "Bring back what a file, or a directory, was before",
		Long:  restoreLong,
		Example: "  cairn restore home/notes.txt\n  cairn restore home/photos --at \"10m ago\"\n" +
			"  cairn restore home/notes.txt --at \"2026-11-23 10:00\" --to home/notes.old",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd.Context(), args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&r.at, "at", "", "as it was at this `time`")
	f.StringVar(&r.version, "version", "", "the `id` of what to bring back")
	f.StringVar(&r.to, "to", "", "another `path` for it")
	return cmd
}

func (r *restoreCommand) run(ctx context.Context, arg string) error {
	if r.at != "" && r.version != "" {
		return usagef("restore %s: a version has its time: give --at or --version", arg)
	}
	what := namespace.Restore{Version: r.version}
	if r.at != "" {
		at, err := moment(r.at, time.Now())
		if err != nil {
			return usage{err}
		}
		what.At = namespace.TimeOf(at)
	}
	from, err := where(arg)
	if err != nil {
		return err
	}
	to, err := where(r.to)
	if err != nil {
		return err
	}
	return r.withVolume(ctx, opening{command: "restore"}, func(ctx context.Context, vol *namespace.Volume) error {
		return r.restore(ctx, vol, from, to, what)
	})
}

func (r *restoreCommand) restore(ctx context.Context, vol *namespace.Volume, from, to place, what namespace.Restore) error {
	path, err := from.key(ctx, vol)
	if err != nil {
		return err
	}
	if what.To, err = to.key(ctx, vol); err != nil {
		return err
	}
	done, err := vol.Door("restore").Restore(ctx, path, what)
	for _, p := range done {
		r.printf("restored %s\n", p)
	}
	if err == nil && len(done) == 0 {
		r.printf("%s is as it was\n", path)
	}
	return err
}
