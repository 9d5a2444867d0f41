package main

import (
	"crypto/rand"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// workload is one row: what is there before, and what is timed. Each job works
// in a directory of its own.
type workload struct {
	name string
	unit string
	cold bool // nothing may be cached when the clock starts
	prep func(x *run1, dir string) error
	run  func(x *run1, dir string) error
	// count is how many units all jobs together do.
	count func(x *run1) int
}

const rsyncRow = "rsync of a source tree"

var workloads = []workload{
	{"sequential write", "MB/s", false, nil, writeFile, megabytes},
	{"sequential read, cold", "MB/s", true, writeFile, readFile, megabytes},
	{"sequential read, warm", "MB/s", false, writeAndRead, readFile, megabytes},
	{"random read 4K, cold", "op/s", true, writeFile, randomRead, smallOps},
	{"random read 4K, warm", "op/s", false, writeAndRead, randomRead, smallOps},
	{"random write 4K", "op/s", false, writeFile, randomWrite, smallOps},
	{"write 4K + fsync", "op/s", false, nil, syncedWrites, syncedOps},
	{"create + 4K + close", "file/s", false, nil, createFiles, fileOps},
	{"stat, cold", "file/s", true, createFiles, statFiles, fileOps},
	{"stat, warm", "file/s", false, createAndStat, statFiles, fileOps},
	{"rename", "file/s", false, createFiles, renameFiles, fileOps},
	{"ls -l, cold", "file/s", true, createFiles, listFiles, fileOps},
	{"unlink", "file/s", false, createFiles, unlinkFiles, fileOps},
	{rsyncRow, "file/s", false, nil, rsyncTree, treeFiles},
}

const (
	chunk = 1 << 20
	small = 4 << 10
)

// run1 is one run of one workload on one system.
type run1 struct {
	*bench
	dir  string
	jobs int
}

func megabytes(x *run1) int { return x.bytesPerJob() * x.jobs / 1e6 }
func smallOps(x *run1) int  { return x.ops / x.jobs * x.jobs }
func syncedOps(x *run1) int { return x.syncs / x.jobs * x.jobs }
func fileOps(x *run1) int   { return x.files / x.jobs * x.jobs }
func treeFiles(x *run1) int { return x.tree * x.jobs }

func (x *run1) bytesPerJob() int { return x.mib / x.jobs * chunk }

// prepare makes the jobs' directories and what the workload wants in them.
func (x *run1) prepare(w workload) error {
	for job := range x.jobs {
		if err := os.Mkdir(x.job(job), 0o755); err != nil {
			return err
		}
	}
	if w.prep == nil {
		return nil
	}
	return x.parallel(w.prep)
}

func (x *run1) job(n int) string { return filepath.Join(x.dir, fmt.Sprintf("job%d", n)) }

func (x *run1) parallel(fn func(*run1, string) error) error {
	var g errgroup.Group
	for job := range x.jobs {
		g.Go(func() error { return fn(x, x.job(job)) })
	}
	return g.Wait()
}

// noise is content that doesn't compress.
var noise = func() []byte {
	b := make([]byte, chunk)
	rand.Read(b)
	return b
}()

func big(dir string) string { return filepath.Join(dir, "big") }

// writeFile writes a file from start to end and syncs it.
func writeFile(x *run1, dir string) error {
	f, err := os.Create(big(dir))
	if err != nil {
		return err
	}
	defer f.Close()
	for range x.bytesPerJob() / chunk {
		if _, err := f.Write(noise); err != nil {
			return err
		}
	}
	return f.Sync()
}

func readFile(x *run1, dir string) error {
	f, err := os.Open(big(dir))
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, chunk)
	total := 0
	for {
		n, err := f.Read(buf)
		total += n
		if err == io.EOF && total == x.bytesPerJob() {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %d bytes: %w", total, err)
		}
	}
}

func writeAndRead(x *run1, dir string) error {
	if err := writeFile(x, dir); err != nil {
		return err
	}
	return readFile(x, dir)
}

func randomRead(x *run1, dir string) error {
	f, err := os.Open(big(dir))
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, small)
	for range x.ops / x.jobs {
		if _, err := f.ReadAt(buf, x.randomOffset()); err != nil {
			return err
		}
	}
	return nil
}

func (x *run1) randomOffset() int64 {
	return int64(mrand.IntN(x.bytesPerJob()/small)) * small
}

// randomWrite overwrites pages of a file and syncs once, at the end.
func randomWrite(x *run1, dir string) error {
	f, err := os.OpenFile(big(dir), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for range x.ops / x.jobs {
		if _, err := f.WriteAt(noise[:small], x.randomOffset()); err != nil {
			return err
		}
	}
	return f.Sync()
}

func syncedWrites(x *run1, dir string) error {
	f, err := os.Create(big(dir))
	if err != nil {
		return err
	}
	defer f.Close()
	for range x.syncs / x.jobs {
		if _, err := f.Write(noise[:small]); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// eachFile calls fn with the path of each small file of a job.
func (x *run1) eachFile(dir string, fn func(path string) error) error {
	for i := range x.files / x.jobs {
		if err := fn(filepath.Join(dir, fmt.Sprintf("file%06d", i))); err != nil {
			return err
		}
	}
	return nil
}

func createFiles(x *run1, dir string) error {
	return x.eachFile(dir, func(path string) error {
		return os.WriteFile(path, noise[:small], 0o644)
	})
}

func statFiles(x *run1, dir string) error {
	return x.eachFile(dir, func(path string) error {
		_, err := os.Lstat(path)
		return err
	})
}

func createAndStat(x *run1, dir string) error {
	if err := createFiles(x, dir); err != nil {
		return err
	}
	return statFiles(x, dir)
}

func renameFiles(x *run1, dir string) error {
	return x.eachFile(dir, func(path string) error { return os.Rename(path, path+".new") })
}

func unlinkFiles(x *run1, dir string) error { return x.eachFile(dir, os.Remove) }

// listFiles does what ls -l does: read the directory, stat each name.
func listFiles(x *run1, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := e.Info(); err != nil {
			return err
		}
	}
	if want := x.files / x.jobs; len(entries) != want {
		return fmt.Errorf("%d entries in %s, want %d", len(entries), dir, want)
	}
	return nil
}

func rsyncTree(x *run1, dir string) error {
	out, err := exec.Command("rsync", "-a", x.source+"/", dir+"/tree/").CombinedOutput()
	if err != nil {
		return fmt.Errorf("rsync: %w: %s", err, out)
	}
	return nil
}

// makeTree makes a tree of files as long as those of source code are.
func makeTree(root string, files int) error {
	sizes := mrand.New(mrand.NewPCG(1, 2))
	for i := range files {
		dir := filepath.Join(root, fmt.Sprintf("pkg%02d", i%37), fmt.Sprintf("sub%d", i%5))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		n := min(len(noise), int(800*sizes.ExpFloat64()*(1+8*sizes.Float64())))
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%d.go", i)), noise[:n], 0o644); err != nil {
			return err
		}
	}
	return nil
}
