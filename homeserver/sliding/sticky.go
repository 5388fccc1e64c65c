package sliding

import (
	"context"
	"strconv"
	"strings"

	"plenum/homeserver/tell"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// StickyEvents asks for events that are sticky.
type StickyEvents struct {
	Limit int
	Since string // next_batch of an earlier answer, on whatever connection
}

// stickySpan is what the client has of the sticky events, as it says, and what
// there is. What is not of this server's past says nothing.
func (t *turn) stickySpan(q *StickyEvents) (tell.StickySpan, error) {
	span := tell.StickySpan{User: t.who.User, Upto: t.since, Limit: limitOf(q.Limit, tell.StickyMost)}
	if q.Since == "" {
		return span, nil
	}
	after, known, isPage := strings.Cut(q.Since, "_")
	if !isPage {
		known = after
	}
	var numbers [2]matrix.Position
	for i, text := range []string{after, known} {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return span, invalid("%q is not a token of sticky_events.", q.Since)
		}
		numbers[i] = matrix.Position(n)
	}
	if max(numbers[0], numbers[1]) <= t.DB.Committed() {
		span.After, span.Known = numbers[0], numbers[1]
	}
	return span, nil
}

// stickyToken is where an answer ends: up to where the client has the sticky
// events, and of which rooms if that is not the same.
func (t *turn) stickyToken(upto matrix.Position) string {
	token := strconv.FormatInt(int64(upto), 10)
	if upto != t.since {
		token += "_" + strconv.FormatInt(int64(t.since), 10)
	}
	return token
}

// writeSticky writes the events that are sticky, of all rooms that belong to a
// list, wherever in it the client looks, and those that it subscribed to. Like
// messages from device to device they have a token of their own.
//
// Spec: todo MSC4480, once it is in a release
func (t *turn) writeSticky(ctx context.Context) (news bool, err error) {
	q := t.question.extensions.Sticky
	if q == nil {
		return false, nil
	}
	span, err := t.stickySpan(q)
	if err != nil {
		return false, err
	}
	var joined []*rooms.Membership
	for _, x := range t.reached {
		if x.m.Membership == "join" {
			joined = append(joined, x.m)
		}
	}
	sticky, err := tell.StickyIn(ctx, t.Rooms, span, joined)
	if err != nil || len(sticky.In) == 0 {
		return false, err
	}
	w := &t.out
	object := w.Open("org.matrix.msc4354.sticky_events")
	w.Name("next_batch")
	w.Text(t.stickyToken(sticky.Upto))
	in := w.Open("rooms")
	for _, x := range t.reached {
		if err := t.writeStickyIn(ctx, &sticky, x); err != nil {
			return false, err
		}
	}
	w.Close(in)
	w.Close(object)
	return true, nil
}

// writeStickyIn writes the sticky events of a room that are not in its timeline.
func (t *turn) writeStickyIn(ctx context.Context, sticky *tell.Sticky, x *match) error {
	evs, err := sticky.Events(ctx, t.Rooms, x.m.Room, &x.told, t.ignored.Has)
	if err != nil || len(evs) == 0 {
		return err
	}
	rm, err := t.Rooms.Room(ctx, x.m.Room)
	if err != nil {
		return err
	}
	part := t.out.OpenEvents(string(x.m.Room))
	t.out.Buf, err = t.Rooms.AppendEvents(ctx, t.out.Buf, rooms.Encoding{Principal: t.who}, rm, evs)
	t.out.CloseEvents(part)
	return err
}
