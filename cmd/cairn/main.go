package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/cairnfs/cairn/fusefs"
)

func main() {
	fusefs.WatchdogMain()
	log.SetOutput(io.Discard) // libraries may not add to the one line that a user gets
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args)
	if err != nil {
		fmt.Fprintln(os.Stderr, message(err))
	}
	os.Exit(status(err))
}

// run carries out one command line; args[0] is the name of the program.
func run(ctx context.Context, args []string) error {
	a := &app{out: os.Stdout, err: os.Stderr}
	root := newRoot(a)
	root.SetArgs(arguments(args))
	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && canceled(err) {
		return interrupted{err}
	}
	return err
}
