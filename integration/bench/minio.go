package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const minioModule = "github.com/minio/minio@latest"

// findMinIO returns the binary of MinIO: $MINIO, else the one in PATH or in the folder
// of cairn's binary, where it is built if it is nowhere.
func findMinIO(ctx context.Context, bin string) (string, error) {
	if path := os.Getenv("MINIO"); path != "" {
		return exec.LookPath(path)
	}
	if path, err := exec.LookPath("minio"); err == nil {
		return path, nil
	}
	path := filepath.Join(bin, "minio")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	fmt.Fprintf(os.Stderr, "bench: go install %s, once: this takes minutes\n", minioModule)
	cmd := exec.CommandContext(ctx, "go", "install", minioModule)
	cmd.Env = append(os.Environ(), "GOBIN="+bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go install %s: %w: %s", minioModule, err, lastLine(out))
	}
	return path, nil
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// minioCommand serves a directory. MinIO can't be told to take any port that is
// free, so one is looked for.
func minioCommand(ctx context.Context, o options, base string) (*exec.Cmd, error) {
	path, err := findMinIO(ctx, filepath.Dir(o.cairn))
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", anyPort)
	if err != nil {
		return nil, err
	}
	address := ln.Addr().String()
	if err := ln.Close(); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), path, "server", "--address", address, filepath.Join(base, "data"))
	cmd.Env = append(os.Environ(), "HOME="+base, "MINIO_ROOT_USER="+accessKey, "MINIO_ROOT_PASSWORD="+secretKey,
		"MINIO_BROWSER=off", "MINIO_UPDATE=off")
	return cmd, nil
}
