package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
)

const mountLong = `Mount a bucket, or a directory in it, and serve it until it is unmounted or the
process gets SIGINT or SIGTERM: then everything is flushed first. The default
bucket is home, which is made if it is missing.

Options after -o are those of fstab: ro, allow_other, and store, cache-size and
log-level as in store=/data/cairn. With a link from /sbin/mount.cairn to the
binary, this line in /etc/fstab mounts at boot:

  photos  /mnt/photos  cairn  store=/data/cairn,allow_other,nofail  0  0

Locks (flock, fcntl) hold among the processes of this machine that use the same
mount.`

// mountCommand is what `cairn mount` was asked for.
type mountCommand struct {
	*app
	daemon, root bool
	list         []string // of -o
}

func newMount(a *app) *cobra.Command {
	m := &mountCommand{app: a}
	cmd := &cobra.Command{
		Use:     "mount [BUCKET[/PREFIX]] MOUNTPOINT",
		Short:   "Mount a bucket on a directory",
		Long:    mountLong,
		Example: "  cairn mount ~/files\n  cairn mount -d photos/2026 /mnt/photos\n  cairn mount --root -o allow_other /mnt/all",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			ready := newReadiness()
			defer func() { ready.failed(err) }()
			return m.run(cmd, args, ready)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&m.daemon, "daemon", "d", false, "return once it is mounted, serve in the background")
	f.BoolVar(&m.root, "root", false, "mount all buckets; mkdir in the mount makes one")
	f.StringSliceVarP(&m.list, "options", "o", nil, "mount options as in fstab")
	return cmd
}

func (m *mountCommand) run(cmd *cobra.Command, args []string, ready *readiness) error {
	spec, err := m.spec(cmd, args)
	if err != nil {
		return err
	}
	if m.daemon && !ready.background() {
		return m.daemonize(arguments(os.Args))
	}
	return m.serve(cmd.Context(), "mount", doors{mounts: []mount{spec}}, func(welcome) {
		if !ready.background() {
			m.printf("mounted %s on %s\n", shown(spec.bucket), spec.at)
		}
		ready.ok()
	})
}

// spec is the mount that the command line asks for, checked as far as can be
// without the store.
func (m *mountCommand) spec(cmd *cobra.Command, args []string) (mount, error) {
	var spec mount
	if err := mountOptions(m.list, cmd.Root().PersistentFlags(), &spec.options); err != nil {
		return spec, err
	}
	if err := m.startLog(); err != nil { // -o may have had a log-level
		return spec, err
	}
	at, err := expand(args[len(args)-1])
	if err != nil {
		return spec, err
	}
	spec.at = at
	switch {
	case m.root && len(args) == 2:
		return spec, usagef("mount %s: --root mounts all buckets, so name none", args[0])
	case len(args) == 2:
		spec.bucket = strings.Trim(args[0], "/")
	case !m.root:
		spec.bucket = defaultBucket
	}
	return spec, nil
}

// shown is how messages name what is mounted.
func shown(bucket string) string {
	if bucket == "" {
		return "all buckets"
	}
	return "bucket " + bucket
}
