// Command crash kills a homeserver with SIGKILL under load, again and again,
// and checks after each restart that everything it had acknowledged is there
// once, that sync goes on where it was, and that a request whose answer was
// lost can be repeated without doubling; and that a bridge, which fails now and
// then itself, has heard everything in the end.
//
//	go run ./crash -start './plenum serve --throwaway …' -url http://127.0.0.1:8008 -kills 50
//
// The client is mautrix-go. The last line says how many rounds passed.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

func main() {
	var (
		start = flag.String("start", "", "shell `command` that runs the server in the foreground")
		url   = flag.String("url", "", "base `URL` of the server")
		kills = flag.Int("kills", 50, "how often to kill it")
		write = flag.String("write", "", "write the registration of a bridge to `FILE`, and end")
		tell  = flag.String("bridge", "", "`ADDR` of a bridge whose registration the server knows")
		seed  = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the moments of the kills")
	)
	flag.Parse()
	if *write != "" {
		if err := writeRegistration(*write, *tell); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if *start == "" || *url == "" {
		flag.Usage()
		os.Exit(2)
	}
	fmt.Printf("seed %d\n", *seed)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	w := &world{server: &server{command: *start, url: *url}, random: rand.New(rand.NewPCG(*seed, 1))}
	if *tell != "" {
		w.witness = &witness{}
		if err := w.witness.listen(*tell); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	passed, err := w.run(ctx, *kills)
	w.server.kill()
	failed := 0
	if err != nil {
		failed = 1
		fmt.Printf("round %d: %v\n", passed+1, err)
	}
	fmt.Printf("%d messages acknowledged, %d answers lost, slowest restart %v\n", w.acknowledged(), w.lost, w.slowest.Round(time.Millisecond))
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	os.Exit(failed)
}

// run sets the world up and goes through all rounds; it returns how many passed.
func (w *world) run(ctx context.Context, kills int) (int, error) {
	if err := w.server.start(ctx); err != nil {
		return 0, err
	}
	if err := w.settle(ctx); err != nil {
		return 0, fmt.Errorf("before the first kill: %w", err)
	}
	for n := range kills {
		if err := w.round(ctx, n); err != nil {
			return n, err
		}
	}
	if err := w.compare(ctx); err != nil {
		return kills, err
	}
	return kills, w.heardAll(ctx)
}
