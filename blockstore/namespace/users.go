package namespace

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"regexp"

	"github.com/cairnfs/cairn/blockstore"
)

// User is who signs requests to a gateway.
type User struct {
	Name      string
	AccessKey string
	// CanonicalID is 64 hexadecimal digits, and never changes.
	CanonicalID string
	// Admin: may do everything in every bucket.
	Admin bool
	// Disabled: the keys are refused.
	Disabled bool
	// Replication: may replicate, and nothing else.
	Replication bool
	// UID and GID own the buckets that the user makes.
	UID, GID uint32
	Created  Time
}

// SealKey seals the secrets of a volume's users. It is kept outside the volume.
type SealKey [32]byte

var (
	userName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+=,.@_-]{0,63}$`)
	accessKey = regexp.MustCompile(`^[A-Za-z0-9_-]{3,128}$`)

	errUserName  = errors.New("a user's name has 1 to 64 letters, digits and +=,.@_-, and begins with a letter or digit")
	errAccessKey = errors.New("an access key has 3 to 128 letters, digits, _ and -")
	errSecret    = errors.New("a secret key has 8 to 128 bytes")
)

func (u User) check(secret string) error {
	switch {
	case !userName.MatchString(u.Name):
		return blockstore.E("add user", u.Name, blockstore.Invalid, errUserName)
	case !accessKey.MatchString(u.AccessKey):
		return blockstore.E("add user", u.Name, blockstore.Invalid, errAccessKey)
	case len(secret) < 8 || len(secret) > 128:
		return blockstore.E("add user", u.Name, blockstore.Invalid, errSecret)
	}
	return nil
}

// AddUser makes a user, durably. Exists if the name or the access key is taken.
// An empty CanonicalID is drawn.
func (v *Volume) AddUser(ctx context.Context, k SealKey, u User, secret string) (User, error) {
	const op = "add user"
	if err := u.check(secret); err != nil {
		return User{}, err
	}
	if u.CanonicalID == "" {
		u.CanonicalID = newCanonicalID()
	}
	err := v.own.update(ctx, blockstore.Sync, func(tx *tx) error {
		if _, have, err := tx.Get(userNameKey(u.Name)); err != nil || !have.IsZero() {
			return orExists(op, u.Name, err)
		}
		if _, have, err := tx.Get(userKey(u.AccessKey)); err != nil || !have.IsZero() {
			return orExists(op, u.AccessKey, err)
		}
		u.Created = tx.now
		return tx.putUser(u, k, secret)
	})
	return u, err
}

func orExists(op, name string, err error) error {
	if err != nil {
		return err
	}
	return blockstore.E(op, name, blockstore.Exists, nil)
}

func newCanonicalID() string {
	var id [32]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

func (tx *tx) putUser(u User, k SealKey, secret string) error {
	sealed, err := k.seal(u.AccessKey, secret)
	if err != nil {
		return err
	}
	tx.put(userNameKey(u.Name), &UserNameRecord{AccessKey: u.AccessKey})
	tx.put(userKey(u.AccessKey), u.record(sealed))
	return nil
}

func (u User) record(sealed []byte) *UserRecord {
	return &UserRecord{
		Name: u.Name, CanonicalID: u.CanonicalID, Secret: sealed, Disabled: u.Disabled,
		UID: u.UID, GID: u.GID, Replication: u.Replication, Admin: u.Admin, Created: u.Created,
	}
}

func (r *UserRecord) user(accessKey string) User {
	return User{
		Name: r.Name, AccessKey: accessKey, CanonicalID: r.CanonicalID, Disabled: r.Disabled,
		UID: r.UID, GID: r.GID, Replication: r.Replication, Admin: r.Admin, Created: r.Created,
	}
}

// UserByKey finds the user of an access key, with the secret key: NotFound if
// there is none, Permission if the secret was sealed with another key than k.
func (v *Volume) UserByKey(ctx context.Context, k SealKey, accessKey string) (User, string, error) {
	const op = "find user"
	value, version, err := v.store.Get(ctx, userKey(accessKey))
	if err != nil {
		return User{}, "", err
	}
	if version.IsZero() {
		return User{}, "", blockstore.E(op, accessKey, blockstore.NotFound, nil)
	}
	var r UserRecord
	if err := decode(userKey(accessKey), value, &r); err != nil {
		return User{}, "", err
	}
	secret, err := k.open(accessKey, r.Secret)
	if err != nil {
		return User{}, "", blockstore.E(op, r.Name, blockstore.Permission, err)
	}
	return r.user(accessKey), secret, nil
}

// UserByID finds a user by the canonical id; NotFound.
func (v *Volume) UserByID(ctx context.Context, canonicalID string) (User, error) {
	return v.findUser(ctx, canonicalID, func(u User) bool { return u.CanonicalID == canonicalID })
}

// UserByName finds a user by the name; NotFound.
func (v *Volume) UserByName(ctx context.Context, name string) (User, error) {
	return v.findUser(ctx, name, func(u User) bool { return u.Name == name })
}

func (v *Volume) findUser(ctx context.Context, name string, is func(User) bool) (User, error) {
	all, err := v.Users(ctx)
	if err != nil {
		return User{}, err
	}
	for _, u := range all {
		if is(u) {
			return u, nil
		}
	}
	return User{}, blockstore.E("find user", name, blockstore.NotFound, nil)
}

// Users lists them in the order of their access keys.
func (v *Volume) Users(ctx context.Context) ([]User, error) {
	var all []User
	for r, err := range v.store.Scan(ctx, prefixUser, "") {
		if err != nil {
			return nil, err
		}
		var rec UserRecord
		if err := decode(r.Key, r.Value, &rec); err != nil {
			return nil, err
		}
		all = append(all, rec.user(r.Key[len(prefixUser):]))
	}
	return all, nil
}

// UpdateUser lets fn change a user's Admin, Disabled, Replication, UID and GID.
func (v *Volume) UpdateUser(ctx context.Context, name string, fn func(*User) error) error {
	return v.own.update(ctx, blockstore.Sync, func(tx *tx) error {
		r, accessKey, err := tx.user(name)
		if err != nil {
			return err
		}
		u := r.user(accessKey)
		if err := fn(&u); err != nil {
			return err
		}
		u.Name, u.CanonicalID = r.Name, r.CanonicalID
		tx.put(userKey(accessKey), u.record(r.Secret))
		return nil
	})
}

// RotateUser gives a user other keys; the old ones are refused from then on.
func (v *Volume) RotateUser(ctx context.Context, k SealKey, name, accessKey, secret string) (User, error) {
	var u User
	err := v.own.update(ctx, blockstore.Sync, func(tx *tx) error {
		r, old, err := tx.user(name)
		if err != nil {
			return err
		}
		u = r.user(accessKey)
		if err := u.check(secret); err != nil {
			return err
		}
		if accessKey != old {
			if _, have, err := tx.Get(userKey(accessKey)); err != nil || !have.IsZero() {
				return orExists("rotate keys", accessKey, err)
			}
			tx.Delete(userKey(old))
		}
		return tx.putUser(u, k, secret)
	})
	return u, err
}

// RemoveUser removes a user; what it owns stays. NotFound if there is none.
func (v *Volume) RemoveUser(ctx context.Context, name string) error {
	return v.own.update(ctx, blockstore.Sync, func(tx *tx) error {
		_, accessKey, err := tx.user(name)
		if err != nil {
			return err
		}
		tx.Delete(userNameKey(name))
		tx.Delete(userKey(accessKey))
		return nil
	})
}

// user reads a user by name and depends on it.
func (tx *tx) user(name string) (*UserRecord, string, error) {
	value, version, err := tx.Get(userNameKey(name))
	if err != nil {
		return nil, "", err
	}
	if version.IsZero() {
		return nil, "", blockstore.E("find user", name, blockstore.NotFound, nil)
	}
	var by UserNameRecord
	if err := decode(userNameKey(name), value, &by); err != nil {
		return nil, "", err
	}
	if value, _, err = tx.Get(userKey(by.AccessKey)); err != nil {
		return nil, "", err
	}
	r := new(UserRecord)
	return r, by.AccessKey, decode(userKey(by.AccessKey), value, r)
}

var errSealed = errors.New("its secret key was sealed with another key file")

// seal encrypts a secret so that it opens under its own access key only.
func (k SealKey) seal(accessKey, secret string) ([]byte, error) {
	a, err := k.aead()
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, nil, []byte(secret), []byte(accessKey)), nil
}

func (k SealKey) open(accessKey string, sealed []byte) (string, error) {
	a, err := k.aead()
	if err != nil {
		return "", err
	}
	secret, err := a.Open(nil, nil, sealed, []byte(accessKey))
	if err != nil {
		return "", errSealed
	}
	return string(secret), nil
}

func (k SealKey) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
