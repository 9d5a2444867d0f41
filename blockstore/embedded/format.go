package embedded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cairnfs/cairn/blockstore"
)

const (
	formatName   = "FORMAT"
	lockName     = "LOCK"
	ballastName  = "BALLAST"
	recordsName  = "records"
	segmentsName = "segments"
	tailName     = "tail"

	formatHead    = "cairn embedded store"
	formatVersion = 1
	fanOut        = 256
)

// diskCategory is what Pebble's vfs counts our writes under.
const diskCategory vfs.DiskWriteCategory = "cairn"

// readFormat returns the id of the store in dir. Without one the error is
// NotFound.
func readFormat(fsys vfs.FS, dir string) (blockstore.ID, error) {
	const op = "open store"
	text, err := readFile(fsys, fsys.PathJoin(dir, formatName))
	if errors.Is(err, fs.ErrNotExist) {
		return blockstore.ID{}, blockstore.E(op, dir, blockstore.NotFound, nil)
	}
	if err != nil {
		return blockstore.ID{}, fault(op, dir, err)
	}
	var version int
	var id string
	if _, err := fmt.Sscanf(string(text), formatHead+" %d\n%s\n", &version, &id); err != nil {
		if version > formatVersion {
			return blockstore.ID{}, newerFormat(dir, version)
		}
		return blockstore.ID{}, blockstore.E(op, dir, blockstore.Corrupt, fmt.Errorf("%s: %w", formatName, err))
	}
	if version > formatVersion {
		return blockstore.ID{}, newerFormat(dir, version)
	}
	parsed, err := blockstore.ParseID(id)
	if err != nil {
		return blockstore.ID{}, blockstore.E(op, dir, blockstore.Corrupt, fmt.Errorf("%s: %w", formatName, err))
	}
	return parsed, nil
}

func newerFormat(dir string, version int) error {
	return blockstore.E("open store", dir, blockstore.NewerFormat,
		fmt.Errorf("format %d, this cairn knows up to %d", version, formatVersion))
}

// format makes an empty store in dir, which must hold nothing else. FORMAT comes
// last, so a format that was interrupted can be done again.
func format(fsys vfs.FS, dir string) (blockstore.ID, error) {
	id := blockstore.NewID()
	err := makeLayout(fsys, dir)
	if err == nil {
		text := fmt.Sprintf("%s %d\n%s\n", formatHead, formatVersion, id)
		err = writeFile(fsys, dir, formatName, []byte(text))
	}
	if err != nil {
		return blockstore.ID{}, fault("format store", dir, err)
	}
	return id, nil
}

func makeLayout(fsys vfs.FS, dir string) error {
	names, err := fsys.List(dir)
	if err != nil {
		return err
	}
	ours := []string{lockName, ballastName, recordsName, segmentsName, tailName, formatName + ".tmp", "lost+found"}
	for _, name := range names {
		if !slices.Contains(ours, name) {
			return blockstore.E("format store", dir, blockstore.NotEmpty, fmt.Errorf("it has %q and is not a store", name))
		}
	}
	segments := fsys.PathJoin(dir, segmentsName)
	for i := range fanOut {
		if err := fsys.MkdirAll(fsys.PathJoin(segments, fmt.Sprintf("%02x", i)), 0o700); err != nil {
			return err
		}
	}
	if err := fsys.MkdirAll(fsys.PathJoin(dir, recordsName), 0o700); err != nil {
		return err
	}
	return errors.Join(syncDir(fsys, segments), syncDir(fsys, dir))
}

// makeDir makes dir and its missing parents, durably.
func makeDir(fsys vfs.FS, dir string) error {
	var missing []string
	for p := dir; ; p = fsys.PathDir(p) {
		if _, err := fsys.Stat(p); err == nil || fsys.PathDir(p) == p {
			break
		}
		missing = append(missing, p)
	}
	if err := fsys.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, p := range missing {
		if err := syncDir(fsys, fsys.PathDir(p)); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(fsys vfs.FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func readFile(fsys vfs.FS, path string) ([]byte, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// writeFile puts a file into dir, durably and whole or not at all.
func writeFile(fsys vfs.FS, dir, name string, data []byte) error {
	path := fsys.PathJoin(dir, name)
	f, err := fsys.Create(path+".tmp", diskCategory)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := fsys.Rename(path+".tmp", path); err != nil {
		return err
	}
	return syncDir(fsys, dir)
}

// oneLine is text fit for the middle of an error.
func oneLine(b []byte) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(strings.Trim(string(b), "\x00"), "?")), " ")
}
