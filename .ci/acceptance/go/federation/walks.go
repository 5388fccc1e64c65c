package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"plenum/acceptance/people"
	"plenum/acceptance/steps"
)

// world is the people that the walks share, one of each server.
type world struct {
	ours, theirs *people.Person
}

// visit is one room version with rooms on one of the servers.
type visit struct {
	*world
	version     id.RoomVersion
	host, guest *people.Person
	tag         string
	room        id.RoomID // open to everybody, both are in it
}

// step is a named part of a walk.
type step struct {
	name string
	fn   func(context.Context) error
}

func inTurn(ctx context.Context, walk *steps.Walk, list ...step) error {
	for _, s := range list {
		if err := walk.Step(ctx, s.name, s.fn); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) register(ctx context.Context, walk *steps.Walk, ours, theirs people.Server) error {
	return inTurn(ctx, walk,
		step{"on our server", func(context.Context) (err error) {
			if w.ours, err = ours.Register(ctx, ours.Name("anna")); err == nil {
				w.ours.Follow(ctx)
			}
			return err
		}},
		step{"on the other server", func(context.Context) (err error) {
			if w.theirs, err = theirs.Register(ctx, theirs.Name("otto")); err == nil {
				w.theirs.Follow(ctx)
			}
			return err
		}},
	)
}

// says lets one speak and the other hear it.
func says(ctx context.Context, from, to *people.Person, room id.RoomID, text string) error {
	ev, err := from.Say(ctx, room, text)
	if err != nil {
		return err
	}
	_, err = to.Hears(ctx, ev)
	return err
}

func (v *visit) join(ctx context.Context, walk *steps.Walk) error {
	alias := "open-" + v.tag
	return inTurn(ctx, walk,
		step{"a public room", func(ctx context.Context) error {
			room, err := v.host.CreateRoom(ctx, &mautrix.ReqCreateRoom{
				Preset: "public_chat", RoomAliasName: alias, Visibility: "public", RoomVersion: v.version, Name: "Open",
			})
			if err == nil {
				v.room = room.RoomID
			}
			return err
		}},
		step{"is joined by its alias", func(ctx context.Context) error {
			if _, err := v.host.Say(ctx, v.room, "before"); err != nil {
				return err
			}
			full := id.RoomAlias(fmt.Sprintf("#%s:%s", alias, v.host.UserID.Homeserver()))
			if _, err := v.guest.JoinRoom(ctx, string(full), &mautrix.ReqJoinRoom{}); err != nil {
				return err
			}
			_, err := v.host.Sees(ctx, v.room, v.guest.UserID, event.MembershipJoin)
			return err
		}},
		step{"messages both ways", func(ctx context.Context) error {
			for i := range 3 {
				if err := says(ctx, v.host, v.guest, v.room, fmt.Sprint("host ", i)); err != nil {
					return err
				}
				if err := says(ctx, v.guest, v.host, v.room, fmt.Sprint("guest ", i)); err != nil {
					return err
				}
			}
			return nil
		}},
		step{"messages at once", func(ctx context.Context) error {
			var hers, his []id.EventID
			for i := range 5 {
				a, err := v.host.Say(ctx, v.room, fmt.Sprint("host at once ", i))
				if err != nil {
					return err
				}
				b, err := v.guest.Say(ctx, v.room, fmt.Sprint("guest at once ", i))
				if err != nil {
					return err
				}
				hers, his = append(hers, a), append(his, b)
			}
			for i := range hers {
				if _, err := v.guest.Hears(ctx, hers[i]); err != nil {
					return fmt.Errorf("the guest: %w", err)
				}
				if _, err := v.host.Hears(ctx, his[i]); err != nil {
					return fmt.Errorf("the host: %w", err)
				}
			}
			return nil
		}},
		step{"both have the same members", func(ctx context.Context) error {
			for _, p := range []*people.Person{v.host, v.guest} {
				members, err := p.JoinedMembers(ctx, v.room)
				if err != nil {
					return err
				}
				if err := steps.Equal("members", len(members.Joined), 2); err != nil {
					return err
				}
			}
			return nil
		}},
		step{"a redaction reaches the other", func(ctx context.Context) error {
			ev, err := v.guest.Say(ctx, v.room, "regretted")
			if err != nil {
				return err
			}
			if _, err := v.host.Hears(ctx, ev); err != nil {
				return err
			}
			if _, err := v.guest.RedactEvent(ctx, v.room, ev); err != nil {
				return err
			}
			return eventually(ctx, func() error {
				evt, err := v.host.GetEvent(ctx, v.room, ev)
				if err != nil {
					return err
				}
				if _, there := evt.Content.Raw["body"]; there {
					return fmt.Errorf("the message is still there")
				}
				return nil
			})
		}},
	)
}

// eventually tries until it succeeds or ctx ends.
func eventually(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

func (v *visit) invite(ctx context.Context, walk *steps.Walk) error {
	var room id.RoomID
	return inTurn(ctx, walk,
		step{"into a private room", func(ctx context.Context) error {
			made, err := v.host.CreateRoom(ctx, &mautrix.ReqCreateRoom{
				Preset: "private_chat", RoomVersion: v.version, Name: "Kitchen", Invite: []id.UserID{v.guest.UserID},
			})
			if err != nil {
				return err
			}
			room = made.RoomID
			_, err = v.guest.Sees(ctx, room, v.guest.UserID, event.MembershipInvite)
			return err
		}},
		step{"is rejected", func(ctx context.Context) error {
			if _, err := v.guest.LeaveRoom(ctx, room); err != nil {
				return err
			}
			_, err := v.host.Sees(ctx, room, v.guest.UserID, event.MembershipLeave)
			return err
		}},
		step{"again, and accepted", func(ctx context.Context) error {
			if _, err := v.host.InviteUser(ctx, room, &mautrix.ReqInviteUser{UserID: v.guest.UserID}); err != nil {
				return err
			}
			if err := eventually(ctx, func() error { _, err := v.guest.JoinRoomByID(ctx, room); return err }); err != nil {
				return err
			}
			if _, err := v.host.Sees(ctx, room, v.guest.UserID, event.MembershipJoin); err != nil {
				return err
			}
			return says(ctx, v.guest, v.host, room, "here I am")
		}},
		step{"the guest leaves", func(ctx context.Context) error {
			if _, err := v.guest.LeaveRoom(ctx, room); err != nil {
				return err
			}
			return eventually(ctx, func() error {
				members, err := v.host.JoinedMembers(ctx, room)
				if err != nil {
					return err
				}
				return steps.Equal("members", len(members.Joined), 1)
			})
		}},
	)
}

func (v *visit) moderate(ctx context.Context, walk *steps.Walk) error {
	return inTurn(ctx, walk,
		step{"the guest is kicked", func(ctx context.Context) error {
			if _, err := v.host.KickUser(ctx, v.room, &mautrix.ReqKickUser{UserID: v.guest.UserID, Reason: "test"}); err != nil {
				return err
			}
			_, err := v.guest.Sees(ctx, v.room, v.guest.UserID, event.MembershipLeave)
			return err
		}},
		step{"and comes back", func(ctx context.Context) error {
			if err := v.comeBack(ctx); err != nil {
				return err
			}
			return says(ctx, v.guest, v.host, v.room, "back")
		}},
		step{"is banned and stays out", func(ctx context.Context) error {
			if _, err := v.host.BanUser(ctx, v.room, &mautrix.ReqBanUser{UserID: v.guest.UserID}); err != nil {
				return err
			}
			if _, err := v.guest.Sees(ctx, v.room, v.guest.UserID, event.MembershipBan); err != nil {
				return err
			}
			if _, err := v.guest.JoinRoom(ctx, string(v.room), &mautrix.ReqJoinRoom{Via: []string{v.host.UserID.Homeserver()}}); err == nil {
				return fmt.Errorf("somebody who is banned has joined")
			}
			return nil
		}},
		step{"is let in again", func(ctx context.Context) error {
			if _, err := v.host.UnbanUser(ctx, v.room, &mautrix.ReqUnbanUser{UserID: v.guest.UserID}); err != nil {
				return err
			}
			if err := v.comeBack(ctx); err != nil {
				return err
			}
			return says(ctx, v.host, v.guest, v.room, "welcome back")
		}},
	)
}

func (v *visit) comeBack(ctx context.Context) error {
	_, err := v.guest.JoinRoom(ctx, string(v.room), &mautrix.ReqJoinRoom{Via: []string{v.host.UserID.Homeserver()}})
	return err
}

// doors are rooms that let in by rules.
func (v *visit) doors(ctx context.Context, walk *steps.Walk) error {
	var room id.RoomID
	make := func(ctx context.Context, rules *event.JoinRulesEventContent) error {
		made, err := v.host.CreateRoom(ctx, &mautrix.ReqCreateRoom{
			Preset: "private_chat", RoomVersion: v.version,
			InitialState: []*event.Event{{Type: event.StateJoinRules, StateKey: new(string), Content: event.Content{Parsed: rules}}},
		})
		if err == nil {
			room = made.RoomID
		}
		return err
	}
	enter := func(ctx context.Context) error {
		_, err := v.guest.JoinRoom(ctx, string(room), &mautrix.ReqJoinRoom{Via: []string{v.host.UserID.Homeserver()}})
		return err
	}
	if v.version == "6" {
		return nil // it knows none of them
	}
	return inTurn(ctx, walk,
		step{"a knock is heard and answered", func(ctx context.Context) error {
			if err := make(ctx, &event.JoinRulesEventContent{JoinRule: event.JoinRuleKnock}); err != nil {
				return err
			}
			if _, err := v.guest.KnockRoom(ctx, string(room), &mautrix.ReqKnockRoom{Via: []string{v.host.UserID.Homeserver()}, Reason: "please"}); err != nil {
				return err
			}
			if _, err := v.host.Sees(ctx, room, v.guest.UserID, event.MembershipKnock); err != nil {
				return err
			}
			if _, err := v.host.InviteUser(ctx, room, &mautrix.ReqInviteUser{UserID: v.guest.UserID}); err != nil {
				return err
			}
			if err := eventually(ctx, func() error { return enter(ctx) }); err != nil {
				return err
			}
			return says(ctx, v.guest, v.host, room, "thanks")
		}},
		step{"members of a room may join another", func(ctx context.Context) error {
			if err := make(ctx, &event.JoinRulesEventContent{
				JoinRule: event.JoinRuleRestricted, Allow: []event.JoinRuleAllow{{Type: event.JoinRuleAllowRoomMembership, RoomID: v.room}},
			}); err != nil {
				return err
			}
			if err := enter(ctx); err != nil {
				return err
			}
			return says(ctx, v.guest, v.host, room, "through the other room")
		}},
		step{"others may not", func(ctx context.Context) error {
			if err := make(ctx, &event.JoinRulesEventContent{
				JoinRule: event.JoinRuleRestricted, Allow: []event.JoinRuleAllow{{Type: event.JoinRuleAllowRoomMembership, RoomID: "!nowhere:" + id.RoomID(v.host.UserID.Homeserver())}},
			}); err != nil {
				return err
			}
			if err := enter(ctx); err == nil {
				return fmt.Errorf("a stranger was let in")
			}
			return nil
		}},
	)
}

// history is of before the guest came.
func (v *visit) history(ctx context.Context, walk *steps.Walk) error {
	const many = 60
	var room id.RoomID
	return inTurn(ctx, walk,
		step{"old messages are read", func(ctx context.Context) error {
			made, err := v.host.CreateRoom(ctx, &mautrix.ReqCreateRoom{Preset: "public_chat", RoomVersion: v.version})
			if err != nil {
				return err
			}
			room = made.RoomID
			for i := range many {
				if _, err := v.host.Say(ctx, room, fmt.Sprint("old ", i)); err != nil {
					return err
				}
			}
			if _, err := v.guest.JoinRoom(ctx, string(room), &mautrix.ReqJoinRoom{Via: []string{v.host.UserID.Homeserver()}}); err != nil {
				return err
			}
			var texts []string
			from := ""
			for range 20 {
				page, err := v.guest.Messages(ctx, room, from, "", mautrix.DirectionBackward, nil, 30)
				if err != nil {
					return err
				}
				for _, evt := range page.Chunk {
					if evt.Type == event.EventMessage {
						texts = append(texts, fmt.Sprint(evt.Content.Raw["body"]))
					}
				}
				if from = page.End; from == "" {
					break
				}
			}
			slices.Reverse(texts)
			for i := range many {
				if i >= len(texts) || texts[i] != fmt.Sprint("old ", i) {
					return fmt.Errorf("message %d is not there: %d messages, %q", i, len(texts), texts)
				}
			}
			return nil
		}},
	)
}

func (v *visit) upgrade(ctx context.Context, walk *steps.Walk) error {
	return inTurn(ctx, walk,
		step{"the guest follows into the new room", func(ctx context.Context) error {
			var next struct {
				Room id.RoomID `json:"replacement_room"`
			}
			url := v.host.BuildClientURL("v3", "rooms", v.room, "upgrade")
			if _, err := v.host.MakeRequest(ctx, http.MethodPost, url, map[string]string{"new_version": "11"}, &next); err != nil {
				return err
			}
			if _, err := v.guest.Until(ctx, "a tombstone", func(evt *event.Event) bool {
				return evt.Type == event.StateTombstone && evt.RoomID == v.room
			}); err != nil {
				return err
			}
			if _, err := v.guest.JoinRoom(ctx, string(next.Room), &mautrix.ReqJoinRoom{Via: []string{v.host.UserID.Homeserver()}}); err != nil {
				return err
			}
			return says(ctx, v.guest, v.host, next.Room, "moved")
		}},
	)
}
