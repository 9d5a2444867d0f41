package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cairnfs/cairn/blockstore"
	"github.com/cairnfs/cairn/blockstore/namespace"
)

// keyFile is where the key is that seals the secrets of a volume's users: in the
// configuration folder, so that a copy of the store alone tells nobody's secret.
func keyFile(vol *namespace.Volume) string {
	return filepath.Join(xdg("XDG_CONFIG_HOME", ".config"), "keys", vol.ID().String()+".key")
}

// sealKey reads the volume's key file. As long as the volume has no user nothing is
// sealed, so a missing one is made.
func sealKey(ctx context.Context, vol *namespace.Volume) (namespace.SealKey, error) {
	path := keyFile(vol)
	k, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	users, err := vol.Users(ctx)
	if err != nil {
		return k, err
	}
	if len(users) > 0 {
		err := blockstore.E("read key file", path, blockstore.NotFound, nil)
		return k, advised{err, "copy it from the machine and user that added the first user of this volume"}
	}
	return makeKey(path)
}

func readKey(path string) (k namespace.SealKey, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err != nil {
		return k, osError("read key file", path, err)
	}
	n, err := hex.Decode(k[:], []byte(strings.TrimSpace(string(text[:min(len(text), 2*len(k)+1)]))))
	if err != nil || n != len(k) {
		return k, blockstore.E("read key file", path, blockstore.Corrupt, fmt.Errorf("it has %d hexadecimal digits", 2*len(k)))
	}
	return k, nil
}

// makeKey makes a key file, unless another process was quicker: then it is that one.
func makeKey(path string) (k namespace.SealKey, err error) {
	const op = "make key file"
	rand.Read(k[:])
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return k, osError(op, path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return k, osError(op, path, err)
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintf(f, "%x\n", k[:])
	if err = first(err, f.Sync(), f.Close()); err != nil {
		return k, osError(op, path, err)
	}
	err = os.Link(f.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return readKey(path)
	}
	if err != nil {
		return k, osError(op, path, err)
	}
	return k, syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err == nil {
		err = first(d.Sync(), d.Close())
	}
	if err != nil {
		return osError("sync", path, err)
	}
	return nil
}
