// Command bench compares three file systems side by side in one run: a cairn
// mount, the disk that its store lies on, and a bare in-memory file system on the
// same FUSE loop (the ceiling: what is lost there, no store can win back).
//
// Each row of the table is measured on all three in turn, several rounds of it, so
// that the noise of the machine hits all alike; the median round counts. Here live
// the workloads (work.go), the systems (system.go) and the table (table.go). It
// drives the built binary and may import fusefs and its ceiling, nothing else of
// the module.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/cairnfs/cairn/fusefs"
)

// options are the sizes of a run.
type options struct {
	cairn  string // the binary
	dir    string // where the store and the disk's directory go
	jobs   []int
	mib    int // of a sequential file, all jobs together
	files  int // of a row that counts files
	ops    int // of a row that counts small reads and writes
	syncs  int // of the row that syncs each write
	tree   int // files of the source tree
	rounds int
	rows   *regexp.Regexp
	only   string
	json   string
}

func main() {
	fusefs.WatchdogMain()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 3 && os.Args[1] == serveCeiling {
		exit(ceilingMain(ctx, os.Args[2]))
	}
	opts, err := parse()
	if err == nil {
		err = run(ctx, opts)
	}
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func parse() (options, error) {
	var o options
	flag.StringVar(&o.cairn, "cairn", "bin/cairn", "the binary to measure")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "where the store and the disk's directory go")
	jobs := flag.String("jobs", "1,4", "numbers of concurrent jobs")
	flag.IntVar(&o.mib, "mib", 1024, "MiB of the sequential files")
	flag.IntVar(&o.files, "files", 2000, "files of create, stat, rename, ls and unlink")
	flag.IntVar(&o.ops, "ops", 8000, "4 KiB reads and writes")
	flag.IntVar(&o.syncs, "syncs", 400, "4 KiB writes that are each synced")
	flag.IntVar(&o.tree, "tree", 2000, "files of the source tree for rsync")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each row; the median counts")
	rows := flag.String("rows", "", "only the rows that match this expression")
	flag.StringVar(&o.only, "only", "", "only these systems, for example cairn,disk")
	flag.StringVar(&o.json, "json", "", "write the figures to this file too")
	flag.Parse()
	if err := parseJobs(&o, *jobs); err != nil {
		return o, err
	}
	var err error
	if o.rows, err = regexp.Compile(*rows); err != nil {
		return o, err
	}
	o.cairn, err = filepath.Abs(o.cairn)
	return o, err
}

func parseJobs(o *options, list string) error {
	for _, text := range strings.Split(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-jobs %s: want numbers such as 1,4", list)
		}
		o.jobs = append(o.jobs, n)
	}
	return nil
}

func run(ctx context.Context, o options) (err error) {
	base, err := os.MkdirTemp(o.dir, "cairn-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(base)
	systems, err := start(ctx, o, base)
	defer func() {
		for _, s := range systems {
			if e := s.stop(); err == nil {
				err = e
			}
		}
	}()
	if err != nil {
		return err
	}
	if o.rows.MatchString("rsync") {
		if err := makeTree(filepath.Join(base, "tree"), o.tree); err != nil {
			return err
		}
	}
	b := &bench{options: o, source: filepath.Join(base, "tree"), systems: systems}
	results, err := b.all(ctx)
	if err == nil && o.json != "" {
		err = writeJSON(o.json, results)
	}
	return err
}
