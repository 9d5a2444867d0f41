package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// configFile is the TOML file. A global option stands in it under the name of
// its flag; the [[mount]] tables and the [gateway] are what `cairn up` serves.
type configFile struct {
	Store     string
	CacheSize string `toml:"cache-size"`
	LogLevel  string `toml:"log-level"`
	Mount     []configMount
	Gateway   *gatewayConfig
}

type configMount struct {
	Bucket  string // BUCKET or BUCKET/PREFIX; empty: all buckets
	At      string // the mount point
	Options string // as in fstab
}

// option is the value that the file has for a flag.
func (c *configFile) option(flag string) string {
	switch flag {
	case "store":
		return c.Store
	case "cache-size":
		return c.CacheSize
	case "log-level":
		return c.LogLevel
	}
	return ""
}

// environment is the variable that stands for a flag.
func environment(flag string) string {
	return "CAIRN_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// readConfig reads the config file. It may be missing, unless the user named it.
func (a *app) readConfig(named bool) error {
	meta, err := toml.DecodeFile(a.config, &a.file)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil
	}
	if err != nil {
		return usagef("read config %s: %w", a.config, err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return usagef("read config %s: unknown setting %s", a.config, unknown[0])
	}
	return nil
}

// configure fills each global option that is not on the command line from the
// environment, else from the config file.
func (a *app) configure(cmd *cobra.Command) error {
	global := cmd.Root().PersistentFlags()
	if err := fromEnvironment(global.Lookup("config")); err != nil {
		return err
	}
	if err := a.readConfig(global.Changed("config") || os.Getenv("CAIRN_CONFIG") != ""); err != nil {
		return err
	}
	var failed error
	global.VisitAll(func(f *pflag.Flag) {
		if f.Name != "config" && failed == nil {
			failed = a.fill(f)
		}
	})
	if failed != nil {
		return failed
	}
	return a.startLog()
}

func (a *app) fill(f *pflag.Flag) error {
	if err := fromEnvironment(f); err != nil {
		return err
	}
	value := a.file.option(f.Name)
	if value == "" || f.Changed || os.Getenv(environment(f.Name)) != "" {
		return nil
	}
	return set(f, value, fmt.Sprintf("%s in %s", f.Name, a.config))
}

func fromEnvironment(f *pflag.Flag) error {
	name := environment(f.Name)
	value := os.Getenv(name)
	if value == "" || f.Changed {
		return nil
	}
	return set(f, value, name)
}

func set(f *pflag.Flag, value, source string) error {
	if err := f.Value.Set(value); err != nil {
		return usagef("%s: %w", source, err)
	}
	return nil
}
