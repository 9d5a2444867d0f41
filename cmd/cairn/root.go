package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

const rootLong = `Cairn keeps files in a store and shows them as a directory.

Every option comes from its flag, else from the environment (CAIRN_STORE for
--store), else from the config file (store = "..."), else it has its default.`

// newRoot makes the command tree.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "cairn",
		Short:         "A file system that keeps everything you put into it",
		Long:          rootLong,
		Example:       "  cairn up\n  cairn mount photos /mnt/photos\n  cairn --store /data/cairn info",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.configure(cmd)
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage{err} })
	a.globalFlags(root)
	for _, make := range []func(*app) *cobra.Command{
		newUp, newGateway, newMount, newUnmount, newBucket, newUser, newFormat, newConfig, newInfo, newHistory, newRestore, newTrash, newGC, newFsck, newVersion,
	} {
		root.AddCommand(make(a))
	}
	return finish(root)
}

func (a *app) globalFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&a.storeURL, "store", defaultStore(), "the directory of the store")
	f.StringVar(&a.config, "config", defaultConfig(), "the config file")
	a.cacheSize = defaultCache
	f.Var(&a.cacheSize, "cache-size", "memory for cached blocks")
	f.StringVar(&a.logLevel, "log-level", "warn", "debug, info, warn or error")
	f.StringVar(&a.pprof, "pprof", "", "serve profiles at this address")
	f.MarkHidden("pprof")
}

// finish gives a command and those below it what all have in common: wrong
// arguments are wrong usage, and the help text tells the exit statuses.
func finish(cmd *cobra.Command) *cobra.Command {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usagef("%w (see `%s --help`)", err, cmd.CommandPath())
			}
			return nil
		}
	}
	if cmd.Long == "" {
		cmd.Long = cmd.Short + "."
	}
	cmd.Long += "\n\n" + exitHelp
	for _, sub := range cmd.Commands() {
		finish(sub)
	}
	return cmd
}

// arguments are those after the program's name. Called as mount.cairn, which is
// how mount(8) calls the helper of a file system, they are
// "SOURCE DIRECTORY [-sfnv] [-o options]".
func arguments(args []string) []string {
	if filepath.Base(args[0]) != "mount.cairn" {
		return args[1:]
	}
	out := []string{"mount", "--daemon"}
	for _, arg := range args[1:] {
		if len(arg) < 2 || arg[0] != '-' || strings.Trim(arg[1:], "sfnv") != "" {
			out = append(out, arg)
		}
	}
	return out
}
