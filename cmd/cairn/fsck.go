package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

func newFsck(a *app) *cobra.Command {
	var data, asJSON bool
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Check the whole volume",
		Long: "Check the whole volume: that every record can be read and agrees with the others.\n" +
			"With --data also read every block and verify its checksum. It changes nothing;\n" +
			"what is wrong is printed, one line each, and makes the exit status 6.",
		Example: "  cairn fsck\n  cairn fsck --data",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withVolume(cmd.Context(), opening{command: "fsck"},
				func(ctx context.Context, vol *namespace.Volume) error {
					c := &checking{app: a, data: data, json: asJSON}
					return c.run(ctx, vol)
				})
		},
	}
	cmd.Flags().BoolVar(&data, "data", false, "verify every block too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// checking is one run of fsck.
type checking struct {
	*app
	data, json bool
	problems   []problemJSON
}

type problemJSON struct {
	Object string `json:"object"`
	What   string `json:"what"`
}

// checkJSON is `fsck --json`.
type checkJSON struct {
	Problems []problemJSON `json:"problems"`
	Files    int           `json:"nodes"`
	Dirs     int           `json:"directories"`
	Entries  int           `json:"entries"`
	Segments int           `json:"segments"`
	Blocks   int           `json:"blocks"`
	Records  int           `json:"records"`
	Bytes    int64         `json:"bytes"`
}

func (c *checking) run(ctx context.Context, vol *namespace.Volume) error {
	p := newProgress(c.err)
	opts := namespace.CheckOptions{Data: c.data, Progress: func(records int, bytes int64) {
		p.show("fsck: %d records, %s", records, human(bytes))
	}}
	done, err := vol.Check(ctx, opts, func(found namespace.Problem) {
		p.clear()
		c.found(found)
	})
	p.clear()
	if err != nil {
		return err
	}
	if err := c.summary(done); err != nil {
		return err
	}
	return c.verdict()
}

func (c *checking) found(p namespace.Problem) {
	c.problems = append(c.problems, problemJSON{p.Object, p.What})
	if !c.json {
		c.printf("%s: %s\n", p.Object, p.What)
	}
}

func (c *checking) summary(done namespace.Checked) error {
	if c.json {
		if c.problems == nil {
			c.problems = []problemJSON{}
		}
		return c.printJSON(checkJSON{
			c.problems, done.Nodes, done.Dirs, done.Entries, done.Segments, done.Blocks, done.Records, done.Bytes,
		})
	}
	c.printf("checked %d nodes, %d entries, %d segments, %d blocks, %s of content: %d problems\n",
		done.Nodes, done.Entries, done.Segments, done.Blocks, human(done.Bytes), len(c.problems))
	return nil
}

func (c *checking) verdict() error {
	if len(c.problems) == 0 {
		return nil
	}
	err := blockstore.E("check", "volume", blockstore.Corrupt, fmt.Errorf("%d problems, listed above", len(c.problems)))
	return advised{err, "restore what is named there from a backup"}
}
