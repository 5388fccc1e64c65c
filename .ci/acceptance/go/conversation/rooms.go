package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"plenum/acceptance/steps"
)

// rooms is aliases, the directory, moderation, leaving and coming back.
func (w *world) rooms(ctx context.Context, walk *steps.Walk) error {
	server := w.alice.UserID.Homeserver()
	alias := id.NewRoomAlias(w.Name("market"), server)
	var market id.RoomID
	if err := walk.Step(ctx, "a public room with an alias", func(ctx context.Context) error {
		answer, err := w.alice.CreateRoom(ctx, &mautrix.ReqCreateRoom{
			Preset: "public_chat", Visibility: "public", Name: w.Name("Market"), RoomAliasName: w.Name("market"),
		})
		if err != nil {
			return err
		}
		market = answer.RoomID
		found, err := w.bob.ResolveAlias(ctx, alias)
		if err != nil {
			return err
		}
		return steps.Equal("room", found.RoomID, market)
	}); err != nil {
		return err
	}
	_ = walk.Step(ctx, "it is in the directory", func(ctx context.Context) error {
		answer, err := w.bob.PublicRooms(ctx, &mautrix.ReqPublicRooms{Limit: 100})
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(answer.Chunk, func(r *mautrix.PublicRoomInfo) bool { return r.RoomID == market }) {
			return fmt.Errorf("not among %d rooms", len(answer.Chunk))
		}
		return nil
	})
	_ = walk.Step(ctx, "join by alias, be kicked, be banned, be forgiven", func(ctx context.Context) error {
		return w.moderate(ctx, market, alias)
	})
	_ = walk.Step(ctx, "power levels hold", func(ctx context.Context) error {
		if _, err := w.bob.SendStateEvent(ctx, market, event.StateRoomName, "", &event.RoomNameEventContent{Name: "Mine"}); steps.Refused(err, mautrix.MForbidden) != nil {
			return steps.Refused(err, mautrix.MForbidden)
		}
		var levels event.PowerLevelsEventContent
		if err := w.alice.StateEvent(ctx, market, event.StatePowerLevels, "", &levels); err != nil {
			return err
		}
		levels.SetUserLevel(w.bob.UserID, 50)
		if _, err := w.alice.SendStateEvent(ctx, market, event.StatePowerLevels, "", &levels); err != nil {
			return err
		}
		_, err := w.bob.SendStateEvent(ctx, market, event.StateRoomName, "", &event.RoomNameEventContent{Name: "Ours"})
		return err
	})
	_ = walk.Step(ctx, "leave, forget, come back", func(ctx context.Context) error {
		if _, err := w.bob.LeaveRoom(ctx, market); err != nil {
			return err
		}
		if _, err := w.alice.Sees(ctx, market, w.bob.UserID, event.MembershipLeave); err != nil {
			return err
		}
		if _, err := w.bob.ForgetRoom(ctx, market); err != nil {
			return err
		}
		joined, err := w.bob.JoinedRooms(ctx)
		if err != nil {
			return err
		}
		if slices.Contains(joined.JoinedRooms, market) {
			return errors.New("still among the rooms joined")
		}
		_, err = w.bob.JoinRoomByID(ctx, market)
		return err
	})
	return walk.Step(ctx, "pages lead back to the start", w.wholeHistory)
}

func (w *world) moderate(ctx context.Context, room id.RoomID, alias id.RoomAlias) error {
	if _, err := w.bob.JoinRoom(ctx, alias.String(), nil); err != nil {
		return err
	}
	if _, err := w.alice.KickUser(ctx, room, &mautrix.ReqKickUser{UserID: w.bob.UserID, Reason: "too loud"}); err != nil {
		return err
	}
	if _, err := w.bob.Sees(ctx, room, w.bob.UserID, event.MembershipLeave); err != nil {
		return err
	}
	if _, err := w.alice.BanUser(ctx, room, &mautrix.ReqBanUser{UserID: w.bob.UserID}); err != nil {
		return err
	}
	if _, err := w.bob.JoinRoomByID(ctx, room); err == nil {
		return errors.New("a banned person joined")
	}
	if _, err := w.alice.UnbanUser(ctx, room, &mautrix.ReqUnbanUser{UserID: w.bob.UserID}); err != nil {
		return err
	}
	_, err := w.bob.JoinRoomByID(ctx, room)
	return err
}

// wholeHistory asserts that paging finds everything said, once and in order,
// back to the creation of the room.
func (w *world) wholeHistory(ctx context.Context) error {
	events, err := w.bob.History(ctx, w.kitchen, 7)
	if err != nil {
		return err
	}
	var found []id.EventID
	for _, evt := range slices.Backward(events) {
		if slices.Contains(w.said, evt.ID) {
			found = append(found, evt.ID)
		}
	}
	if !slices.Equal(found, w.said) {
		return fmt.Errorf("found %v, said was %v", found, w.said)
	}
	if first := events[len(events)-1]; first.Type != event.StateCreate {
		return fmt.Errorf("the oldest is %s", first.Type.Type)
	}
	return nil
}

// restarted finds everything again.
func (w *world) restarted(ctx context.Context, walk *steps.Walk) error {
	if w.Command == "" {
		fmt.Fprintln(walk.Out, "# no -restart command was given: not walked")
		return nil
	}
	var since string
	if err := walk.Step(ctx, "restart", func(ctx context.Context) error {
		// A token that ends before the last words, from a client that is not following.
		old, err := w.bob.SyncRequest(ctx, 0, "", "", false, "")
		if err != nil {
			return err
		}
		since = old.NextBatch
		last, err := w.alice.Say(ctx, w.kitchen, "the last before the restart")
		if err != nil {
			return err
		}
		w.said = append(w.said, last)
		return w.Restart(ctx)
	}); err != nil {
		return err
	}
	_ = walk.Step(ctx, "those who were following hear on, once", func(ctx context.Context) error {
		first, err := w.alice.Say(ctx, w.kitchen, "the first after the restart")
		if err != nil {
			return err
		}
		w.said = append(w.said, first)
		if _, err := w.bob.Hears(ctx, first); err != nil {
			return err
		}
		for _, eventID := range w.said {
			if n := w.bob.Count(eventID); n != 1 {
				return fmt.Errorf("%s was heard %d times", eventID, n)
			}
		}
		return nil
	})
	_ = walk.Step(ctx, "a token from before brings what came after", func(ctx context.Context) error {
		answer, err := w.bob.SyncRequest(ctx, 0, since, "", false, "")
		if err != nil {
			return err
		}
		var ids []id.EventID
		if room := answer.Rooms.Join[w.kitchen]; room != nil {
			for _, evt := range room.Timeline.Events {
				ids = append(ids, evt.ID)
			}
		}
		if want := w.said[len(w.said)-2:]; !slices.Equal(ids, want) {
			return fmt.Errorf("got %v, want %v", ids, want)
		}
		return nil
	})
	_ = walk.Step(ctx, "the whole history", w.wholeHistory)
	_ = walk.Step(ctx, "a transaction from before is known", func(ctx context.Context) error {
		answer, err := w.alice.SendMessageEvent(ctx, w.kitchen, event.EventMessage,
			&event.MessageEventContent{MsgType: event.MsgText, Body: "only once"}, mautrix.ReqSendEvent{TransactionID: w.Name("txn")})
		if err != nil {
			return err
		}
		if !slices.Contains(w.said, answer.EventID) {
			return fmt.Errorf("a second event %s", answer.EventID)
		}
		return nil
	})
	_ = walk.Step(ctx, "the picture", w.samePicture)
	_ = walk.Step(ctx, "the redaction", func(ctx context.Context) error { return w.isEmpty(ctx, w.redacted) })
	_ = walk.Step(ctx, "the relations", func(ctx context.Context) error { return w.related(ctx, w.edited, event.RelReplace, 1) })
	return walk.Step(ctx, "account data and tags", func(ctx context.Context) error {
		var colour map[string]string
		if err := w.alice.GetAccountData(ctx, "org.example.colour", &colour); err != nil {
			return err
		}
		if err := steps.Equal("colour", colour["colour"], "green"); err != nil {
			return err
		}
		tags, err := w.alice.GetTags(ctx, w.kitchen)
		if err != nil {
			return err
		}
		return steps.Equal("tags", len(tags.Tags), 1)
	})
}
