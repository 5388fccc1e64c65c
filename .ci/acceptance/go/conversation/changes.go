package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"plenum/acceptance/steps"
)

// changes is what people do to messages afterwards.
func (w *world) changes(ctx context.Context, walk *steps.Walk) error {
	_ = walk.Step(ctx, "an edit is heard and belongs to its message", func(ctx context.Context) (err error) {
		if w.edited, err = w.alice.Say(ctx, w.kitchen, "spagetti"); err != nil {
			return err
		}
		content := &event.MessageEventContent{MsgType: event.MsgText, Body: "spaghetti"}
		content.SetEdit(w.edited)
		if _, err := w.alice.SendMessageEvent(ctx, w.kitchen, event.EventMessage, content); err != nil {
			return err
		}
		if _, err := w.bob.Until(ctx, "the edit", func(evt *event.Event) bool {
			return evt.Type == event.EventMessage && evt.Content.AsMessage().GetRelatesTo().GetReplaceID() == w.edited &&
				evt.Content.AsMessage().NewContent.Body == "spaghetti"
		}); err != nil {
			return err
		}
		return w.related(ctx, w.edited, event.RelReplace, 1)
	})
	_ = walk.Step(ctx, "a reaction is heard, once per key, and taken back", func(ctx context.Context) error {
		reaction, err := w.bob.SendReaction(ctx, w.kitchen, w.edited, "👍")
		if err != nil {
			return err
		}
		if _, err := w.alice.Hears(ctx, reaction.EventID); err != nil {
			return err
		}
		if _, err := w.bob.SendReaction(ctx, w.kitchen, w.edited, "👍"); err == nil {
			return errors.New("the same reaction was taken twice")
		}
		if err := w.related(ctx, w.edited, event.RelAnnotation, 1); err != nil {
			return err
		}
		if _, err := w.bob.RedactEvent(ctx, w.kitchen, reaction.EventID); err != nil {
			return err
		}
		return w.related(ctx, w.edited, event.RelAnnotation, 0)
	})
	_ = walk.Step(ctx, "a reply and a thread point at their message", func(ctx context.Context) error {
		reply := &event.MessageEventContent{MsgType: event.MsgText, Body: "yes"}
		reply.SetRelatesTo((&event.RelatesTo{}).SetReplyTo(w.edited))
		thread := &event.MessageEventContent{MsgType: event.MsgText, Body: "in a thread"}
		thread.SetRelatesTo((&event.RelatesTo{}).SetThread(w.edited, w.edited))
		for _, content := range []*event.MessageEventContent{reply, thread} {
			sent, err := w.bob.SendMessageEvent(ctx, w.kitchen, event.EventMessage, content)
			if err != nil {
				return err
			}
			evt, err := w.alice.Hears(ctx, sent.EventID)
			if err != nil {
				return err
			}
			if err := steps.Equal("what it answers", evt.Content.AsMessage().GetRelatesTo().GetReplyTo(), w.edited); err != nil {
				return err
			}
		}
		return w.related(ctx, w.edited, event.RelThread, 1)
	})
	return walk.Step(ctx, "a redaction empties a message", func(ctx context.Context) (err error) {
		if w.redacted, err = w.alice.Say(ctx, w.kitchen, "the secret ingredient"); err != nil {
			return err
		}
		if _, err := w.bob.RedactEvent(ctx, w.kitchen, w.redacted); steps.Refused(err, mautrix.MForbidden) != nil {
			return steps.Refused(err, mautrix.MForbidden)
		}
		if _, err := w.alice.RedactEvent(ctx, w.kitchen, w.redacted, mautrix.ReqRedact{Reason: "secret"}); err != nil {
			return err
		}
		if _, err := w.bob.Until(ctx, "the redaction", func(evt *event.Event) bool {
			return evt.Type == event.EventRedaction && (evt.Redacts == w.redacted || evt.Content.AsRedaction().Redacts == w.redacted)
		}); err != nil {
			return err
		}
		return w.isEmpty(ctx, w.redacted)
	})
}

// related asserts how many events relate in that way.
func (w *world) related(ctx context.Context, to id.EventID, how event.RelationType, want int) error {
	answer, err := w.bob.GetRelations(ctx, w.kitchen, to, &mautrix.ReqGetRelations{RelationType: how})
	if err != nil {
		return err
	}
	return steps.Equal("relations of type "+string(how), len(answer.Chunk), want)
}

func (w *world) isEmpty(ctx context.Context, eventID id.EventID) error {
	evt, err := w.bob.GetEvent(ctx, w.kitchen, eventID)
	if err != nil {
		return err
	}
	if len(evt.Content.Raw) != 0 || evt.Unsigned.RedactedBecause == nil {
		return fmt.Errorf("content %v, redacted because %v", evt.Content.Raw, evt.Unsigned.RedactedBecause)
	}
	return nil
}

// attention is receipts, typing, account data, tags, to-device messages.
func (w *world) attention(ctx context.Context, walk *steps.Walk) error {
	last := w.said[len(w.said)-1]
	_ = walk.Step(ctx, "a read receipt is seen", func(ctx context.Context) error {
		if err := w.bob.MarkRead(ctx, w.kitchen, last); err != nil {
			return err
		}
		_, err := w.alice.Until(ctx, "bob's receipt", func(evt *event.Event) bool {
			if evt.Type != event.EphemeralEventReceipt || evt.RoomID != w.kitchen {
				return false
			}
			_, read := (*evt.Content.AsReceipt())[last][event.ReceiptTypeRead][w.bob.UserID]
			return read
		})
		return err
	})
	_ = walk.Step(ctx, "typing is seen", func(ctx context.Context) error {
		if _, err := w.alice.UserTyping(ctx, w.kitchen, true, 20*time.Second); err != nil {
			return err
		}
		_, err := w.bob.Until(ctx, "alice typing", func(evt *event.Event) bool {
			return evt.Type == event.EphemeralEventTyping && evt.RoomID == w.kitchen && len(evt.Content.AsTyping().UserIDs) == 1
		})
		return err
	})
	_ = walk.Step(ctx, "account data and tags reach the other device", func(ctx context.Context) error {
		if err := w.alice.SetAccountData(ctx, "org.example.colour", map[string]string{"colour": "green"}); err != nil {
			return err
		}
		if err := w.alice.AddTag(ctx, w.kitchen, event.RoomTagFavourite, 0.5); err != nil {
			return err
		}
		if _, err := w.phone.Until(ctx, "the colour", func(evt *event.Event) bool {
			return evt.Type.Type == "org.example.colour" && evt.Content.Raw["colour"] == "green"
		}); err != nil {
			return err
		}
		_, err := w.phone.Until(ctx, "the tag", func(evt *event.Event) bool {
			if evt.Type != event.AccountDataRoomTags {
				return false
			}
			order, err := evt.Content.AsTag().Tags[event.RoomTagFavourite].Order.Float64()
			return err == nil && order == 0.5
		})
		return err
	})
	return walk.Step(ctx, "a to-device message reaches the one device", func(ctx context.Context) error {
		kind := event.Type{Type: "org.example.note", Class: event.ToDeviceEventType}
		if _, err := w.bob.SendToDevice(ctx, kind, &mautrix.ReqSendToDevice{
			Messages: map[id.UserID]map[id.DeviceID]*event.Content{
				w.alice.UserID: {w.phone.DeviceID: {Raw: map[string]any{"note": "salt"}}},
			},
		}); err != nil {
			return err
		}
		_, err := w.phone.Until(ctx, "the note", func(evt *event.Event) bool {
			return evt.Type == kind && evt.Sender == w.bob.UserID && evt.Content.Raw["note"] == "salt"
		})
		return err
	})
}
