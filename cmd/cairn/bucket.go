package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

// defaultBucket is what a user gets who names none.
const defaultBucket = "home"

func newBucket(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "bucket",
		Short:   "Create, list and remove buckets",
		Long:    "Create, list and remove buckets. A bucket is a top-level directory with an owner;\neach can be mounted on its own.",
		Example: "  cairn bucket create photos\n  cairn bucket list\n  cairn bucket remove photos",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBucketCreate(a), newBucketList(a), newBucketRemove(a))
	return cmd
}

func newBucketCreate(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "create BUCKET",
		Short:   "Create a bucket that belongs to you",
		Example: "  cairn bucket create photos",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withVolume(cmd.Context(), opening{command: "bucket create", create: true},
				func(ctx context.Context, vol *namespace.Volume) error {
					_, err := vol.CreateBucket(ctx, args[0], ownBucket())
					return err
				})
		},
	}
}

// ownBucket is the directory of a bucket of the user.
func ownBucket() namespace.NewNode {
	return namespace.NewNode{
		Kind: namespace.Dir, Mode: 0o755,
		UID: uint32(os.Getuid()), GID: uint32(os.Getgid()),
	}
}

// ensureBucket makes a bucket unless it is there.
func ensureBucket(ctx context.Context, vol *namespace.Volume, name string) error {
	_, err := vol.Bucket(ctx, name)
	if !errors.Is(err, blockstore.NotFound) {
		return err
	}
	_, err = vol.CreateBucket(ctx, name, ownBucket())
	return err
}

// bucketJSON is a row of `bucket list --json`.
type bucketJSON struct {
	Name    string    `json:"name"`
	UID     uint32    `json:"uid"`
	GID     uint32    `json:"gid"`
	Created time.Time `json:"created"`
	Files   int64     `json:"files"`
	Bytes   int64     `json:"bytes"`
}

func newBucketList(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the buckets",
		Example: "  cairn bucket list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withVolume(cmd.Context(), opening{command: "bucket list"},
				func(ctx context.Context, vol *namespace.Volume) error {
					buckets, err := vol.Buckets(ctx)
					if err != nil {
						return err
					}
					return a.listBuckets(buckets, asJSON)
				})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) listBuckets(buckets []namespace.Bucket, asJSON bool) error {
	list := make([]bucketJSON, 0, len(buckets))
	rows := [][]string{{"NAME", "FILES", "SIZE", "CREATED"}}
	for _, b := range buckets {
		created := b.Created.Time()
		list = append(list, bucketJSON{b.Name, b.UID, b.GID, created, b.Files, b.Bytes})
		rows = append(rows, []string{b.Name, strconv.FormatInt(b.Files, 10), human(b.Bytes), created.Local().Format(time.DateTime)})
	}
	if asJSON {
		return a.printJSON(list)
	}
	return a.table(rows)
}

func newBucketRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "remove BUCKET",
		Short:   "Remove an empty bucket",
		Example: "  cairn bucket remove photos",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withVolume(cmd.Context(), opening{command: "bucket remove"},
				func(ctx context.Context, vol *namespace.Volume) error {
					return vol.RemoveBucket(ctx, args[0])
				})
		},
	}
}
