package outbox

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// typist is somebody who types, or no longer does, in a room.
type typist struct {
	room id.RoomID
	user id.UserID
}

// reading is what a receipt is about.
type reading struct {
	room   id.RoomID
	user   id.UserID
	thread id.EventID
}

// receipt says how far it was read.
type receipt struct {
	event id.EventID
	ts    int64
}

// passing is what a transaction brings that need not arrive, though receipts
// are worth another try.
type passing struct {
	edus     []matrix.EDU
	receipts map[reading]receipt
}

// Typing tells the servers in a room that a user types, or no longer does.
// Who is away is not told.
//
// Spec: server-server-api#typing-notifications
func (o *Outbox) Typing(ctx context.Context, room id.RoomID, user id.UserID, typing bool) {
	if !o.opt.Typing {
		return
	}
	o.tell(o.serversIn(ctx, room), false, func(p *peer) {
		if p.typing == nil {
			p.typing = map[typist]bool{}
		}
		p.typing[typist{room, user}] = typing
	})
}

// Receipt tells the servers in a room how far a user has read it. Who is away
// is told later.
//
// Spec: server-server-api#receipts
func (o *Outbox) Receipt(ctx context.Context, room id.RoomID, user id.UserID, thread, event id.EventID, ts int64) {
	if !o.opt.Receipts {
		return
	}
	o.tell(o.serversIn(ctx, room), true, func(p *peer) { o.addReceipt(p, reading{room, user, thread}, receipt{event, ts}) })
}

// Presence tells servers how a user appears; none: all that share a room with
// the user. content is an entry of the EDU. Who is away is not told.
//
// Spec: server-server-api#presence
func (o *Outbox) Presence(ctx context.Context, user id.UserID, content json.RawMessage, servers ...string) {
	if !o.opt.Presence {
		return
	}
	if len(servers) == 0 {
		all, err := o.rooms.ServersOf(ctx, user, "")
		if err != nil {
			return
		}
		servers = slices.Collect(maps.Keys(all))
	}
	o.tell(servers, false, func(p *peer) {
		if p.presence == nil {
			p.presence = map[id.UserID]matrix.EDU{}
		}
		p.presence[user] = matrix.EDU{Content: content}
	})
}

// serversIn returns the servers to which something in a room is told.
func (o *Outbox) serversIn(ctx context.Context, room id.RoomID) []string {
	rm, err := o.rooms.Room(ctx, room)
	if err != nil {
		return nil
	}
	return rm.Servers()
}

// tell adds something to what waits for servers; for those that are away only
// if it keeps.
func (o *Outbox) tell(servers []string, keeps bool, add func(*peer)) {
	if len(servers) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.opt.Now()
	for _, server := range servers {
		p := o.to(server)
		if p.away(now) && !keeps {
			continue
		}
		add(p)
		o.nudge(p)
	}
}

// addReceipt lets a receipt wait, unless there are too many.
func (o *Outbox) addReceipt(p *peer, at reading, r receipt) {
	_, known := p.receipts[at]
	if !known && o.ephemeral >= o.opt.MaxEphemeral {
		return
	}
	if p.receipts == nil {
		p.receipts = map[reading]receipt{}
	}
	if !known {
		o.ephemeral++
	}
	p.receipts[at] = r
}

// takePassing takes what passes into a transaction, in up to most EDUs.
func (o *Outbox) takePassing(p *peer, most int) (out passing) {
	for at, typing := range p.typing {
		if len(out.edus) >= most {
			return out
		}
		out.edus = append(out.edus, edu("m.typing", map[string]any{"room_id": at.room, "user_id": at.user, "typing": typing}))
		delete(p.typing, at)
	}
	if len(p.presence) > 0 && len(out.edus) < most {
		push := make([]json.RawMessage, 0, len(p.presence))
		for _, one := range p.presence {
			push = append(push, one.Content)
		}
		p.presence = nil
		out.edus = append(out.edus, edu("m.presence", map[string]any{"push": push}))
	}
	if len(p.receipts) > 0 && len(out.edus) < most {
		o.takeReceipts(p, most, &out)
	}
	return out
}

// takeReceipts takes receipts. In one EDU a user has one receipt in a room: a
// further thread has to wait for the next EDU.
func (o *Outbox) takeReceipts(p *peer, most int, out *passing) {
	type read struct {
		Data     map[string]any `json:"data"`
		EventIDs []id.EventID   `json:"event_ids"`
	}
	type inRoom struct {
		Read map[id.UserID]read `json:"m.read"`
	}
	out.receipts = map[reading]receipt{}
	for len(p.receipts) > 0 && len(out.edus) < most {
		content := map[id.RoomID]inRoom{}
		for at, r := range p.receipts {
			in, ok := content[at.room]
			if !ok {
				in = inRoom{map[id.UserID]read{}}
				content[at.room] = in
			}
			if _, taken := in.Read[at.user]; taken {
				continue
			}
			data := map[string]any{"ts": r.ts}
			if at.thread != "" {
				data["thread_id"] = at.thread
			}
			in.Read[at.user] = read{data, []id.EventID{r.event}}
			out.receipts[at] = r
			delete(p.receipts, at)
		}
		out.edus = append(out.edus, edu("m.receipt", content))
	}
	if len(p.receipts) == 0 {
		p.receipts = nil
	}
}

// putBack keeps the receipts of a transaction that did not arrive for the next
// one. This one, when it is sent again, brings only what has to arrive: the
// peer may know it already.
func (o *Outbox) putBack(p *peer, c *parcel) {
	o.ephemeral -= len(c.passing.receipts)
	for at, r := range c.passing.receipts {
		if _, newer := p.receipts[at]; !newer {
			o.addReceipt(p, at, r)
		}
	}
	c.passing = passing{}
	p.typing, p.presence = nil, nil
}
