package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // thumbnails may come as JPEG
	"image/png"
	"net/http"
	"slices"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"plenum/acceptance/people"
	"plenum/acceptance/steps"
)

func (w *world) talk(ctx context.Context, walk *steps.Walk) error {
	if err := walk.Step(ctx, "create a room and invite", func(ctx context.Context) error {
		answer, err := w.alice.CreateRoom(ctx, &mautrix.ReqCreateRoom{
			Preset: "private_chat", Name: "Kitchen", Topic: "What is for dinner", Invite: []id.UserID{w.bob.UserID},
		})
		if err != nil {
			return err
		}
		w.kitchen = answer.RoomID
		_, err = w.bob.Sees(ctx, w.kitchen, w.bob.UserID, event.MembershipInvite)
		return err
	}); err != nil {
		return err
	}
	_ = walk.Step(ctx, "who was not yet joining cannot speak", func(ctx context.Context) error {
		_, err := w.bob.SendText(ctx, w.kitchen, "hello?")
		return steps.Refused(err, mautrix.MForbidden)
	})
	if err := walk.Step(ctx, "join, and be seen", func(ctx context.Context) error {
		if _, err := w.bob.JoinRoomByID(ctx, w.kitchen); err != nil {
			return err
		}
		_, err := w.alice.Sees(ctx, w.kitchen, w.bob.UserID, event.MembershipJoin)
		return err
	}); err != nil {
		return err
	}
	if err := walk.Step(ctx, "talk both ways, in order", w.talkBothWays); err != nil {
		return err
	}
	_ = walk.Step(ctx, "a repeated transaction makes one event", func(ctx context.Context) error {
		return w.repeat(ctx, w.Name("txn"), "only once")
	})
	_ = walk.Step(ctx, "the room's state is told whole and piece by piece", func(ctx context.Context) error {
		state, err := w.bob.State(ctx, w.kitchen)
		if err != nil {
			return err
		}
		if len(state[event.StateCreate]) != 1 || len(state[event.StateMember]) != 2 {
			return fmt.Errorf("%d creations, %d members", len(state[event.StateCreate]), len(state[event.StateMember]))
		}
		var name event.RoomNameEventContent
		if err := w.bob.StateEvent(ctx, w.kitchen, event.StateRoomName, "", &name); err != nil {
			return err
		}
		return steps.Equal("name", name.Name, "Kitchen")
	})
	return walk.Step(ctx, "the client's own picture of the room is right", func(ctx context.Context) error {
		level, err := w.bob.StateStore.GetPowerLevels(ctx, w.kitchen)
		if err != nil || level == nil {
			return fmt.Errorf("power levels: %v, %w", level, err)
		}
		if !w.bob.StateStore.IsInRoom(ctx, w.kitchen, w.alice.UserID) {
			return errors.New("alice is not in the room for bob's client")
		}
		return nil
	})
}

// talkBothWays says twenty things in turn; each must be heard by the other
// one and by alice's phone, once, in order.
func (w *world) talkBothWays(ctx context.Context) error {
	for i := range 20 {
		from, to := w.alice, w.bob
		if i%2 == 1 {
			from, to = w.bob, w.alice
		}
		eventID, err := from.Say(ctx, w.kitchen, fmt.Sprintf("number %d", i))
		if err != nil {
			return err
		}
		w.said = append(w.said, eventID)
		evt, err := to.Hears(ctx, eventID)
		if err != nil {
			return err
		}
		if err := steps.Equal("body", evt.Content.AsMessage().Body, fmt.Sprintf("number %d", i)); err != nil {
			return err
		}
	}
	for _, p := range []*people.Person{w.alice, w.bob, w.phone} {
		if _, err := p.Hears(ctx, w.said[len(w.said)-1]); err != nil { // who said it, too
			return err
		}
		if got := p.Order(w.said); !slices.Equal(got, w.said) {
			return fmt.Errorf("%s on %s heard %v, said was %v", p.UserID, p.DeviceID, got, w.said)
		}
	}
	return nil
}

// repeat sends the same transaction twice and wants one event.
func (w *world) repeat(ctx context.Context, txn, text string) error {
	content := &event.MessageEventContent{MsgType: event.MsgText, Body: text}
	var ids []id.EventID
	for range 2 {
		answer, err := w.alice.SendMessageEvent(ctx, w.kitchen, event.EventMessage, content, mautrix.ReqSendEvent{TransactionID: txn})
		if err != nil {
			return err
		}
		ids = append(ids, answer.EventID)
	}
	if err := steps.Equal("event ID of the second", ids[1], ids[0]); err != nil {
		return err
	}
	if !slices.Contains(w.said, ids[0]) {
		w.said = append(w.said, ids[0])
	}
	evt, err := w.alice.Hears(ctx, ids[0])
	if err != nil {
		return err
	}
	return steps.Equal("transaction ID told to the sender", evt.Unsigned.TransactionID, txn)
}

func (w *world) media(ctx context.Context, walk *steps.Walk) error {
	if err := walk.Step(ctx, "upload a picture", func(ctx context.Context) error {
		var file bytes.Buffer
		if err := png.Encode(&file, gradient(640, 480)); err != nil {
			return err
		}
		w.picture = file.Bytes()
		answer, err := w.alice.UploadBytesWithName(ctx, w.picture, "image/png", "dinner.png")
		if err != nil {
			return err
		}
		w.pictureURI = answer.ContentURI
		return nil
	}); err != nil {
		return err
	}
	_ = walk.Step(ctx, "the other one gets the same bytes", w.samePicture)
	_ = walk.Step(ctx, "a thumbnail is a small picture", func(ctx context.Context) error {
		answer, err := w.bob.DownloadThumbnail(ctx, w.pictureURI, 240, 320)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		small, _, err := image.Decode(answer.Body)
		if err != nil {
			return err
		}
		return steps.Equal("size", small.Bounds().Size(), image.Pt(320, 240))
	})
	_ = walk.Step(ctx, "a place is reserved and filled later", func(ctx context.Context) error {
		place, err := w.alice.CreateMXC(ctx)
		if err != nil {
			return err
		}
		if _, err := w.alice.UploadMedia(ctx, mautrix.ReqUploadMedia{ContentBytes: []byte("later"), ContentType: "text/plain", MXC: place.ContentURI}); err != nil {
			return err
		}
		got, err := w.bob.DownloadBytes(ctx, place.ContentURI)
		if err != nil {
			return err
		}
		return steps.Equal("content", string(got), "later")
	})
	return walk.Step(ctx, "a stranger to the server gets nothing", func(ctx context.Context) error {
		guest, err := mautrix.NewClient(w.URL, "", "")
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, guest.BuildClientURL("v1", "media", "download", w.pictureURI.Homeserver, w.pictureURI.FileID), nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		return steps.Equal("status", answer.StatusCode, http.StatusUnauthorized)
	})
}

// samePicture asserts that bob downloads what alice uploaded.
func (w *world) samePicture(ctx context.Context) error {
	got, err := w.bob.DownloadBytes(ctx, w.pictureURI)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, w.picture) {
		return fmt.Errorf("%d bytes that are not the %d uploaded", len(got), len(w.picture))
	}
	return nil
}

func gradient(width, height int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, color.RGBA{uint8(x * 255 / width), uint8(y * 255 / height), uint8(x * y), 255})
		}
	}
	return img
}
