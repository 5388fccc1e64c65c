package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"plenum/acceptance/steps"
)

func (w *world) connect(ctx context.Context, walk *steps.Walk) error {
	return inTurn(ctx, walk,
		step{"a person registers", func(ctx context.Context) (err error) {
			w.alice, err = w.Register(ctx, w.Name("alice"))
			return err
		}},
		step{"the bridge starts, and the server hears it", func(ctx context.Context) (err error) {
			if w.bridge, err = newBridge(w.registration, w.alice.UserID.Homeserver(), w.URL); err != nil {
				return err
			}
			who, err := w.bridge.BotClient().Whoami(ctx)
			if err != nil {
				return err
			}
			return steps.Equal("the bridge's own user", who.UserID, w.bridge.BotMXID())
		}},
		step{"a bridge that does not listen is told so", func(ctx context.Context) error {
			_, err := w.bridge.BotIntent().AppservicePing(ctx, w.bridge.Registration.ID, "1")
			return steps.Refused(err, mautrix.RespError{ErrCode: "M_CONNECTION_FAILED", StatusCode: 502})
		}},
		step{"the server reaches the bridge", func(ctx context.Context) error {
			if err := w.bridge.Listen(w.listen); err != nil {
				return err
			}
			w.bridge.events.Start(context.WithoutCancel(ctx))
			_, err := w.bridge.BotIntent().AppservicePing(ctx, w.bridge.Registration.ID, "2")
			return err
		}},
	)
}

func (w *world) ghosts(ctx context.Context, walk *steps.Walk) error {
	polly := w.bridge.ghost(w.Name("polly"))
	var opened *mautrix.RespCreateRoom
	w.alice.Follow(ctx)
	return inTurn(ctx, walk,
		step{"a ghost is registered, and named", func(ctx context.Context) error {
			if err := polly.EnsureRegistered(ctx); err != nil {
				return err
			}
			return polly.SetDisplayName(ctx, "Polly")
		}},
		step{"names of the bridge are kept for it", func(ctx context.Context) error {
			_, err := w.Register(ctx, "parrot_"+w.Name("thief"))
			return steps.Refused(err, mautrix.RespError{ErrCode: "M_EXCLUSIVE", StatusCode: 400})
		}},
		step{"the bridge opens a room by alias, and the ghost joins", func(ctx context.Context) (err error) {
			opened, err = w.bridge.BotIntent().CreateRoom(ctx, &mautrix.ReqCreateRoom{
				Preset: "public_chat", RoomAliasName: "parrot_" + w.Name("pub"),
			})
			if err != nil {
				return err
			}
			w.pub = opened.RoomID
			return polly.EnsureJoined(ctx, w.pub)
		}},
		step{"a person joins, and sees the ghost", func(ctx context.Context) error {
			if _, err := w.alice.JoinRoom(ctx, fmt.Sprintf("#parrot_%s:%s", w.Name("pub"), w.bridge.HomeserverDomain), nil); err != nil {
				return err
			}
			members, err := w.alice.JoinedMembers(ctx, w.pub)
			if err != nil {
				return err
			}
			return steps.Equal("the ghost's name", members.Joined[polly.UserID].DisplayName, "Polly")
		}},
		step{"what the ghost said is from when it was said elsewhere", func(ctx context.Context) error {
			const then = 1234567890123
			said, err := polly.SendMessageEvent(ctx, w.pub, event.EventMessage, text("squawk"), mautrix.ReqSendEvent{Timestamp: then})
			if err != nil {
				return err
			}
			evt, err := w.alice.Hears(ctx, said.EventID)
			if err != nil {
				return err
			}
			return steps.Equal("time", evt.Timestamp, int64(then))
		}},
		step{"the bridge hears what people say, type and read", func(ctx context.Context) error {
			if _, err := w.alice.UserTyping(ctx, w.pub, true, 10*time.Second); err != nil {
				return err
			}
			isTyping := func(evt *event.Event) bool {
				return evt.Type == event.EphemeralEventTyping && evt.RoomID == w.pub && slices.Contains(evt.Content.AsTyping().UserIDs, w.alice.UserID)
			}
			if _, err := w.bridge.until(ctx, "typing", isTyping); err != nil {
				return err
			}
			said, err := w.alice.Say(ctx, w.pub, "hello parrot")
			if err != nil {
				return err
			}
			if _, err := w.bridge.hears(ctx, said); err != nil {
				return err
			}
			if err := w.alice.MarkRead(ctx, w.pub, said); err != nil {
				return err
			}
			_, err = w.bridge.until(ctx, "a receipt", func(evt *event.Event) bool {
				return evt.Type == event.EphemeralEventReceipt && (*evt.Content.AsReceipt())[said] != nil
			})
			return err
		}},
	)
}

func (w *world) questions(ctx context.Context, walk *steps.Walk) error {
	w.bridge.knows = func(name string) bool {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if name[0] == '@' {
			return w.bridge.Intent(id.UserID(name)).EnsureRegistered(ctx) == nil
		}
		local, _, _ := strings.Cut(name[1:], ":")
		_, err := w.bridge.BotIntent().CreateRoom(ctx, &mautrix.ReqCreateRoom{Preset: "public_chat", RoomAliasName: local})
		return err == nil
	}
	return inTurn(ctx, walk,
		step{"whoever is invited is made", func(ctx context.Context) error {
			ghost := w.bridge.ghost(w.Name("jack"))
			opened, err := w.alice.CreateRoom(ctx, &mautrix.ReqCreateRoom{Preset: "private_chat"})
			if err != nil {
				return err
			}
			if _, err := w.alice.InviteUser(ctx, opened.RoomID, &mautrix.ReqInviteUser{UserID: ghost.UserID}); err != nil {
				return err
			}
			if err := steps.Equal("asked", <-w.bridge.asked, ghost.UserID.String()); err != nil {
				return err
			}
			_, err = ghost.JoinRoomByID(ctx, opened.RoomID)
			return err
		}},
		step{"so is a room whose alias is asked for", func(ctx context.Context) error {
			alias := fmt.Sprintf("#parrot_%s:%s", w.Name("attic"), w.bridge.HomeserverDomain)
			if _, err := w.alice.JoinRoom(ctx, alias, nil); err != nil {
				return err
			}
			return steps.Equal("asked", <-w.bridge.asked, alias)
		}},
	)
}

func (w *world) absence(ctx context.Context, walk *steps.Walk) error {
	var said []string
	say := func(ctx context.Context, n int) error {
		for range n {
			said = append(said, fmt.Sprintf("missed %d", len(said)))
			if _, err := w.alice.Say(ctx, w.pub, said[len(said)-1]); err != nil {
				return err
			}
		}
		return nil
	}
	return inTurn(ctx, walk,
		step{"people talk on while the bridge is away", func(ctx context.Context) error {
			if err := w.bridge.Away(); err != nil {
				return err
			}
			return say(ctx, 120)
		}},
		step{"the server restarts meanwhile", func(ctx context.Context) error {
			if err := w.Restart(ctx); err != nil {
				return err
			}
			return say(ctx, 5)
		}},
		step{"the bridge hears all of it in order", func(ctx context.Context) error {
			if err := w.bridge.Listen(w.listen); err != nil {
				return err
			}
			last := said[len(said)-1]
			if _, err := w.bridge.until(ctx, last, func(evt *event.Event) bool {
				return evt.Type == event.EventMessage && evt.Content.AsMessage().Body == last
			}); err != nil {
				return err
			}
			heard := w.bridge.texts(w.pub, w.alice.UserID)
			heard = heard[max(0, len(heard)-len(said)):]
			if !slices.Equal(heard, said) {
				return fmt.Errorf("heard %q", heard)
			}
			return nil
		}},
	)
}
