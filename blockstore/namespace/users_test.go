package namespace_test

import (
	"errors"
	"testing"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

func TestUsers(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			v := begin(t, open(t), noHistory).Volume
			ctx, key := t.Context(), namespace.SealKey{1}
			add := func(name, access string) error {
				_, err := v.AddUser(ctx, key, namespace.User{Name: name, AccessKey: access}, "secret of "+name)
				return err
			}
			if err := errors.Join(add("anna", "ANNA"), add("bert", "BERT")); err != nil {
				t.Fatal(err)
			}
			for _, taken := range []error{add("anna", "OTHER"), add("other", "ANNA")} {
				if !errors.Is(taken, blockstore.Exists) {
					t.Errorf("a name or access key given twice: %v", taken)
				}
			}
			u, secret, err := v.UserByKey(ctx, key, "ANNA")
			if err != nil || u.Name != "anna" || secret != "secret of anna" || len(u.CanonicalID) != 64 {
				t.Errorf("anna is %+v, %q, %v", u, secret, err)
			}
			if _, _, err := v.UserByKey(ctx, namespace.SealKey{2}, "ANNA"); !errors.Is(err, blockstore.Permission) {
				t.Errorf("opened with another key file: %v", err)
			}
			rotated, err := v.RotateUser(ctx, key, "anna", "ANNA2", "another secret")
			if err != nil || rotated.CanonicalID != u.CanonicalID {
				t.Errorf("rotated to %+v, %v", rotated, err)
			}
			if _, _, err := v.UserByKey(ctx, key, "ANNA"); !errors.Is(err, blockstore.NotFound) {
				t.Errorf("the old key still works: %v", err)
			}
			if err := v.RemoveUser(ctx, "bert"); err != nil {
				t.Error(err)
			}
			all, err := v.Users(ctx)
			if err != nil || len(all) != 1 || all[0].AccessKey != "ANNA2" {
				t.Errorf("users are %+v, %v", all, err)
			}
			if err := add("bert", "BERT"); err != nil {
				t.Errorf("a removed user can't come back: %v", err)
			}
		})
	}
}
