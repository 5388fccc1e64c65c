package main

import (
	"context"
	"fmt"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"plenum/acceptance/steps"
)

func (w *world) identity(ctx context.Context, walk *steps.Walk) error {
	return inTurn(ctx, walk,
		step{"alice, with cross-signing keys and secret storage", func(ctx context.Context) (err error) {
			w.alice, w.recovery, err = w.register(ctx, "alice")
			return err
		}},
		step{"bob", func(ctx context.Context) (err error) {
			w.bob, _, err = w.register(ctx, "bob")
			return err
		}},
	)
}

func (w *world) talk(ctx context.Context, walk *steps.Walk) error {
	return inTurn(ctx, walk,
		step{"two people in an encrypted room", func(ctx context.Context) error {
			room, err := w.alice.CreateRoom(ctx, &mautrix.ReqCreateRoom{
				Preset: "private_chat", Invite: []id.UserID{w.bob.UserID}, InitialState: encryptedRoom,
			})
			if err != nil {
				return err
			}
			w.kitchen = room.RoomID
			if _, err := w.bob.JoinRoomByID(ctx, w.kitchen); err != nil {
				return err
			}
			for _, p := range []*secretive{w.alice, w.bob} {
				if _, err := p.Sees(ctx, w.kitchen, w.bob.UserID, event.MembershipJoin); err != nil {
					return err
				}
			}
			return nil
		}},
		step{"messages both ways", func(ctx context.Context) error {
			if err := w.alice.tells(ctx, w.kitchen, "can you read this?", w.bob); err != nil {
				return err
			}
			return w.bob.tells(ctx, w.kitchen, "yes, and you this?", w.alice)
		}},
		step{"the server has nothing to read", func(ctx context.Context) error {
			said, err := w.alice.Say(ctx, w.kitchen, "secret")
			if err != nil {
				return err
			}
			evt, err := w.bob.GetEvent(ctx, w.kitchen, said)
			if err != nil {
				return err
			}
			return steps.Equal("type", evt.Type.Type, event.EventEncrypted.Type)
		}},
	)
}

func (w *world) verification(ctx context.Context, walk *steps.Walk) error {
	return inTurn(ctx, walk,
		step{"two people compare emoji", func(ctx context.Context) error {
			return compareEmoji(ctx, w.alice, w.bob)
		}},
		step{"both trust each other's devices", func(ctx context.Context) error {
			if err := w.alice.trusts(ctx, w.bob); err != nil {
				return err
			}
			return w.bob.trusts(ctx, w.alice)
		}},
	)
}

// manySessions is more than one sync holds, so that the rest has to follow.
const manySessions = 110

func (w *world) absence(ctx context.Context, walk *steps.Walk) error {
	said := map[id.EventID]string{}
	return inTurn(ctx, walk,
		step{"bob is away while alice says much, each with a key of its own", func(ctx context.Context) error {
			w.bob.Leave()
			for i := range manySessions {
				if err := w.alice.mach.CryptoStore.RemoveOutboundGroupSession(ctx, w.kitchen); err != nil {
					return err
				}
				text := fmt.Sprintf("number %d", i)
				eventID, err := w.alice.Say(ctx, w.kitchen, text)
				if err != nil {
					return err
				}
				said[eventID] = text
			}
			return nil
		}},
		step{"a restart", w.Restart},
		step{"bob gets the keys to all of it", func(ctx context.Context) error {
			w.bob.Follow(ctx)
			if err := w.alice.tells(ctx, w.kitchen, "are you back?", w.bob); err != nil {
				return err
			}
			return w.bob.readsHistory(ctx, w.kitchen, said)
		}},
		step{"and answers", func(ctx context.Context) error {
			return w.bob.tells(ctx, w.kitchen, "I am back", w.alice)
		}},
	)
}

// readsHistory asserts that s can read messages that lie behind.
func (s *secretive) readsHistory(ctx context.Context, room id.RoomID, said map[id.EventID]string) error {
	evts, err := s.History(ctx, room, 100)
	if err != nil {
		return err
	}
	found := 0
	for _, evt := range evts {
		want, ok := said[evt.ID]
		if !ok {
			continue
		}
		if err := evt.Content.ParseRaw(evt.Type); err != nil {
			return err
		}
		clear, err := s.Crypto.Decrypt(ctx, evt)
		if err != nil {
			return fmt.Errorf("%q: %w", want, err)
		}
		if err := steps.Equal("message", clear.Content.AsMessage().Body, want); err != nil {
			return err
		}
		found++
	}
	return steps.Equal("messages found", found, len(said))
}

func (w *world) newDevice(ctx context.Context, walk *steps.Walk) error {
	var phone *secretive
	return inTurn(ctx, walk,
		step{"alice signs in on a phone", func(ctx context.Context) error {
			p, err := w.Login(ctx, w.alice.Person, "alice's phone")
			if err != nil {
				return err
			}
			phone, err = encrypt(ctx, p)
			return err
		}},
		step{"the recovery key makes it hers", func(ctx context.Context) error {
			return phone.mach.VerifyWithRecoveryKey(ctx, w.recovery)
		}},
		step{"bob trusts it without being asked", func(ctx context.Context) error {
			return w.bob.trusts(ctx, phone)
		}},
		step{"everybody reads everybody", func(ctx context.Context) error {
			if _, err := phone.Sees(ctx, w.kitchen, w.bob.UserID, event.MembershipJoin); err != nil {
				return err
			}
			if err := w.bob.tells(ctx, w.kitchen, "hello, both of you", w.alice, phone); err != nil {
				return err
			}
			return phone.tells(ctx, w.kitchen, "hello from the phone", w.alice, w.bob)
		}},
		step{"signed out, it is known no more", func(ctx context.Context) error {
			phone.Person.Leave()
			if _, err := phone.Logout(ctx); err != nil {
				return err
			}
			devices, err := w.bob.mach.FetchKeys(ctx, []id.UserID{w.alice.UserID}, true)
			if err != nil {
				return err
			}
			return steps.Equal("devices of alice", len(devices[w.alice.UserID]), 1)
		}},
	)
}
