package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"plenum/acceptance/people"
	"plenum/acceptance/steps"
)

// small is what goes between servers beside events.
func (w *world) small(ctx context.Context, walk *steps.Walk) error {
	var room id.RoomID
	both := []struct{ from, to *people.Person }{{w.ours, w.theirs}, {w.theirs, w.ours}}
	return inTurn(ctx, walk,
		step{"a room", func(ctx context.Context) error {
			made, err := w.ours.CreateRoom(ctx, &mautrix.ReqCreateRoom{Preset: "public_chat"})
			if err != nil {
				return err
			}
			room = made.RoomID
			if _, err := w.theirs.JoinRoom(ctx, string(room), &mautrix.ReqJoinRoom{Via: []string{w.ours.UserID.Homeserver()}}); err != nil {
				return err
			}
			return says(ctx, w.theirs, w.ours, room, "hello")
		}},
		step{"profiles", func(ctx context.Context) error {
			for _, p := range both {
				if err := p.from.SetDisplayName(ctx, "Name of "+p.from.UserID.Localpart()); err != nil {
					return err
				}
				profile, err := p.to.GetProfile(ctx, p.from.UserID)
				if err != nil {
					return err
				}
				if err := steps.Equal("name", profile.DisplayName, "Name of "+p.from.UserID.Localpart()); err != nil {
					return err
				}
			}
			return nil
		}},
		step{"typing", func(ctx context.Context) error {
			for _, p := range both {
				if _, err := p.from.UserTyping(ctx, room, true, 30*time.Second); err != nil {
					return err
				}
				if _, err := p.to.Until(ctx, "typing", func(evt *event.Event) bool {
					return evt.Type == event.EphemeralEventTyping && evt.RoomID == room && mentions(evt, p.from.UserID)
				}); err != nil {
					return err
				}
			}
			return nil
		}},
		step{"receipts", func(ctx context.Context) error {
			for _, p := range both {
				ev, err := p.to.Say(ctx, room, "read this")
				if err != nil {
					return err
				}
				if _, err := p.from.Hears(ctx, ev); err != nil {
					return err
				}
				if err := p.from.MarkRead(ctx, room, ev); err != nil {
					return err
				}
				if _, err := p.to.Until(ctx, "a receipt", func(evt *event.Event) bool {
					return evt.Type == event.EphemeralEventReceipt && evt.RoomID == room && evt.Content.Raw[string(ev)] != nil && mentions(evt, p.from.UserID)
				}); err != nil {
					return err
				}
			}
			return nil
		}},
		step{"files", func(ctx context.Context) error {
			for _, p := range both {
				file := bytes.Repeat([]byte("file of "+string(p.from.UserID)), 1000)
				up, err := p.from.UploadBytesWithName(ctx, file, "text/plain", "file.txt")
				if err != nil {
					return err
				}
				resp, err := p.to.Download(ctx, up.ContentURI)
				if err != nil {
					return err
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil {
					return err
				}
				if !bytes.Equal(got, file) {
					return fmt.Errorf("another file came: %d bytes", len(got))
				}
			}
			return nil
		}},
	)
}

// mentions reports whether an ephemeral event names user somewhere.
func mentions(evt *event.Event, user id.UserID) bool {
	return bytes.Contains(evt.Content.VeryRaw, []byte(user))
}
