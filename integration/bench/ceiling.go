package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/cairnfs/cairn/fusefs"
	fileceiling "github.com/cairnfs/cairn/fusefs/ceiling"
	s3ceiling "github.com/cairnfs/cairn/gatewaylite/ceiling"
)

// The arguments under which this program starts itself, to serve a ceiling from
// a process of its own as cairn does.
const (
	serveCeiling   = "serve-ceiling"
	serveS3Ceiling = "serve-s3-ceiling"
)

func ceilingMain(ctx context.Context, mountpoint string) error {
	server, err := fusefs.Mount(ctx, mountpoint, fileceiling.New().Door(), fusefs.Options{})
	if err != nil {
		return err
	}
	fmt.Printf("mounted the ceiling on %s\n", mountpoint)
	return server.Serve(ctx)
}

func s3CeilingMain(ctx context.Context, address string) error {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: s3ceiling.New(accessKey, secretKey)}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	fmt.Printf("serving the ceiling at http://%s\n", ln.Addr())
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	return errors.Join(srv.Close(), closed(<-served))
}

// closed: that a server was closed is no error.
func closed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
