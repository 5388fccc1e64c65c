package inbound

import (
	"context"
	"encoding/json"
	"unicode/utf8"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
)

// typing is m.typing.
//
// Spec: server-server-api#typing-notifications
func (h Hearers) typing(ctx context.Context, origin string, content json.RawMessage) error {
	t, err := decode[struct {
		Room   id.RoomID `json:"room_id"`
		User   id.UserID `json:"user_id"`
		Typing bool      `json:"typing"`
	}](content)
	if err != nil {
		return err
	}
	if !isOf(t.User, origin) {
		return errForeign
	}
	if err := h.mayTalk(ctx, t.Room, origin); err != nil {
		return err
	}
	return h.Data.HearTyping(ctx, t.Room, t.User, t.Typing)
}

// read is how far one user has read.
type read struct {
	Data struct {
		TS     int64      `json:"ts"`
		Thread id.EventID `json:"thread_id"`
	} `json:"data"`
	Events []id.EventID `json:"event_ids"`
}

// receipts is m.receipt. Only public receipts travel between servers.
//
// Spec: server-server-api#receipts
func (h Hearers) receipts(ctx context.Context, origin string, content json.RawMessage) error {
	all, err := decode[map[id.RoomID]struct {
		Read map[id.UserID]read `json:"m.read"`
	}](content)
	if err != nil {
		return err
	}
	rooms := make([]id.RoomID, 0, len(all))
	for room := range all {
		rooms = append(rooms, room)
	}
	return allOf(rooms, func(room id.RoomID) error {
		if err := h.mayTalk(ctx, room, origin); err != nil {
			return err
		}
		return h.Data.HearReceipts(ctx, room, receiptsOf(origin, all[room].Read))
	})
}

// receiptsOf are the receipts of users of origin that make sense.
func receiptsOf(origin string, all map[id.UserID]read) []userdata.ReceiptAbroad {
	var out []userdata.ReceiptAbroad
	for user, r := range all {
		if !isOf(user, origin) || len(r.Data.Thread) > maxID || !utf8.ValidString(string(r.Data.Thread)) {
			continue
		}
		for _, event := range r.Events {
			if len(event) <= maxID {
				out = append(out, userdata.ReceiptAbroad{User: user, Thread: r.Data.Thread, Event: event, TS: r.Data.TS})
				break // "the extremity that the user has read to": one
			}
		}
	}
	return out
}

// maxID bounds an id, in bytes.
//
// Spec: appendices#size-limits
const maxID = 255
