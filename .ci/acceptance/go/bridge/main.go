// Command bridge accepts a running homeserver by the application service of
// mautrix-go, which bridges to other networks are made of: it speaks for
// ghosts, hears what people say, is away for a while, and encrypts.
//
//	go run -tags goolm ./bridge -write bridge.yaml -listen 127.0.0.1:8010   # the registration, for the server
//	go run -tags goolm ./bridge -registration bridge.yaml -listen 127.0.0.1:8010 -url http://127.0.0.1:8008 \
//		-restart 'command that returns when the server answers again'
//
// The last line says how many steps passed and failed; the exit code is 0 when
// none failed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"time"

	"maunium.net/go/mautrix/appservice"
	"maunium.net/go/mautrix/id"

	"plenum/acceptance/people"
	"plenum/acceptance/steps"
)

// world is what the walks share.
type world struct {
	people.Server
	registration string // file
	listen       string // address

	bridge *bridge
	alice  *people.Person
	pub    id.RoomID
}

func main() {
	w := &world{}
	write := flag.String("write", "", "write the registration to `FILE`, and end")
	flag.StringVar(&w.registration, "registration", "", "`FILE` with the registration, which the server knows")
	flag.StringVar(&w.listen, "listen", "127.0.0.1:18010", "`ADDR` on which the server tells us what happens")
	complete := w.Flags()
	if *write != "" {
		if err := register(w.listen).Save(*write); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if !complete || w.registration == "" {
		flag.Usage()
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()

	all := &steps.Run{Out: os.Stdout}
	for _, part := range []struct {
		name string
		fn   func(context.Context, *steps.Walk) error
	}{
		{"connection", w.connect},
		{"ghosts", w.ghosts},
		{"questions", w.questions},
		{"absence", w.absence},
		{"encryption", w.encryption},
	} {
		all.Walk(ctx, part.name, part.fn)
	}
	if !all.Summary() {
		os.Exit(1)
	}
}

// register makes a registration as bridges do.
func register(listen string) *appservice.Registration {
	r := appservice.CreateRegistration()
	r.ID, r.URL, r.SenderLocalpart = "parrot", "http://"+listen, "parrotbot"
	limited := false
	r.RateLimited = &limited
	r.EphemeralEvents, r.MSC3202, r.MSC4190 = true, true, true
	r.Namespaces.UserIDs.Register(regexp.MustCompile(`^@parrot_.+:.+$`), true)
	r.Namespaces.RoomAliases.Register(regexp.MustCompile(`^#parrot_.+:.+$`), true)
	return r
}

// inTurn takes steps of which each needs those before it.
func inTurn(ctx context.Context, walk *steps.Walk, row ...step) error {
	for _, s := range row {
		if err := walk.Step(ctx, s.name, s.fn); err != nil {
			return err
		}
	}
	return nil
}

type step struct {
	name string
	fn   func(context.Context) error
}
