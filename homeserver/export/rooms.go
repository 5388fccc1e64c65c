package export

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// eventsAtOnce is how many events are in memory.
const eventsAtOnce = 200

type roomHead struct {
	Room       id.RoomID      `json:"room_id"`
	Name       string         `json:"name,omitempty"` // only of a room that they are in
	Membership string         `json:"membership"`
	Receipts   []receiptEntry `json:"read_up_to,omitempty"`
}

type receiptEntry struct {
	Event  id.EventID `json:"event_id"`
	Thread id.EventID `json:"thread,omitempty"`
	When   string     `json:"when"`
}

type eventEntry struct {
	ID       id.EventID      `json:"event_id"`
	When     string          `json:"when"`
	Type     string          `json:"type"`
	StateKey *string         `json:"state_key,omitempty"`
	Content  json.RawMessage `json:"content"` // relations name the events that they belong to
}

// rooms writes a file for each room, with what the account has sent there.
func (p *packer) rooms(ctx context.Context) error {
	all, err := p.e.Rooms.MembershipsOf(ctx, p.user)
	if err != nil {
		return err
	}
	for i, m := range all {
		if err := p.room(ctx, fmt.Sprintf("rooms/%04d.json", i+1), m); err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) room(ctx context.Context, name string, m rooms.Membership) error {
	head := roomHead{Room: m.Room, Membership: m.Membership}
	rm, err := p.e.Rooms.Room(ctx, m.Room)
	known := err == nil
	if err != nil && !matrix.IsCode(err, matrix.NotFound) { // an invitation to what others have
		return err
	}
	if known && m.Membership == "join" {
		s, err := rm.Summary(ctx)
		if err != nil {
			return err
		}
		head.Name = s.Name
		if head.Receipts, err = p.receipts(ctx, m.Room); err != nil {
			return err
		}
	}
	w, err := p.create(name, p.made, zip.Deflate)
	if err != nil {
		return err
	}
	count := 0
	if err := p.writeRoom(w, head, func(one func(eventEntry) error) error {
		if !known {
			return nil
		}
		return p.events(ctx, m.Room, func(e eventEntry) error { count++; return one(e) })
	}); err != nil {
		return err
	}
	p.page.Rooms = append(p.page.Rooms, roomLink{link{name, string(m.Room)}, head.Name, m.Membership, count})
	return nil
}

func (p *packer) receipts(ctx context.Context, room id.RoomID) ([]receiptEntry, error) {
	all, err := p.e.Data.OwnReceipts(ctx, p.user, room)
	out := make([]receiptEntry, len(all))
	for i, r := range all {
		out[i] = receiptEntry{r.Event, r.Thread, when(r.TS)}
	}
	return out, err
}

// events calls fn for what the account has sent to a room.
func (p *packer) events(ctx context.Context, room id.RoomID, fn func(eventEntry) error) error {
	for after := rooms.FirstPos; ; {
		evs, err := p.e.Rooms.SentBy(ctx, p.user, room, after, eventsAtOnce)
		if err != nil || len(evs) == 0 {
			return err
		}
		for _, e := range evs {
			after = e.Pos
			if err := fn(eventEntry{e.ID, when(e.TS), e.Type, e.StateKey, json.RawMessage(e.Content().Raw)}); err != nil {
				return err
			}
		}
	}
}

// writeRoom writes a head, and events beside it as they come.
func (p *packer) writeRoom(to io.Writer, head roomHead, each func(func(eventEntry) error) error) error {
	w := bufio.NewWriter(to)
	raw, err := json.MarshalIndent(head, "", "  ")
	if err != nil {
		return err
	}
	_, _ = w.Write(raw[:len(raw)-2]) // without the end; errors stay in w
	_, _ = w.WriteString(",\n  \"sent\": [")
	between := "\n    "
	err = each(func(e eventEntry) error {
		raw, err := json.MarshalIndent(e, "    ", "  ")
		if err != nil {
			return err
		}
		_, _ = w.WriteString(between)
		between = ",\n    "
		_, err = w.Write(raw)
		return err
	})
	if err != nil {
		return err
	}
	_, _ = w.WriteString("\n  ]\n}\n")
	return w.Flush()
}
