package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// s3bench runs the rows of the S3 servers.
type s3bench struct {
	options
	servers []*server
	table   *table
	runs    int // so far
}

const (
	listRow   = "S3 LIST"
	memoryRow = "S3 peak memory"
)

// cell is one kind of requests on objects of one size.
type cell struct {
	name string
	kind kind
	objects
}

// cells are those whose rows are wanted.
func (o *options) cells() []cell {
	var wanted []cell
	for _, k := range kinds {
		for _, size := range sizes {
			name := fmt.Sprintf("S3 %s %s", k.name, size.name)
			if o.rows.MatchString(name) {
				wanted = append(wanted, cell{name, k, size})
			}
		}
	}
	return wanted
}

// s3Rows compares the S3 servers.
func s3Rows(ctx context.Context, o options, base string, t *table) (err error) {
	cells, list := o.cells(), o.rows.MatchString(listRow)
	if len(cells) == 0 && !list {
		return nil
	}
	servers, err := startServers(ctx, o, base, t)
	defer func() {
		for _, s := range servers {
			err = errors.Join(err, s.stop())
		}
		err = errors.Join(err, os.RemoveAll(base))
	}()
	if err != nil || len(servers) == 0 {
		return err
	}
	t.noteS3()
	t.head(names(servers, func(s *server) string { return s.name })...)
	b := &s3bench{options: o, servers: servers, table: t}
	if err := b.cellRows(ctx, cells); err != nil {
		return err
	}
	if list {
		if err := b.listRow(ctx); err != nil {
			return err
		}
	}
	return b.memoryRow()
}

// noteS3 says what the rows mean.
func (t *table) noteS3() {
	t.note("S3: minio-go over plain HTTP with its defaults: signed chunks of 64 KiB, and PUT of 64 MiB is a")
	t.note("multipart upload, 4 parts of 16 MiB at once. Each server has a process of its own; client and server")
	t.note("share the machine. What is read was just written.")
	t.note("cairn answers a PUT when data and name are synced: both survive a power cut. minio writes with")
	t.note("fdatasync or O_DSYNC to a temporary file and renames it; the rename is not synced (it is with")
	t.note("MINIO_FS_OSYNC=on, which it takes from the environment). ceiling keeps nothing on disk, and has no MD5.")
}

func (b *s3bench) cellRows(ctx context.Context, cells []cell) error {
	prepared := make(map[int]bool)
	for _, c := range cells {
		if c.kind.gets > 0 && !prepared[c.size] {
			prepared[c.size] = true
			if err := b.onAll(func(s *server) error { return s.prepare(ctx, c.objects) }); err != nil {
				return err
			}
		}
		for _, jobs := range b.jobsOr(1, 8, 32) {
			rates, err := b.compare(ctx, func(s *server) (float64, error) { return b.measure(ctx, c, s, jobs) })
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			b.table.add(result{Row: c.name, Jobs: jobs, Unit: c.unit, Size: c.size}, rates)
		}
	}
	return nil
}

// onAll does something on each server that is there.
func (b *s3bench) onAll(fn func(*server) error) error {
	for _, s := range b.servers {
		if s.proc == nil {
			continue
		}
		if err := fn(s); err != nil {
			return fmt.Errorf("on %s: %w", s.name, err)
		}
	}
	return nil
}

// compare measures all servers in turn. Where requests take much longer than a
// slice there are fewer rounds, but the more in each.
func (b *s3bench) compare(ctx context.Context, measure func(*server) (float64, error)) ([]float64, error) {
	within := 2 * b.slice * time.Duration(b.rounds*len(b.servers))
	return inTurn(ctx, rounds{b.rounds, within}, len(b.servers), func(i int) (float64, error) {
		s := b.servers[i]
		if s.proc == nil {
			return math.NaN(), nil
		}
		unix.Sync() // what others left to write
		rate, err := measure(s)
		if err != nil {
			return 0, fmt.Errorf("on %s: %w", s.name, err)
		}
		return rate, nil
	})
}

// measure lets jobs begin requests for as long as a slice, and returns what was
// done per second, in the unit of the cell.
func (b *s3bench) measure(ctx context.Context, c cell, s *server, jobs int) (float64, error) {
	b.runs++
	l := &load{cell: c, client: s.client, run: b.runs}
	begin := time.Now()
	done, err := l.work(ctx, jobs, begin.Add(b.slice))
	elapsed := time.Since(begin).Seconds()
	if err != nil {
		return 0, err
	}
	if c.unit == megabyteRate {
		elapsed *= 1e6 / float64(c.size)
	}
	return float64(done) / elapsed, l.tidy(ctx)
}

// listRow lists many keys, one job: a listing is one request after the other.
func (b *s3bench) listRow(ctx context.Context) error {
	if err := b.fill(ctx); err != nil {
		return err
	}
	rates, err := b.compare(ctx, func(s *server) (float64, error) {
		begin := time.Now()
		err := s.list(ctx, b.keys)
		return float64(b.keys) / time.Since(begin).Seconds(), err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", listRow, err)
	}
	b.table.add(result{Row: listRow, Jobs: 1, Unit: "key/s"}, rates)
	return nil
}

// memoryRow is about all rows that were run, so it comes with any of them.
func (b *s3bench) memoryRow() error {
	peaks := make([]float64, len(b.servers))
	for i, s := range b.servers {
		var err error
		if peaks[i], err = s.peakMemory(); err != nil {
			return err
		}
	}
	b.table.add(result{Row: memoryRow, Unit: "MB"}, peaks)
	return nil
}
