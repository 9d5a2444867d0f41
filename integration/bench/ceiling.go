package main

import (
	"context"
	"fmt"

	"github.com/cairnfs/cairn/fusefs"
	"github.com/cairnfs/cairn/fusefs/ceiling"
)

// serveCeiling is the argument under which this program starts itself, to serve
// the ceiling from a process of its own as cairn does.
const serveCeiling = "serve-ceiling"

func ceilingMain(ctx context.Context, mountpoint string) error {
	server, err := fusefs.Mount(ctx, mountpoint, ceiling.New().Door(), fusefs.Options{})
	if err != nil {
		return err
	}
	fmt.Printf("mounted the ceiling on %s\n", mountpoint)
	return server.Serve(ctx)
}
