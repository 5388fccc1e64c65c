package main

import (
	"context"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"plenum/acceptance/people"
	"plenum/acceptance/steps"
)

// encryption walks through a room that is encrypted. The bridge has no session
// and never syncs: its device is made with its token, and keys come in
// transactions.
func (w *world) encryption(ctx context.Context, walk *steps.Walk) error {
	var carol *people.Person
	var cellar id.RoomID
	bot := w.bridge.BotIntent()
	return inTurn(ctx, walk,
		step{"the bridge makes a device without signing in", func(ctx context.Context) error {
			if err := bot.CreateDeviceMSC4190(ctx, "", "bridge"); err != nil {
				return err
			}
			helper, err := cryptohelper.NewCryptoHelper(bot.Client, []byte("pickle"), crypto.NewMemoryStore(nil))
			if err != nil {
				return err
			}
			helper.ASEventProcessor = w.bridge.events
			if err := helper.Init(ctx); err != nil {
				return err
			}
			bot.Crypto = helper
			return nil
		}},
		step{"a person who encrypts is in a room with it", func(ctx context.Context) (err error) {
			if carol, err = w.Register(ctx, w.Name("carol")); err != nil {
				return err
			}
			helper, err := cryptohelper.NewCryptoHelper(carol.Client, []byte("pickle"), crypto.NewMemoryStore(nil))
			if err != nil {
				return err
			}
			if err := helper.Init(ctx); err != nil {
				return err
			}
			carol.Crypto = helper
			carol.Follow(context.WithoutCancel(ctx))
			opened, err := carol.CreateRoom(ctx, &mautrix.ReqCreateRoom{
				Preset: "private_chat", Invite: []id.UserID{bot.UserID},
				InitialState: []*event.Event{{Type: event.StateEncryption, Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}}}},
			})
			if err != nil {
				return err
			}
			cellar = opened.RoomID
			if _, err := bot.JoinRoomByID(ctx, cellar); err != nil {
				return err
			}
			if _, err := bot.State(ctx, cellar); err != nil { // by which its client knows that the room is encrypted
				return err
			}
			_, err = carol.Sees(ctx, cellar, bot.UserID, event.MembershipJoin)
			return err
		}},
		step{"the bridge reads what the person says", func(ctx context.Context) error {
			said, err := carol.Say(ctx, cellar, "the bridge may know")
			if err != nil {
				return err
			}
			evt, err := w.bridge.until(ctx, "a message that was encrypted", func(evt *event.Event) bool {
				return evt.ID == said && evt.Type == event.EventMessage
			})
			if err != nil {
				return err
			}
			return steps.Equal("message", evt.Content.AsMessage().Body, "the bridge may know")
		}},
		step{"the person reads what the bridge says", func(ctx context.Context) error {
			said, err := bot.SendText(ctx, cellar, "squawk in secret")
			if err != nil {
				return err
			}
			evt, err := carol.Until(ctx, "a message that was encrypted", func(evt *event.Event) bool {
				return evt.ID == said.EventID && evt.Type == event.EventMessage
			})
			if err != nil {
				return err
			}
			if err := steps.Equal("encrypted", evt.Mautrix.WasEncrypted, true); err != nil {
				return err
			}
			return steps.Equal("message", evt.Content.AsMessage().Body, "squawk in secret")
		}},
	)
}
