package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// The keys of the only user of each server.
const (
	accessKey = "benchmark"
	secretKey = "benchmark-secret"
	anyPort   = "127.0.0.1:0"
)

// server is one of the S3 servers that are compared.
type server struct {
	name   string
	proc   *process // nil: it can't be measured
	client *minio.Client
}

// startServers starts the S3 servers that the options ask for. Those that were
// started are returned with an error too.
func startServers(ctx context.Context, o options, base string, t *table) ([]*server, error) {
	all := []struct {
		name    string
		command func(ctx context.Context, o options, base string) (*exec.Cmd, error)
	}{{"cairn", cairnCommand}, {"minio", minioCommand}, {"ceiling", s3CeilingCommand}}
	var started []*server
	for _, one := range all {
		if !o.wants(one.name) {
			continue
		}
		s := &server{name: one.name}
		started = append(started, s)
		dir := filepath.Join(base, one.name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return started, err
		}
		cmd, err := one.command(ctx, o, dir)
		if err == nil {
			err = s.begin(ctx, cmd)
		}
		if err != nil && one.name == "minio" && ctx.Err() == nil {
			t.note("minio is not measured: %v", err)
		} else if err != nil {
			return started, err
		}
	}
	return started, nil
}

func cairnCommand(ctx context.Context, o options, base string) (*exec.Cmd, error) {
	cmd := o.command(context.WithoutCancel(ctx), filepath.Join(base, "store"), "gateway", "--listen", anyPort)
	cmd.Env = append(os.Environ(), "HOME="+base, "XDG_CONFIG_HOME="+filepath.Join(base, "config"),
		"CAIRN_ACCESS_KEY="+accessKey, "CAIRN_SECRET_KEY="+secretKey)
	return cmd, nil
}

func s3CeilingCommand(ctx context.Context, _ options, _ string) (*exec.Cmd, error) {
	return exec.CommandContext(context.WithoutCancel(ctx), "/proc/self/exe", serveS3Ceiling, anyPort), nil
}

// endpoint is in what each server prints when it serves.
var endpoint = regexp.MustCompile(`http://127\.0\.0\.1:\d+\b`)

// begin starts the server and makes its bucket.
func (s *server) begin(ctx context.Context, cmd *exec.Cmd) error {
	proc, url, err := begin(ctx, s.name, cmd, endpoint)
	if err != nil {
		return err
	}
	s.proc = proc
	if s.client, err = newClient(strings.TrimPrefix(url, "http://")); err != nil {
		return err
	}
	return s.client.MakeBucket(ctx, bucket, minio.MakeBucketOptions{})
}

// newClient is minio-go as it comes, but that it keeps as many connections as there
// are jobs: no system is to be measured by how fast it accepts.
func newClient(address string) (*minio.Client, error) {
	transport, err := minio.DefaultTransport(false)
	if err != nil {
		return nil, err
	}
	transport.MaxIdleConnsPerHost = transport.MaxIdleConns
	return minio.New(address, &minio.Options{
		Creds:  credentials.NewStaticV4(accessKey, secretKey, ""),
		Region: "us-east-1", Transport: transport,
	})
}

func (s *server) stop() error {
	if s.proc == nil {
		return nil
	}
	return s.proc.stop()
}

// peakMemory is the most that the process had resident at once, in MB; NaN if there
// is no process.
func (s *server) peakMemory() (float64, error) {
	if s.proc == nil {
		return math.NaN(), nil
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.proc.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := bytes.Cut(status, []byte("VmHWM:"))
	var kib float64
	_, err = fmt.Sscan(string(after), &kib)
	return kib * 1024 / 1e6, err
}
