package main

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

func newHistory(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "history PATH",
		Short: "Show what a file was before, through whatever door it was changed",
		Long: "Show what a file was before, through whatever door it was changed: the present\n" +
			"content, and those that were replaced or removed and can be restored.\n\n" + pathHelp,
		Example: "  cairn history home/notes.txt\n  cairn history ~/Cairn/notes.txt --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := where(args[0])
			if err != nil {
				return err
			}
			return a.withVolume(cmd.Context(), opening{command: "history"},
				func(ctx context.Context, vol *namespace.Volume) error {
					path, err := at.key(ctx, vol)
					if err != nil {
						return err
					}
					all, err := vol.History(ctx, path)
					if err != nil {
						return err
					}
					return a.showPast(all, false, asJSON)
				})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// pastJSON is a row of `history --json` and `trash list --json`.
type pastJSON struct {
	Path    string     `json:"path"`
	ID      string     `json:"id"`
	State   string     `json:"state"`
	Bytes   int64      `json:"bytes"`
	Written time.Time  `json:"written"`
	Until   *time.Time `json:"until,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
	By      string     `json:"by,omitempty"`
}

// showPast prints what was; with paths, if they differ.
func (a *app) showPast(all []namespace.Past, paths, asJSON bool) error {
	list := make([]pastJSON, 0, len(all))
	rows := [][]string{{"ID", "STATE", "SIZE", "WRITTEN", "UNTIL", "BY"}}
	if paths {
		rows[0] = append(rows[0], "PATH")
	}
	for _, p := range all {
		list = append(list, pastJSON{
			p.Path, p.ID, stateOf(p), p.Size, p.Made.Time(), timeJSON(p.Until), timeJSON(p.Expires), p.By,
		})
		row := []string{p.ID, stateOf(p), human(p.Size), timeText(p.Made), timeText(p.Until), cmp.Or(p.By, "-")}
		if paths {
			row = append(row, p.Path)
		}
		rows = append(rows, row)
	}
	if asJSON {
		return a.printJSON(list)
	}
	return a.table(rows)
}

func timeJSON(t namespace.Time) *time.Time {
	if t == 0 {
		return nil
	}
	return new(t.Time())
}

func stateOf(p namespace.Past) string {
	switch {
	case p.Current:
		return "current"
	case p.Marker:
		return "delete marker"
	case p.Removed:
		return "removed"
	}
	return "replaced"
}
