// Command plenum is a Matrix homeserver, and the commands to look after it.
// "plenum help" lists them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], console{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Environ()}))
}
