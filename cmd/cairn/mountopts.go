package main

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/cairnfs/cairn/fusefs"
)

// ignored are the options of fstab that mean something to mount(8) or systemd,
// or ask for what is so anyway.
var ignored = map[string]bool{
	"rw": true, "defaults": true, "auto": true, "noauto": true, "user": true, "nouser": true,
	"users": true, "nofail": true, "_netdev": true, "default_permissions": true,
	"suid": true, "dev": true, "exec": true, "async": true, "relatime": true, "noatime": true,
	"atime": true, "strictatime": true, "diratime": true, "nodiratime": true, "lazytime": true,
}

// mountOptions carries out a list of options as fstab has them, "ro,allow_other".
// An option that is named as a global flag is stands for that flag: store=/data/cairn.
func mountOptions(list []string, flags *pflag.FlagSet, to *fusefs.Options) error {
	for _, text := range list {
		name, value, _ := strings.Cut(text, "=")
		switch {
		case name == "" || ignored[name] || strings.HasPrefix(name, "x-"):
		case name == "ro":
			to.ReadOnly = true
		case name == "allow_other":
			to.AllowOther = true
		case flags.Lookup(name) != nil:
			if err := flags.Set(name, value); err != nil {
				return usagef("mount option %s: %w", text, err)
			}
		default:
			return usagef("mount option %s: there is no such option (see `cairn mount --help`)", text)
		}
	}
	return nil
}
