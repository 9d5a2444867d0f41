package main

import (
	"os"
	"path/filepath"
	"strings"
)

// xdg is the directory $name/cairn, by default ~/fallback/cairn.
func xdg(name, fallback string) string {
	dir := os.Getenv(name)
	if !filepath.IsAbs(dir) { // the XDG rules: a relative one counts as unset
		dir = filepath.Join(home(), fallback)
	}
	return filepath.Join(dir, "cairn")
}

// home is the home directory; without one, the working directory serves.
func home() string {
	dir, err := os.UserHomeDir()
	if err != nil {
		return "."
	}
	return dir
}

func defaultStore() string { return xdg("XDG_DATA_HOME", ".local/share") }

func defaultConfig() string {
	return filepath.Join(xdg("XDG_CONFIG_HOME", ".config"), "config.toml")
}

func defaultLog() string {
	return filepath.Join(xdg("XDG_STATE_HOME", ".local/state"), "cairn.log")
}

// expand makes a path absolute; a leading ~ is the home directory, for paths
// from the config file, which no shell has seen.
func expand(path string) (string, error) {
	if path == "~" || strings.HasPrefix(path, "~/") {
		path = filepath.Join(home(), path[1:])
	}
	return filepath.Abs(path)
}
