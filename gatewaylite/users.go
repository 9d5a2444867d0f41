package gatewaylite

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
	"github.com/cairnfs/cairn/gatewaylite/access"
	"github.com/cairnfs/cairn/gatewaylite/auth"
	"github.com/cairnfs/cairn/gatewaylite/s3err"
)

// usersAge is how long a removed user, or a rotated key, may still be let in.
const usersAge = time.Second

// users remembers the volume's users for a moment: each request needs its own.
type users struct {
	vol    *namespace.Volume
	seal   namespace.SealKey
	recent *lru.Cache[string, knownUser]

	mu   sync.Mutex
	all  map[string]namespace.User // by canonical id
	read time.Time                 // when all was
}

type knownUser struct {
	user   namespace.User
	secret string
	read   time.Time
}

var _ auth.Keys = (*users)(nil)

func newUsers(v *namespace.Volume, k namespace.SealKey) *users {
	c, err := lru.New[string, knownUser](1024)
	if err != nil {
		panic(err) // the size is not positive
	}
	return &users{vol: v, seal: k, recent: c}
}

// Secret is the secret key of a user who may come in.
func (u *users) Secret(ctx context.Context, accessKey string) (string, error) {
	user, secret, err := u.byKey(ctx, accessKey)
	if err == nil && user.Disabled {
		err = s3err.InvalidAccessKeyID
	}
	return secret, err
}

func (u *users) byKey(ctx context.Context, accessKey string) (namespace.User, string, error) {
	if k, ok := u.recent.Get(accessKey); ok && time.Since(k.read) < usersAge {
		return k.user, k.secret, nil
	}
	user, secret, err := u.vol.UserByKey(ctx, u.seal, accessKey)
	switch blockstore.KindOf(err) {
	case blockstore.NotFound:
		return user, "", s3err.Wrap(s3err.InvalidAccessKeyID, err)
	case blockstore.Permission: // the gateway has the wrong key file: its fault
		return user, "", s3err.Wrap(s3err.InternalError, err)
	}
	if err != nil {
		return user, "", translate(err)
	}
	u.recent.Add(accessKey, knownUser{user, secret, time.Now()})
	return user, secret, nil
}

// list is all users, by canonical id. It is shared: not to be changed.
func (u *users) list(ctx context.Context) (map[string]namespace.User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if time.Since(u.read) < usersAge {
		return u.all, nil
	}
	all, err := u.vol.Users(ctx)
	if err != nil {
		return nil, err
	}
	u.all, u.read = make(map[string]namespace.User, len(all)), time.Now()
	for _, user := range all {
		u.all[user.CanonicalID] = user
	}
	return u.all, nil
}

// first is the canonical id of the oldest administrator, who owns the buckets that
// nobody made through S3; empty if there is none.
func (u *users) first(ctx context.Context) (string, error) {
	all, err := u.list(ctx)
	if err != nil {
		return "", err
	}
	var admins []namespace.User
	for _, user := range all {
		if user.Admin {
			admins = append(admins, user)
		}
	}
	if len(admins) == 0 {
		return "", nil
	}
	return slices.MinFunc(admins, func(a, b namespace.User) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.CanonicalID, b.CanonicalID))
	}).CanonicalID, nil
}

// names finds the display names of users.
func (u *users) names(ctx context.Context) access.Users {
	all, err := u.list(ctx)
	return func(id string) (string, bool) {
		if err != nil {
			return "", false
		}
		user, ok := all[id]
		return user.Name, ok
	}
}

// display is the name of a user; what is not known is left empty.
func (q *request) display(id string) string {
	name, _ := q.g.users.names(q.ctx())(id)
	return name
}
