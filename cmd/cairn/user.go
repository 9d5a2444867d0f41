package main

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnfs/cairn/blockstore/namespace"
)

const userLong = `Add, list and remove the users of the S3 gateway, and give them other keys. The
secret keys are sealed in the volume with a key file in the configuration folder
(cairn/keys below $XDG_CONFIG_HOME), which every machine with a gateway needs. Keep
a copy of it: without it users need other keys.`

func newUser(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "user",
		Short:   "Add, list and remove S3 users, and rotate their keys",
		Long:    userLong,
		Example: "  cairn user add anna\n  cairn user list\n  cairn user rotate anna",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newUserAdd(a), newUserList(a), newUserRemove(a), newUserRotate(a),
		newUserSwitch(a, "disable", "Refuse a user's keys until the user is enabled", true),
		newUserSwitch(a, "enable", "Accept a user's keys again", false))
	return cmd
}

// keys are an access key and its secret key, as the user chose them; empty ones
// are drawn.
type keys struct{ access, secret string }

func (k *keys) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&k.access, "access-key", "", "the access key, instead of a random one")
	cmd.Flags().StringVar(&k.secret, "secret-key", "", "the secret key, instead of a random one")
}

// drawn is the keys with random ones in the place of empty ones, as long as S3's.
func (k keys) drawn() keys {
	if k.access == "" {
		var b [10]byte
		rand.Read(b[:])
		k.access = "CAIRN" + base32.StdEncoding.EncodeToString(b[:])[:15]
	}
	if k.secret == "" {
		var b [30]byte
		rand.Read(b[:])
		k.secret = base64.RawURLEncoding.EncodeToString(b[:])
	}
	return k
}

// userJSON is a user in the output of `user add|list --json`.
type userJSON struct {
	Name        string    `json:"name"`
	AccessKey   string    `json:"access_key"`
	SecretKey   string    `json:"secret_key,omitempty"` // when it was just made
	CanonicalID string    `json:"canonical_id"`
	Admin       bool      `json:"admin"`
	Disabled    bool      `json:"disabled"`
	UID         uint32    `json:"uid"`
	GID         uint32    `json:"gid"`
	Created     time.Time `json:"created"`
}

func asUserJSON(u namespace.User, secret string) userJSON {
	return userJSON{u.Name, u.AccessKey, secret, u.CanonicalID, u.Admin, u.Disabled, u.UID, u.GID, u.Created.Time()}
}

// showKeys prints keys, which nothing shows a second time.
func (a *app) showKeys(u namespace.User, secret string, asJSON bool) error {
	if asJSON {
		return a.printJSON(asUserJSON(u, secret))
	}
	return a.pairs([2]string{"user", u.Name}, [2]string{"access key", u.AccessKey}, [2]string{"secret key", secret})
}

// withKey is withVolume with the volume's key.
func (a *app) withKey(ctx context.Context, o opening, work func(context.Context, *namespace.Volume, namespace.SealKey) error) error {
	return a.withVolume(ctx, o, func(ctx context.Context, vol *namespace.Volume) error {
		k, err := sealKey(ctx, vol)
		if err != nil {
			return err
		}
		return work(ctx, vol, k)
	})
}

func newUserAdd(a *app) *cobra.Command {
	var chosen keys
	var asJSON, admin bool
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a user and print the keys, once",
		Example: "  cairn user add anna\n" +
			"  cairn user add backup --access-key BACKUP --secret-key \"$SECRET\" --json",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := opening{command: "user add", create: true}
			return a.withKey(cmd.Context(), o, func(ctx context.Context, vol *namespace.Volume, k namespace.SealKey) error {
				u, secret, err := addUser(ctx, vol, k, namespace.User{Name: args[0], Admin: admin}, chosen)
				if err != nil {
					return err
				}
				return a.showKeys(u, secret, asJSON)
			})
		},
	}
	chosen.flags(cmd)
	cmd.Flags().BoolVar(&admin, "admin", false, "may do everything in every bucket")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// addUser makes a user whose buckets belong to whoever runs this.
func addUser(ctx context.Context, vol *namespace.Volume, k namespace.SealKey, u namespace.User, chosen keys) (namespace.User, string, error) {
	drawn := chosen.drawn()
	u.AccessKey, u.UID, u.GID = drawn.access, uint32(os.Getuid()), uint32(os.Getgid())
	u, err := vol.AddUser(ctx, k, u, drawn.secret)
	return u, drawn.secret, err
}

func newUserList(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the users",
		Example: "  cairn user list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withVolume(cmd.Context(), opening{command: "user list"},
				func(ctx context.Context, vol *namespace.Volume) error {
					users, err := vol.Users(ctx)
					if err != nil {
						return err
					}
					return a.listUsersTable(users, asJSON)
				})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) listUsersTable(users []namespace.User, asJSON bool) error {
	list := make([]userJSON, 0, len(users))
	rows := [][]string{{"NAME", "ACCESS KEY", "STATE", "CREATED"}}
	for _, u := range users {
		state := "enabled"
		switch {
		case u.Disabled:
			state = "disabled"
		case u.Admin:
			state = "admin"
		}
		list = append(list, asUserJSON(u, ""))
		rows = append(rows, []string{u.Name, u.AccessKey, state, u.Created.Time().Local().Format(time.DateTime)})
	}
	if asJSON {
		return a.printJSON(list)
	}
	return a.table(rows)
}

func newUserRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Remove a user; what the user owns stays",
		Example: "  cairn user remove anna",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withVolume(cmd.Context(), opening{command: "user remove"},
				func(ctx context.Context, vol *namespace.Volume) error {
					return vol.RemoveUser(ctx, args[0])
				})
		},
	}
}

func newUserRotate(a *app) *cobra.Command {
	var chosen keys
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "rotate NAME",
		Short:   "Give a user other keys and print them, once; the old ones are refused",
		Example: "  cairn user rotate anna",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := opening{command: "user rotate"}
			return a.withKey(cmd.Context(), o, func(ctx context.Context, vol *namespace.Volume, k namespace.SealKey) error {
				drawn := chosen.drawn()
				u, err := vol.RotateUser(ctx, k, args[0], drawn.access, drawn.secret)
				if err != nil {
					return err
				}
				return a.showKeys(u, drawn.secret, asJSON)
			})
		},
	}
	chosen.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newUserSwitch(a *app, verb, short string, disabled bool) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " NAME",
		Short:   short,
		Example: "  cairn user " + verb + " anna",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withVolume(cmd.Context(), opening{command: "user " + verb},
				func(ctx context.Context, vol *namespace.Volume) error {
					return vol.UpdateUser(ctx, args[0], func(u *namespace.User) error {
						u.Disabled = disabled
						return nil
					})
				})
		},
	}
}
