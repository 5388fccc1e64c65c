package sync

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/tell"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// StreamQuery is how clients followed what happens before there was /sync, and
// how they still follow rooms that they only look at.
//
// Spec: client-server-api#get_matrixclientv3events
type StreamQuery struct {
	From    string    // token; empty: from now on
	Room    id.RoomID // empty: the rooms that the user is in
	Timeout time.Duration
}

// streamed bounds the events of one room in one answer.
const streamed = 100

// Stream answers with the events that come after a token. Without any it waits
// for them.
func (s *Syncer) Stream(ctx context.Context, p matrix.Principal, q StreamQuery) (_ []byte, err error) {
	defer matrix.Wrap(&err, "stream")
	f := &stream{s: s, who: p, room: q.Room}
	if q.From == "" {
		f.from.Pos, _, err = tell.Now(ctx, s.DB, s.Rooms, p.User)
	} else {
		f.from, err = rooms.ParseToken(q.From)
	}
	if err != nil {
		return nil, err
	}
	w := &tell.Waiter{Bus: s.DB.Bus(), Sessions: s.Sessions, Who: p, Until: q.Timeout, Stop: s.draining}
	defer w.Close()
	for {
		if err := f.look(ctx); err != nil {
			return nil, err
		}
		again := false
		if len(f.found) == 0 {
			if again, err = w.Wait(ctx, f.topics); err != nil {
				return nil, err
			}
		}
		if !again {
			return f.answer(ctx)
		}
	}
}

// stream is one look at what came after a token.
type stream struct {
	s     *Syncer
	who   matrix.Principal
	room  id.RoomID
	from  rooms.Token
	end   rooms.Token
	names []id.RoomID // of the rooms that are followed
	found []streamedEvent
}

type streamedEvent struct {
	rm *rooms.Room
	e  *rooms.Event
}

func (f *stream) topics() []string {
	topics := []string{rooms.UserTopic(f.who.User)}
	for _, name := range f.names {
		topics = append(topics, rooms.RoomTopic(name))
	}
	return topics
}

// look finds what came after the token.
func (f *stream) look(ctx context.Context) error {
	now, memberships, err := tell.Now(ctx, f.s.DB, f.s.Rooms, f.who.User)
	if err != nil {
		return err
	}
	f.names, f.found, f.end = nil, nil, rooms.Token{Pos: max(now, f.from.Pos)}
	if f.room != "" {
		f.names = []id.RoomID{f.room}
		return f.read(ctx, f.room)
	}
	for _, m := range memberships {
		if m.Membership == "join" {
			f.names = append(f.names, m.Room)
		}
	}
	lasts, err := f.s.Rooms.LastAfter(ctx, f.from.Pos, f.names)
	if err != nil {
		return err
	}
	for i, name := range f.names {
		if lasts[i] == 0 {
			continue
		}
		if err := f.read(ctx, name); err != nil && !matrix.IsCode(err, matrix.Forbidden) { // left meanwhile
			return err
		}
	}
	return nil
}

// read takes in the events of one room. When there are more than fit, the
// answer ends before those that are left.
func (f *stream) read(ctx context.Context, name id.RoomID) error {
	ignored, err := f.s.Data.Ignores(ctx, f.who.User)
	if err != nil {
		return err
	}
	end := rooms.Token{Pos: math.MaxInt64 - 1}
	c, err := f.s.Rooms.Messages(ctx, f.who, name, rooms.Page{
		From: &f.from, To: &end, Limit: streamed,
		Skip: func(e *rooms.Event) bool { return !e.IsState() && ignored.Has(e.Sender) },
	})
	if err != nil {
		return err
	}
	if c.End != nil {
		f.end.Pos = min(f.end.Pos, c.End.Pos)
	}
	for _, e := range c.Events {
		f.found = append(f.found, streamedEvent{c.Room, e})
	}
	return nil
}

func (f *stream) answer(ctx context.Context) ([]byte, error) {
	slices.SortFunc(f.found, func(a, b streamedEvent) int { return cmp.Compare(a.e.Pos, b.e.Pos) })
	enc := rooms.Encoding{Principal: f.who, RoomID: true}
	buf := []byte(`{"chunk":[`)
	first := true
	for _, x := range f.found {
		if x.e.Pos > f.end.Pos {
			break
		}
		if !first {
			buf = append(buf, ',')
		}
		first = false
		var err error
		if buf, err = f.s.Rooms.AppendEvents(ctx, buf, enc, x.rm, []*rooms.Event{x.e}); err != nil {
			return nil, err
		}
	}
	buf = append(buf, `],"end":"`...)
	buf = append(append(buf, f.end.Page()...), `","start":"`...)
	return append(append(buf, f.from.Page()...), `"}`...), nil
}
