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
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"maunium.net/go/mautrix/id"
)

// world is what the walks share.
type world struct {
	url, token, restart string
	tag                 string // unique to this run, so that a server can be used again

	alice, bob, phone *person
	kitchen           id.RoomID
	said              []id.EventID // messages of the kitchen in order of sending
	picture           []byte
	pictureURI        id.ContentURI
	edited, redacted  id.EventID
}

func main() {
	w := &world{tag: strconv.FormatInt(time.Now().UnixMilli(), 36)}
	flag.StringVar(&w.url, "url", "", "base `URL` of the server")
	flag.StringVar(&w.restart, "restart", "", "shell `command` that restarts the server and returns when it answers")
	flag.StringVar(&w.token, "registration-token", "", "`token` to register with, where the server wants one")
	flag.Parse()
	if w.url == "" {
		flag.Usage()
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()

	all := &walks{out: os.Stdout}
	for _, part := range []struct {
		name string
		fn   func(context.Context, *walk) error
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
		all.run(ctx, part.name, part.fn)
	}
	if !all.summary() {
		os.Exit(1)
	}
}

// name makes a word unique to this run.
func (w *world) name(word string) string { return word + "-" + w.tag }

// restartServer runs the restart command.
func (w *world) restartServer(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "sh", "-c", w.restart).CombinedOutput()
	if err != nil {
		return fmt.Errorf("restart command: %w: %s", err, out)
	}
	return nil
}
