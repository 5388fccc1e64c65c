// Command crypto accepts the end-to-end encryption of a running homeserver by
// mautrix-go and its crypto helper: two people talk, verify each other by
// emoji, stay away, and come back on a new device.
//
//	go run -tags goolm ./crypto -url http://127.0.0.1:8008 -restart 'command that returns when the server answers again'
//
// The last line says how many steps passed and failed; the exit code is 0 when
// none failed.
package main

import (
	"context"
	"flag"
	"os"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"plenum/acceptance/people"
	"plenum/acceptance/steps"
)

// world is what the walks share.
type world struct {
	people.Server
	alice, bob *secretive
	recovery   string // alice's recovery key
	kitchen    id.RoomID
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
		{"identity", w.identity},
		{"talk", w.talk},
		{"verification", w.verification},
		{"absence", w.absence},
		{"new device", w.newDevice},
	} {
		all.Walk(ctx, part.name, part.fn)
	}
	if !all.Summary() {
		os.Exit(1)
	}
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

// encryptedRoom is what createRoom is asked for.
var encryptedRoom = []*event.Event{{
	Type:    event.StateEncryption,
	Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}},
}}
