package sliding

import (
	"context"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// writeInitial writes that the client is to forget what it has of the room.
func (st *stay) writeInitial(context.Context) error {
	if st.fresh {
		st.out.Name("initial")
		st.out.Bool(true)
	}
	return nil
}

// writeName writes name and picture of the room, when they are new.
func (st *stay) writeName(ctx context.Context) error {
	if !st.fresh && !st.changed.Name && !st.changed.Avatar {
		return nil
	}
	state, err := st.rm.StateAt(ctx, st.settled)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		isNew           bool
		name, typ, path string
		removals        bool
	}{
		{st.changed.Name, "name", "m.room.name", "name", st.question.form.removals()},
		{st.changed.Avatar, "avatar", "m.room.avatar", "url", true},
	} {
		if !st.fresh && !f.isNew {
			continue
		}
		text, err := st.stateText(ctx, state, f.typ, f.path)
		switch {
		case err != nil:
			return err
		case text != "":
			st.out.Name(f.name)
			st.out.Text(text)
		case !st.fresh && f.removals:
			st.out.Name(f.name)
			st.out.Raw([]byte("null"))
		}
	}
	return nil
}

// stateText returns a text from the content of a state event, "" when there is
// none.
func (st *stay) stateText(ctx context.Context, state *rooms.State, typ, path string) (string, error) {
	pos, ok := state.Get(typ, "")
	if !ok {
		return "", nil
	}
	evs, err := st.Rooms.Events(ctx, []matrix.Position{pos})
	if err != nil || evs[pos] == nil {
		return "", err
	}
	return evs[pos].Content().Get(path).Str, nil
}

// writeMembers writes how many people are in the room and, when it has no
// name, by whom it can be called: when that is new.
func (st *stay) writeMembers(ctx context.Context) error {
	if !st.fresh && !st.changed.Members && !st.changed.Name {
		return nil
	}
	about, err := st.rm.Summary(ctx)
	if err != nil {
		return err
	}
	if about.Name == "" {
		if err := st.writeHeroes(ctx, st.rm.Heroes(st.who.User)); err != nil {
			return err
		}
	}
	if st.fresh || st.changed.Members {
		st.out.Name("joined_count")
		st.out.Int(int64(st.rm.MemberCount("join")))
		st.out.Name("invited_count")
		st.out.Int(int64(st.rm.MemberCount("invite")))
	}
	return nil
}

// writeHeroes writes members by whom a room can be called.
func (st *stay) writeHeroes(ctx context.Context, heroes []id.UserID) error {
	if len(heroes) == 0 {
		return nil
	}
	state, err := st.rm.StateAt(ctx, st.settled)
	if err != nil {
		return err
	}
	positions := make([]matrix.Position, 0, len(heroes))
	for _, hero := range heroes {
		if pos, ok := state.Get(memberType, string(hero)); ok {
			positions = append(positions, pos)
		}
	}
	evs, err := st.Rooms.Events(ctx, positions)
	if err != nil {
		return err
	}
	w := &st.out
	w.OpenList("heroes")
	for _, pos := range positions {
		e := evs[pos]
		if e == nil {
			continue
		}
		w.Raw([]byte(`{`))
		w.Name("user_id")
		w.Text(*e.StateKey)
		for _, name := range []string{"displayname", "avatar_url"} {
			if v := e.Content().Get(name); v.Type == gjson.String {
				w.Name(name)
				w.Text(v.Str)
			}
		}
		w.Buf = append(w.Buf, '}')
	}
	w.CloseList()
	return nil
}

// writeIsDM writes whether the room is a direct chat, when that is new.
//
// Spec: client-server-api#direct-messaging
func (st *stay) writeIsDM(context.Context) error {
	is := st.chats.has(st.x.m.Room)
	if is != st.is.isDM {
		st.out.Name("is_dm")
		st.out.Bool(is)
	}
	st.is.isDM = is
	return nil
}

// writeStirred writes when somebody last said something, when that is new.
// Clients sort rooms by it.
func (st *stay) writeStirred(ctx context.Context) error {
	pos, err := st.rm.Stirred(ctx)
	if err == nil && (st.fresh || pos > st.from) {
		st.out.Name("bump_stamp")
		st.out.Int(max(0, int64(pos)))
	}
	return err
}

// writeMoved writes when the user ceased to be in the room, in place of when
// somebody said something there.
func (st *stay) writeMoved(context.Context) error {
	st.out.Name("bump_stamp")
	st.out.Int(int64(st.x.m.Pos))
	return nil
}

// writeCounts writes how much of the room the user has not read: with every
// entry of a room, and alone when reading is all that happened.
//
// Spec: client-server-api#receiving-notifications
func (st *stay) writeCounts(ctx context.Context) error {
	if !st.question.form.counts() {
		return nil
	}
	if st.isBare() {
		hasRead, err := st.hasRead(ctx, st.x.m.Room, &st.is)
		if err != nil || !hasRead {
			return err
		}
	}
	counts, err := st.Push.Counts(ctx, st.who.User, st.rm, st.end)
	if err != nil {
		return err
	}
	total := counts.Total()
	st.out.Name("notification_count")
	st.out.Int(int64(total.Notifications))
	st.out.Name("highlight_count")
	st.out.Int(int64(total.Highlights))
	st.is.counted = st.since
	return nil
}
