// Command bench compares cairn with others side by side in one run. The file rows
// compare a mount with the disk that its store lies on, and with a bare in-memory
// file system on the same FUSE loop; the S3 rows compare a gateway with MinIO on
// the same disk, and with a bare S3 server in memory. Those two are the ceilings:
// what is lost there, no store can win back.
//
// Each row of the table is measured on all systems in turn, several rounds of it, so
// that the noise of the machine hits all alike; the median round counts. Here live
// the file rows (bench.go, work.go, system.go), the S3 rows (s3.go, s3work.go,
// server.go, minio.go), and what both need (process.go, table.go). It drives the
// built binary and may import fusefs and the two ceilings, nothing else of the
// module.
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
	"time"

	"github.com/cairnfs/cairn/fusefs"
)

// options are the sizes of a run.
type options struct {
	cairn  string // the binary
	dir    string // where the stores and the disk's directory go
	jobs   []int
	mib    int // of a sequential file, all jobs together
	files  int // of a row that counts files
	ops    int // of a row that counts small reads and writes
	syncs  int // of the row that syncs each write
	tree   int // files of the source tree
	slice  time.Duration
	keys   int // of the S3 row that lists
	rounds int
	rows   *regexp.Regexp
	only   string
	json   string
	pprof  string
}

func main() {
	fusefs.WatchdogMain()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 3 && os.Args[1] == serveCeiling {
		exit(ceilingMain(ctx, os.Args[2]))
	}
	if len(os.Args) == 3 && os.Args[1] == serveS3Ceiling {
		exit(s3CeilingMain(ctx, os.Args[2]))
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
	flag.StringVar(&o.dir, "dir", os.TempDir(), "where the stores and the disk's directory go")
	jobs := flag.String("jobs", "", "numbers of concurrent jobs (default 1,4 for files and 1,8,32 for S3)")
	flag.IntVar(&o.mib, "mib", 1024, "MiB of the sequential files")
	flag.IntVar(&o.files, "files", 2000, "files of create, stat, rename, ls and unlink")
	flag.IntVar(&o.ops, "ops", 8000, "4 KiB reads and writes")
	flag.IntVar(&o.syncs, "syncs", 400, "4 KiB writes that are each synced")
	flag.IntVar(&o.tree, "tree", 2000, "files of the source tree for rsync")
	flag.DurationVar(&o.slice, "slice", 500*time.Millisecond, "how long jobs of an S3 row begin new requests")
	flag.IntVar(&o.keys, "keys", 100_000, "keys of S3 LIST")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each row; the median counts (fewer where S3 requests take long)")
	rows := flag.String("rows", "", "only the rows that match this expression; those of S3 begin with S3")
	flag.StringVar(&o.only, "only", "", "only these systems, for example cairn,disk or cairn,minio")
	flag.StringVar(&o.json, "json", "", "write the figures to this file too")
	flag.StringVar(&o.pprof, "pprof", "", "the address at which cairn serves profiles meanwhile")
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
	if list == "" {
		return nil
	}
	for _, text := range strings.Split(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-jobs %s: want numbers such as 1,4", list)
		}
		o.jobs = append(o.jobs, n)
	}
	return nil
}

// jobsOr are the numbers of jobs that were asked for.
func (o *options) jobsOr(otherwise ...int) []int {
	if len(o.jobs) > 0 {
		return o.jobs
	}
	return otherwise
}

// wants says whether a system is to be measured.
func (o *options) wants(name string) bool {
	return o.only == "" || strings.Contains(","+o.only+",", ","+name+",")
}

func run(ctx context.Context, o options) (err error) {
	base, err := os.MkdirTemp(o.dir, "cairn-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(base)
	t := &table{w: os.Stdout}
	if err := fileRows(ctx, o, filepath.Join(base, "files"), t); err != nil {
		return err
	}
	if err := s3Rows(ctx, o, filepath.Join(base, "s3"), t); err != nil {
		return err
	}
	if o.json == "" {
		return nil
	}
	return t.writeJSON(o.json)
}
