package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
)

const upLong = `Mount what the config file lists, all in one process, until SIGINT or SIGTERM. Without
a list it mounts the bucket home on ~/Cairn. Missing mount points are made.

  # ~/.config/cairn/config.toml
  store = "/data/cairn"
  cache-size = "1GiB"

  [[mount]]
  bucket = "photos"
  at = "~/Photos"
  options = "ro"`

func newUp(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "up",
		Short:   "Mount everything that the config file lists, by default home on ~/Cairn",
		Long:    upLong,
		Example: "  cairn up",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			mounts, err := a.configured(cmd)
			if err != nil {
				return err
			}
			return a.serve(cmd.Context(), "up", mounts, func() { a.welcome(mounts) })
		},
	}
}

// configured is what up mounts.
func (a *app) configured(cmd *cobra.Command) ([]mount, error) {
	list := a.file.Mount
	if len(list) == 0 {
		list = []configMount{{Bucket: defaultBucket, At: "~/Cairn"}}
	}
	var mounts []mount
	for _, c := range list {
		m := mount{bucket: strings.Trim(c.Bucket, "/")}
		if err := mountOptions(strings.Split(c.Options, ","), cmd.Root().PersistentFlags(), &m.options); err != nil {
			return nil, err
		}
		if c.At == "" {
			return nil, usagef("read config %s: the mount of %s has no `at`", a.config, shown(m.bucket))
		}
		at, err := prepare(c.At)
		if err != nil {
			return nil, err
		}
		m.at = at
		mounts = append(mounts, m)
	}
	return mounts, nil
}

// prepare makes a mount point, if need be, and checks it.
func prepare(path string) (string, error) {
	at, err := expand(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(at); os.IsNotExist(err) {
		if err := os.MkdirAll(at, 0o755); err != nil {
			return "", osError("make mount point", at, err)
		}
	}
	return at, nil
}

func (a *app) welcome(mounts []mount) {
	for _, m := range mounts {
		a.printf("mounted %s on %s\n", shown(m.bucket), m.at)
	}
	at := mounts[0].at
	a.printf("\nTry, in another shell:\n  echo hello > %s/hello.txt\n  ls -l %s\n  df -h %s\n", at, at, at)
	a.printf("\nCtrl-C flushes everything and unmounts; `cairn up` brings it back.\n")
}
