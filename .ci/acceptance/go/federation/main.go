// Command federation accepts a homeserver beside one that is not ours: people
// of both talk in rooms of either, through mautrix-go.
//
//	go run ./federation -url http://127.0.0.1:8008 -peer http://127.0.0.1:8018
//
// The last line says how many steps passed and failed; the exit code is 0 when
// none failed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/acceptance/people"
	"plenum/acceptance/steps"
)

// versions are the room versions that rooms are tried in: each is the first of
// an event format or of a state resolution still in use.
var versions = []id.RoomVersion{"6", "10", "11", "12"}

func main() {
	ours := people.Server{}
	peer := flag.String("peer", "", "base `URL` of the other server")
	if !ours.Flags() || *peer == "" {
		flag.Usage()
		os.Exit(2)
	}
	theirs := ours
	theirs.URL, theirs.Command, theirs.Token = *peer, "", ""
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()

	all := &steps.Run{Out: os.Stdout}
	w := &world{}
	all.Walk(ctx, "people", func(ctx context.Context, walk *steps.Walk) error { return w.register(ctx, walk, ours, theirs) })
	if w.theirs != nil {
		for _, version := range versions {
			for _, side := range []struct {
				name        string
				host, guest *people.Person
			}{{"ours", w.ours, w.theirs}, {"theirs", w.theirs, w.ours}} {
				r := &visit{world: w, version: version, host: side.host, guest: side.guest, tag: fmt.Sprintf("%s-%s-%s", ours.Name("v"), version, side.name)}
				for _, part := range []struct {
					name string
					fn   func(context.Context, *steps.Walk) error
				}{
					{"join by alias", r.join},
					{"invite", r.invite},
					{"moderation", r.moderate},
					{"doors", r.doors},
					{"history", r.history},
					{"upgrade", r.upgrade},
				} {
					all.Walk(ctx, fmt.Sprintf("v%s, room of %s, %s", version, side.name, part.name), part.fn)
				}
			}
		}
		all.Walk(ctx, "small things", w.small)
	}
	if !all.Summary() {
		os.Exit(1)
	}
}
