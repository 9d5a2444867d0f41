package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"
)

const bucket = "bench"

// kind is a mix of requests.
type kind struct {
	name string
	gets int // of ten requests; the others put
}

var kinds = []kind{{"PUT", 0}, {"GET", 10}, {"mixed", 7}}

// objects are those of one size.
type objects struct {
	name string
	size int
	unit string
	read int // how many there are to be read
}

const megabyteRate = "MB/s"

var sizes = []objects{
	{"4K", 4 << 10, "op/s", 1000},
	{"1M", 1 << 20, megabyteRate, 64},
	{"64M", 64 << 20, megabyteRate, 4},
}

// content is that of the largest object; others are its beginning.
var content = sync.OnceValue(func() []byte {
	return bytes.Repeat(noise, sizes[len(sizes)-1].size/len(noise))
})

// readKey is that of an object to be read.
func (o objects) readKey(n int) string { return fmt.Sprintf("%s/read/%d", o.name, n%o.read) }

func put(ctx context.Context, c *minio.Client, key string, size int) error {
	_, err := c.PutObject(ctx, bucket, key, bytes.NewReader(content()[:size]), int64(size), minio.PutObjectOptions{})
	return err
}

// get reads an object through buf and returns its length.
func get(ctx context.Context, c *minio.Client, key string, buf []byte) (int, error) {
	o, err := c.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return 0, err
	}
	defer o.Close()
	total := 0
	for {
		n, err := o.Read(buf)
		total += n
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// prepare puts the objects to be read. The last is read back, that nobody be fast
// because he is wrong.
func (s *server) prepare(ctx context.Context, o objects) error {
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for n := range o.read {
		g.Go(func() error { return put(inner, s.client, o.readKey(n), o.size) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	buf := make([]byte, o.size+1)
	object, err := s.client.GetObject(ctx, bucket, o.readKey(o.read-1), minio.GetObjectOptions{})
	if err != nil {
		return err
	}
	defer object.Close()
	n, err := io.ReadFull(object, buf)
	if err != io.ErrUnexpectedEOF || !bytes.Equal(buf[:n], content()[:o.size]) {
		return fmt.Errorf("an object of %d bytes came back with %d, and others: %w", o.size, n, err)
	}
	return nil
}

// load is one run of one cell on one server.
type load struct {
	cell
	client *minio.Client
	run    int
	next   atomic.Int64 // request
}

// work runs jobs that begin requests until a time, and returns how many they did.
func (l *load) work(ctx context.Context, jobs int, until time.Time) (int64, error) {
	g, ctx := errgroup.WithContext(ctx)
	for range jobs {
		g.Go(func() error {
			buf := make([]byte, 256<<10)
			for time.Now().Before(until) {
				if err := l.request(ctx, int(l.next.Add(1))-1, buf); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	return l.next.Load(), err
}

// request does the nth request of all jobs.
func (l *load) request(ctx context.Context, n int, buf []byte) error {
	if !l.gets(n) {
		return put(ctx, l.client, l.key(n), l.size)
	}
	length, err := get(ctx, l.client, l.readKey(n), buf)
	if err == nil && length != l.size {
		err = fmt.Errorf("an object of %d bytes came back with %d", l.size, length)
	}
	return err
}

// gets says whether the nth request is a GET. Seven is prime to ten, so the two kinds
// alternate.
func (l *load) gets(n int) bool { return n*7%10 < l.kind.gets }

// key is a new one for each PUT.
func (l *load) key(n int) string { return fmt.Sprintf("%s/run%d/%d", l.cell.objects.name, l.run, n) }

// tidy removes what was put, if it is much.
func (l *load) tidy(ctx context.Context) error {
	if l.size < chunk {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for n := range int(l.next.Load()) {
		if !l.gets(n) {
			g.Go(func() error { return l.client.RemoveObject(ctx, bucket, l.key(n), minio.RemoveObjectOptions{}) })
		}
	}
	return g.Wait()
}

const (
	listPrefix   = "list/"
	keysInFolder = 1000
	fillers      = 32
)

// fill puts the keys to be listed, of one byte each, on all servers at the same
// time.
func (b *s3bench) fill(ctx context.Context) error {
	fmt.Fprintf(os.Stderr, "bench: putting %d keys on each server, for %s\n", b.keys, listRow)
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range b.servers {
		if s.proc == nil {
			continue
		}
		var next atomic.Int64
		for range fillers {
			g.Go(func() error {
				for n := next.Add(1) - 1; n < int64(b.keys); n = next.Add(1) - 1 {
					key := fmt.Sprintf("%s%04d/%04d", listPrefix, n/keysInFolder, n%keysInFolder)
					if err := put(ctx, s.client, key, 1); err != nil {
						return fmt.Errorf("%s on %s: %w", listRow, s.name, err)
					}
				}
				return nil
			})
		}
	}
	return g.Wait()
}

// list lists the keys: as many as were put, in order.
func (s *server) list(ctx context.Context, want int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends ListObjects if it is left early
	var keys []string
	for o := range s.client.ListObjects(ctx, bucket, minio.ListObjectsOptions{Prefix: listPrefix, Recursive: true}) {
		if o.Err != nil {
			return o.Err
		}
		keys = append(keys, o.Key)
	}
	if len(keys) != want || !slices.IsSorted(keys) {
		return fmt.Errorf("%d keys listed, in order: %t; want %d in order", len(keys), slices.IsSorted(keys), want)
	}
	return nil
}
