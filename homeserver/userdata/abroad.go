package userdata

import (
	"context"
	"encoding/json"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// Abroad tells other servers what users of this one do. Its methods do not wait
// for those.
type Abroad interface {
	// Typing says in a room that a user types, or no longer does.
	Typing(ctx context.Context, room id.RoomID, user id.UserID, typing bool)
	// Receipt says how far a user has read a room; thread may be empty.
	Receipt(ctx context.Context, room id.RoomID, user id.UserID, thread, event id.EventID, ts int64)
	// Presence says how a user appears: to servers, or where none is named to
	// all that share a room with the user.
	Presence(ctx context.Context, user id.UserID, content json.RawMessage, servers ...string)
}

const (
	// sayTypingAgain is after what time other servers are told again that
	// somebody types. Some take it for over after a while.
	sayTypingAgain = 30 * time.Second
	// maxTypingAbroad is how long somebody on another server types at most,
	// unless that says so again.
	maxTypingAbroad = time.Minute
	// forgetAbroad is after what time without news somebody on another server
	// is taken as offline.
	forgetAbroad = 30 * time.Minute
	// maxIntroduced is to the presence of how many people a server is
	// introduced that comes into a room.
	maxIntroduced = 200
)

// typesAbroad tells other servers whether a user of this one types.
func (d *Data) typesAbroad(room id.RoomID, user id.UserID, typing bool) {
	if d.opt.Abroad != nil && d.rooms.IsLocal(user) {
		d.opt.Abroad.Typing(context.Background(), room, user, typing)
	}
}

// HearTyping takes in that a user of another server types in a room, or no
// longer does. The caller has made sure that it comes from the user's server.
//
// Spec: server-server-api#typing-notifications
func (d *Data) HearTyping(ctx context.Context, room id.RoomID, user id.UserID, typing bool) error {
	if err := d.checkJoined(ctx, user, room); err != nil {
		return err
	}
	if typing {
		d.typing.start(room, user, maxTypingAbroad)
	} else {
		d.typing.stop(room, user)
	}
	return nil
}

// ReceiptAbroad is a receipt of a user of another server.
type ReceiptAbroad struct {
	User          id.UserID
	Thread, Event id.EventID
	TS            int64
}

// HearReceipts takes in receipts of users of another server in a room. Those
// at events that this server does not know say nothing. The caller has made
// sure that they come from the users' server.
//
// Spec: server-server-api#receipts
func (d *Data) HearReceipts(ctx context.Context, room id.RoomID, receipts []ReceiptAbroad) error {
	todo := marking{room: room}
	for _, r := range receipts {
		m, err := d.rooms.MembershipOf(ctx, r.User, room)
		if err != nil {
			return err
		}
		if m.Membership != "join" {
			continue
		}
		e, err := d.eventIn(ctx, room, r.Event)
		if matrix.IsCode(err, matrix.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		todo.receipts = append(todo.receipts, &Receipt{User: r.User, Thread: r.Thread, Event: e.ID, EventPos: e.Pos, TS: r.TS})
	}
	if len(todo.receipts) == 0 {
		return nil
	}
	return d.store(ctx, &todo)
}

// readAbroad tells other servers of the receipts that were stored.
func (d *Data) readAbroad(ctx context.Context, m *marking) {
	if d.opt.Abroad == nil {
		return
	}
	for _, r := range m.receipts {
		if !r.Private && d.rooms.IsLocal(r.User) {
			d.opt.Abroad.Receipt(context.WithoutCancel(ctx), m.room, r.User, r.Thread, r.Event, r.TS)
		}
	}
}

// presenceContent is how a user appears, for other servers.
func presenceContent(p Presence) json.RawMessage {
	raw, err := json.Marshal(struct {
		User id.UserID `json:"user_id"`
		Presence
	}{p.User, p})
	if err != nil {
		return json.RawMessage("{}") // of texts and numbers: it does not fail
	}
	return raw
}

// appearsAbroad tells other servers how a user of this one appears.
func (d *Data) appearsAbroad(user id.UserID) {
	if d.opt.Abroad != nil && d.rooms.IsLocal(user) {
		d.opt.Abroad.Presence(context.Background(), user, presenceContent(d.presence.of(user)))
	}
}

// introduce tells the server of somebody who has come into a room who is there.
func (d *Data) introduce(e *rooms.Event) {
	if d.opt.Abroad == nil {
		return
	}
	ctx, server := context.Background(), e.Sender.Homeserver()
	rm, err := d.rooms.Room(ctx, e.Room)
	if err != nil {
		return
	}
	n := 0
	for _, user := range rm.Members("join") {
		if !d.rooms.IsLocal(user) {
			continue
		}
		p := d.presence.of(user)
		if p.State == Offline {
			continue
		}
		d.opt.Abroad.Presence(ctx, user, presenceContent(p), server)
		if n++; n == maxIntroduced {
			return
		}
	}
}

// PresenceAbroad is how a user of another server appears.
type PresenceAbroad struct {
	User            id.UserID `json:"user_id"`
	State           string    `json:"presence"`
	LastActiveAgo   int64     `json:"last_active_ago"` // ms
	StatusMsg       *string   `json:"status_msg"`
	CurrentlyActive bool      `json:"currently_active"`
}

// HearPresence takes in how a user of another server appears. The caller has
// made sure that it comes from the user's server.
//
// Spec: server-server-api#presence
func (d *Data) HearPresence(ctx context.Context, in PresenceAbroad) error {
	if !d.opt.Presence {
		return nil
	}
	switch in.State {
	case Online, Unavailable, Offline:
	default:
		return matrix.Errorf(matrix.InvalidParam, "There is no presence %q.", in.State)
	}
	if _, shared, err := d.rooms.Tracked(ctx, in.User); err != nil || !shared {
		return err // nobody here may see it
	}
	if in.StatusMsg != nil && (*in.StatusMsg == "" || len(*in.StatusMsg) > maxStatus) {
		in.StatusMsg = nil
	}
	d.presence.update(in.User, func(a *attendance, now time.Time) bool {
		news := a.state != in.State || a.active != in.CurrentlyActive || !equal(a.status, in.StatusMsg)
		a.abroad, a.until = true, now.Add(forgetAbroad)
		a.state, a.active, a.status = in.State, in.CurrentlyActive && in.State == Online, in.StatusMsg
		if ago := time.Duration(in.LastActiveAgo) * time.Millisecond; ago >= 0 && ago < 10*365*24*time.Hour {
			a.lastActive = now.Add(-ago)
		}
		return news
	})
	return nil
}

// decideAbroad is decide for a user of another server.
func (a *attendance) decideAbroad(now time.Time) bool {
	if a.state == Offline || now.Before(a.until) {
		return false
	}
	a.state, a.active = Offline, false
	return true
}
