package sliding

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/tell"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// stay is what the client is told of a room that its user is in or was in.
type stay struct {
	*turn
	x    *match
	was  *known // what it has; nil: nothing
	is   known  // what it has afterwards
	rm   *rooms.Room
	eye  tell.Eye
	from matrix.Position // it knows the room up to here; tell.Beginning: not at all
	end  matrix.Position // the timeline goes up to here
	// settled is up to where the user learns of the room's state: never more
	// than they could know while they were in it.
	settled matrix.Position
	fresh   bool // the room is new to the client, or new again
	brief   bool // all that is told is how the user's stay, or the wait for it, ended

	timeline tell.Timeline
	expanded bool // the timeline begins before what the client knows
	changes  []rooms.StateChange
	changed  tell.Changed
	bare     int // length of the answer before anything was written
}

// writeRoom writes about a room what the client does not have.
func (t *turn) writeRoom(ctx context.Context, x *match) (err error) {
	isNews, err := t.isNews(ctx, x)
	if err != nil || !isNews {
		return err
	}
	object := t.out.Open(string(x.m.Room))
	switch x.m.Membership {
	case "join":
		err = t.joined(ctx, x)
	case "invite", "knock":
		t.outside(x)
	default:
		err = t.left(ctx, x)
	}
	t.out.Close(object)
	return ignoreUnknown(err)
}

// isNews reports whether there may be something to tell of a room. It reads
// nothing of those where there is not.
func (t *turn) isNews(ctx context.Context, x *match) (bool, error) {
	m, was := x.m, x.was
	if was == nil || was.membership != m.Membership || m.Pos > was.upto || was.isDM != t.chats.has(m.Room) {
		return true, nil
	}
	if m.Membership != "join" {
		return false, nil
	}
	if x.last > was.upto || x.want != was.want || x.timeline > was.depth {
		return true, nil
	}
	return t.hasRead(ctx, m.Room, was)
}

// hasRead reports whether the user has read on in a room, so that its counts
// are different.
func (t *turn) hasRead(ctx context.Context, room id.RoomID, was *known) (bool, error) {
	if !t.question.form.counts() || !t.Data.HasNewReceipts(room, was.counted) {
		return false, nil
	}
	reads, err := t.Data.Reads(ctx, t.who.User, room)
	return err == nil && reads != nil && reads.Changed > was.counted, err
}

// joined writes about a room that the user is in.
func (t *turn) joined(ctx context.Context, x *match) error {
	rm, err := t.Rooms.Room(ctx, x.m.Room)
	if err != nil {
		return err
	}
	st := t.stay(x, rm)
	st.fresh = x.was == nil || x.was.membership != "join"
	st.end, st.settled = t.since, t.since
	st.begin()
	defer func() { x.told = st.timeline }()
	return st.write(ctx,
		st.readTimeline, st.readChanges,
		st.writeInitial, st.writeName, st.writeMembers, st.writeIsDM, st.writeState, st.writeTimeline, st.writeStirred, st.writeCounts)
}

// left writes about a room that the user left, or was thrown out of.
func (t *turn) left(ctx context.Context, x *match) error {
	was := x.was
	rm, err := t.Rooms.Room(ctx, x.m.Room)
	if err != nil {
		t.learn(x, known{membership: x.m.Membership, upto: t.since})
		return err
	}
	st := t.stay(x, rm)
	st.fresh, st.end = was == nil, x.m.Pos
	st.begin()
	last, ever, err := st.eye.LastIn(ctx, x.m)
	if err != nil {
		return err
	}
	if st.settled = last; !ever || was != nil && last <= was.upto {
		if was == nil {
			return nil // they never were in the room, and see nothing of it
		}
		// Not in the room since the client was told: it learns how that ended.
		st.brief, st.from, st.settled = true, x.m.Pos-1, x.m.Pos
	}
	return st.write(ctx,
		st.readTimeline, st.readChanges,
		st.writeInitial, st.writeName, st.writeIsDM, st.writeState, st.writeTimeline, st.writeMoved)
}

func (t *turn) stay(x *match, rm *rooms.Room) *stay {
	return &stay{turn: t, x: x, was: x.was, rm: rm}
}

// begin finds out where the client stands.
func (st *stay) begin() {
	st.from = tell.Beginning
	if !st.fresh {
		st.is, st.from = *st.was, st.was.upto
	}
	st.is.membership, st.is.upto = st.x.m.Membership, st.since
	st.eye = tell.Eye{
		Room: st.rm, User: st.who.User, Ignores: st.ignored.Has,
		SeesAll: !st.fresh && st.x.m.Membership == "join" && st.x.m.Pos <= st.from,
	}
}

// write runs the parts of an entry one after the other. What goes with every
// entry is added when there is one.
func (st *stay) write(ctx context.Context, parts ...func(context.Context) error) error {
	st.bare = len(st.out.Buf)
	for _, part := range parts {
		if err := part(ctx); err != nil {
			return err
		}
	}
	if len(st.out.Buf) > st.bare {
		st.writeStanding(st.x)
	}
	st.learn(st.x, st.is)
	return nil
}

// isBare reports whether nothing was written yet.
func (st *stay) isBare() bool { return len(st.out.Buf) == st.bare }

// writeStanding writes what the user has to do with a room, and in which lists
// it is.
func (t *turn) writeStanding(x *match) {
	if !t.question.form.standing() {
		return
	}
	t.out.Name("membership")
	t.out.Text(x.m.Membership)
	if x.lists.isEmpty() {
		return
	}
	t.out.OpenList("lists")
	for i, name := range t.question.names {
		if x.lists.has(i) {
			t.out.Text(name)
		}
	}
	t.out.CloseList()
}
