// Command conversation accepts a running homeserver by mautrix-go, a client
// library that is not ours: two people register, talk, and find everything
// again after a restart.
//
//	go run ./conversation -url http://127.0.0.1:8008 -restart 'command that returns when the server answers again'
//
// The last line says how many steps passed and failed; the exit code is 0 when
// none failed.
package main

import (
	"context"
	"flag"
	"os"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/acceptance/people"
	"plenum/acceptance/steps"
)

// world is what the walks share.
type world struct {
	people.Server

	alice, bob, phone *people.Person
	kitchen           id.RoomID
	said              []id.EventID // messages of the kitchen in order of sending
	picture           []byte
	pictureURI        id.ContentURI
	edited, redacted  id.EventID
}

func main() {
	w := &world{}
	if !w.Flags() {
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
		{"accounts", w.accounts},
		{"talk", w.talk},
		{"media", w.media},
		{"changes", w.changes},
		{"attention", w.attention},
		{"rooms", w.rooms},
		{"restart", w.restarted},
		{"end", w.end},
	} {
		all.Walk(ctx, part.name, part.fn)
	}
	if !all.Summary() {
		os.Exit(1)
	}
}
