package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

// setting is one setting of a volume, under the name that users know.
type setting struct {
	name, about string
	get         func(*namespace.Settings) string
	set         func(*namespace.Settings, string) error
}

var settings = []setting{
	{
		"history-time", "how long replaced and removed files are kept",
		func(s *namespace.Settings) string { return s.HistoryTime.String() },
		func(s *namespace.Settings, v string) error { return setSpan(&s.HistoryTime, v) },
	},
	{
		"leeway", "how long unreferenced blocks are kept",
		func(s *namespace.Settings) string { return s.Leeway.String() },
		func(s *namespace.Settings, v string) error { return setSpan(&s.Leeway, v) },
	},
	{
		"block-size", "of files written from now on",
		func(s *namespace.Settings) string { n := size(s.BlockSize); return n.String() },
		func(s *namespace.Settings, v string) error {
			var n size
			err := n.Set(v)
			s.BlockSize = int(n)
			return err
		},
	},
}

func setSpan(d *time.Duration, text string) error {
	v, err := parseSpan(text)
	if err == nil && v < 0 {
		err = fmt.Errorf("%s is negative", text)
	}
	*d = v
	return err
}

// findSetting finds a setting by its name.
func findSetting(name string) (setting, error) {
	var names []string
	for _, s := range settings {
		if s.name == name {
			return s, nil
		}
		names = append(names, s.name)
	}
	return setting{}, usagef("no setting %s: there are %s", name, strings.Join(names, ", "))
}

// change sets a setting from what the user typed.
func (s setting) change(to *namespace.Settings, value string) error {
	if err := s.set(to, value); err != nil {
		return usagef("set %s to %s: %w", s.name, value, err)
	}
	return nil
}

// settingFlags gives a command a flag for each setting, and returns what
// carries out those that were given.
func settingFlags(f *pflag.FlagSet) func(*namespace.Settings) error {
	for _, s := range settings {
		f.String(s.name, "", s.about)
	}
	return func(to *namespace.Settings) error {
		for _, s := range settings {
			if value, _ := f.GetString(s.name); value != "" {
				if err := s.change(to, value); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

func newConfig(a *app) *cobra.Command {
	var about strings.Builder
	for _, s := range settings {
		fmt.Fprintf(&about, "  %-14s%s\n", s.name, s.about)
	}
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Show and change the settings of the volume",
		Long:    "Show and change the settings of the volume:\n\n" + strings.TrimRight(about.String(), "\n"),
		Example: "  cairn config list\n  cairn config set history-time 7d",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigGet(a), newConfigSet(a), newConfigList(a))
	return cmd
}

func newConfigGet(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "get SETTING",
		Short:   "Print one setting",
		Example: "  cairn config get history-time",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := findSetting(args[0])
			if err != nil {
				return err
			}
			return a.withVolume(cmd.Context(), opening{command: "config get"},
				func(_ context.Context, vol *namespace.Volume) error {
					set := vol.Settings()
					a.printf("%s\n", s.get(&set))
					return nil
				})
		},
	}
}

func newConfigSet(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "set SETTING VALUE",
		Short:   "Change one setting",
		Example: "  cairn config set history-time 7d",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := findSetting(args[0])
			if err != nil {
				return err
			}
			return a.withVolume(cmd.Context(), opening{command: "config set"},
				func(ctx context.Context, vol *namespace.Volume) error {
					set := vol.Settings()
					if err := s.change(&set, args[1]); err != nil {
						return err
					}
					return vol.SetSettings(ctx, set)
				})
		},
	}
}

func newConfigList(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "Print all settings",
		Example: "  cairn config list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withVolume(cmd.Context(), opening{command: "config list"},
				func(_ context.Context, vol *namespace.Volume) error {
					set := vol.Settings()
					return a.listSettings(&set, asJSON)
				})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) listSettings(set *namespace.Settings, asJSON bool) error {
	if asJSON {
		return a.printJSON(settingValues(set))
	}
	rows := [][]string{{"SETTING", "VALUE", "MEANING"}}
	for _, s := range settings {
		rows = append(rows, []string{s.name, s.get(set), s.about})
	}
	return a.table(rows)
}

func settingValues(set *namespace.Settings) map[string]string {
	values := make(map[string]string)
	for _, s := range settings {
		values[s.name] = s.get(set)
	}
	return values
}
