package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// infoJSON is `info --json`.
type infoJSON struct {
	Store     string            `json:"store"`
	Volume    string            `json:"volume"`
	Format    int               `json:"format"`
	Created   time.Time         `json:"created"`
	Settings  map[string]string `json:"settings"`
	Buckets   int               `json:"buckets"`
	Files     int64             `json:"files"`
	Bytes     int64             `json:"bytes"`
	Total     int64             `json:"disk_total"`
	Available int64             `json:"disk_available"`
}

func newInfo(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "info",
		Short:   "Show what the volume holds and how much room it has",
		Example: "  cairn info\n  cairn info --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withVolume(cmd.Context(), opening{command: "info"},
				func(ctx context.Context, vol *namespace.Volume) error {
					info, err := vol.Info(ctx)
					if err != nil {
						return err
					}
					return a.showInfo(info, asJSON)
				})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) showInfo(info namespace.Info, asJSON bool) error {
	dir, err := expand(a.storeURL)
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(infoJSON{
			Store: dir, Volume: info.ID.String(), Format: info.Format, Created: info.Created.Time(),
			Settings: settingValues(&info.Settings), Buckets: info.Buckets, Files: info.Files, Bytes: info.Bytes,
			Total: info.Space.Total, Available: info.Space.Available,
		})
	}
	rows := [][2]string{
		{"store", dir},
		{"volume", fmt.Sprintf("%s (format %d, created %s)", info.ID, info.Format, info.Created.Time().Local().Format(time.DateTime))},
		{"buckets", strconv.Itoa(info.Buckets)},
		{"files", strconv.FormatInt(info.Files, 10)},
		{"content", human(info.Bytes)},
		{"disk", fmt.Sprintf("%s available of %s", human(info.Space.Available), human(info.Space.Total))},
	}
	for _, s := range settings {
		rows = append(rows, [2]string{s.name, s.get(&info.Settings)})
	}
	return a.pairs(rows...)
}
