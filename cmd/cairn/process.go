package main

import (
	"context"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime/debug"

	"github.com/cairnfs/cairn/blockstore"
)

const (
	// defaultCache is the memory for cached blocks unless --cache-size says.
	defaultCache = size(256 << 20)
	// besideCache is what everything else needs at most: the database's caches and
	// tables, unwritten data of open files, attributes, and garbage not collected yet.
	besideCache = 512 << 20
	// overshoot is how far a burst can go past what the runtime was told.
	overshoot = 128 << 20
)

// limitMemory makes the collector of garbage work harder near the bound of the
// process, the cache and besideCache together. GOMEMLIMIT in the environment wins.
func limitMemory(cache int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(cache + besideCache - overshoot)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // the limit bounds the memory, so collect less often
	}
}

// serveProfiles serves Go's profiles where --pprof says, if it does.
func (a *app) serveProfiles(ctx context.Context) error {
	if a.pprof == "" {
		return nil
	}
	l, err := net.Listen("tcp", a.pprof)
	if err != nil {
		return blockstore.E("serve profiles", a.pprof, blockstore.Other, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); ctx.Err() == nil {
		return blockstore.E("serve profiles", a.pprof, blockstore.Other, err)
	}
	return nil
}
