package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

const gatewayLong = `Serve the volume to S3 clients until SIGINT or SIGTERM: then requests under way
finish first. Keys are paths: what is put by S3 is a file in a mount of the bucket
at once, and the other way round. Other cairn processes may use the same store.

The first gateway of a volume without users adds the user owner, who may do
everything, and prints the keys once; CAIRN_ACCESS_KEY and CAIRN_SECRET_KEY, if
set, choose them. More users: cairn user add.`

// defaultListen is where S3 is served if nobody says where.
const defaultListen = "127.0.0.1:8484"

// gatewayConfig is the [gateway] table of the config file, and the flags of the
// command.
type gatewayConfig struct {
	Listen        string
	TLSCert       string `toml:"tls-cert"`
	TLSKey        string `toml:"tls-key"`
	Domain        string
	Region        string
	MetricsListen string `toml:"metrics-listen"`
	AccessLog     string `toml:"access-log"`
}

func newGateway(a *app) *cobra.Command {
	var c gatewayConfig
	cmd := &cobra.Command{
		Use:     "gateway",
		Short:   "Serve S3 clients",
		Long:    gatewayLong,
		Example: "  cairn gateway\n  cairn gateway --listen :8484 --tls-cert s3.crt --tls-key s3.key --domain s3.example.org",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.serve(cmd.Context(), "gateway", doors{gateway: &c}, func(w welcome) { a.greetS3(w) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Listen, "listen", defaultListen, "the address to listen at")
	f.StringVar(&c.TLSCert, "tls-cert", "", "a file with the certificates, PEM: serve HTTPS")
	f.StringVar(&c.TLSKey, "tls-key", "", "a file with the private key, PEM")
	f.StringVar(&c.Domain, "domain", "", "also serve a bucket at BUCKET.DOMAIN")
	f.StringVar(&c.Region, "region", "us-east-1", "the region that signatures must name")
	f.StringVar(&c.MetricsListen, "metrics-listen", "", "serve Prometheus metrics at /metrics of this address")
	f.StringVar(&c.AccessLog, "access-log", "", "append a line for each request to this file; - is standard output")
	return cmd
}

// owner is the user that the first gateway of a volume adds.
const owner = "owner"

// firstUser adds the owner to a volume without users, and returns the keys.
func firstUser(ctx context.Context, vol *namespace.Volume, k namespace.SealKey) (keys, error) {
	users, err := vol.Users(ctx)
	if err != nil || len(users) > 0 {
		return keys{}, err
	}
	chosen := keys{os.Getenv("CAIRN_ACCESS_KEY"), os.Getenv("CAIRN_SECRET_KEY")}
	if (chosen.access == "") != (chosen.secret == "") {
		return keys{}, usagef("set both CAIRN_ACCESS_KEY and CAIRN_SECRET_KEY, or neither")
	}
	u, secret, err := addUser(ctx, vol, k, namespace.User{Name: owner, Admin: true}, chosen)
	if blockstore.KindOf(err) == blockstore.Exists {
		return keys{}, nil // another gateway was quicker
	}
	if chosen.access != "" {
		return keys{}, err // whoever chose them knows them
	}
	return keys{u.AccessKey, secret}, err
}

// greetS3 says where S3 is served, and tells keys that were just made.
func (a *app) greetS3(w welcome) {
	a.printf("serving S3 at %s\n", w.endpoint)
	if w.keys.access != "" {
		a.printf("\nThe keys of the user %s, shown this once (cairn user rotate %s makes others):\n", owner, owner)
		a.printf("  access key: %s\n  secret key: %s\n", w.keys.access, w.keys.secret)
	}
}
