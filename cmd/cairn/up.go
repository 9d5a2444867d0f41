package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

const upLong = `Serve what the config file lists, all in one process, until SIGINT or SIGTERM. If it
lists nothing, the bucket home is mounted on ~/Cairn, and S3 is served at
127.0.0.1:8484. Missing mount points are made.

  # ~/.config/cairn/config.toml
  store = "/data/cairn"
  cache-size = "1GiB"

  [[mount]]
  bucket = "photos"
  at = "~/Photos"
  options = "ro"

  [gateway]
  listen = ":8484"
  tls-cert = "/etc/cairn/s3.crt"   # or neither: plain HTTP
  tls-key = "/etc/cairn/s3.key"
  domain = "s3.example.org"
  metrics-listen = "127.0.0.1:9484"
  access-log = "/var/log/cairn-access.log"`

func newUp(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "up",
		Short:   "Serve everything that the config file lists; by default home on ~/Cairn, and S3",
		Long:    upLong,
		Example: "  cairn up",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.configured(cmd)
			if err != nil {
				return err
			}
			return a.serve(cmd.Context(), "up", d, func(w welcome) { a.greet(d, w) })
		},
	}
}

// configured is what up serves.
func (a *app) configured(cmd *cobra.Command) (doors, error) {
	list, gateway := a.file.Mount, a.file.Gateway
	if len(list) == 0 && gateway == nil {
		list, gateway = []configMount{{Bucket: defaultBucket, At: "~/Cairn"}}, new(gatewayConfig)
	}
	if gateway != nil {
		gateway.expand()
	}
	mounts, err := a.configuredMounts(cmd, list)
	return doors{mounts, gateway}, err
}

// expand gives what the config file says of the gateway its defaults.
func (c *gatewayConfig) expand() {
	if c.Listen == "" {
		c.Listen = defaultListen
	}
	for _, path := range []*string{&c.TLSCert, &c.TLSKey, &c.AccessLog} {
		if strings.HasPrefix(*path, "~/") {
			*path = filepath.Join(home(), (*path)[1:])
		}
	}
}

func (a *app) configuredMounts(cmd *cobra.Command, list []configMount) ([]mount, error) {
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

func (a *app) greet(d doors, w welcome) {
	for _, m := range d.mounts {
		a.printf("mounted %s on %s\n", shown(m.bucket), m.at)
	}
	if d.gateway != nil {
		a.greetS3(w)
	}
	a.printf("\nTry, in another shell:\n")
	if len(d.mounts) > 0 {
		at := d.mounts[0].at
		a.printf("  echo hello > %s/hello.txt\n  ls -l %s\n  df -h %s\n", at, at, at)
	}
	if d.gateway != nil {
		a.printf("  aws --endpoint-url %s s3 ls\n", w.endpoint)
	}
	a.printf("\nCtrl-C flushes everything and unmounts; `cairn up` brings it back.\n")
}
