package sliding

import (
	"context"
	"slices"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// tagType is the type of the account data that holds the tags of a room.
const tagType = "m.tag"

// filter is the filters of a list, with what has to be known to apply them.
type filter struct {
	*Filters
	t       *turn
	kinds   []rooms.Kind           // of the candidates; nil: not asked for
	inSpace map[id.RoomID]struct{} // rooms of the spaces that are asked for; nil: any
}

// filter makes f ready to be applied to all.
//
// Spec: todo MSC4186, SlidingRoomFilter, once it is in a release
func (t *turn) filter(ctx context.Context, f *Filters, all []*match) (out *filter, err error) {
	out = &filter{Filters: f, t: t}
	if f.Spaces != nil {
		if out.inSpace, err = t.inSpaces(ctx, f.Spaces); err != nil {
			return nil, err
		}
	}
	if f.IsEncrypted == nil && f.Types == nil && f.NotTypes == nil {
		return out, nil
	}
	out.kinds, err = t.kindsOf(ctx, all)
	return out, err
}

// kindsOf returns of what kind the rooms of all are. They are read once a turn.
func (t *turn) kindsOf(ctx context.Context, all []*match) (_ []rooms.Kind, err error) {
	if t.kinds != nil {
		return t.kinds, nil
	}
	names := make([]id.RoomID, len(all))
	for i, x := range all {
		names[i] = x.m.Room
	}
	t.kinds, err = t.Rooms.Kinds(ctx, names)
	return t.kinds, err
}

// accepts reports whether candidate number i, x, belongs to the list.
func (f *filter) accepts(ctx context.Context, i int, x *match) (bool, error) {
	room := x.m.Room
	if f.IsDM != nil && f.t.chats.has(room) != *f.IsDM || f.IsInvited != nil && (x.m.Membership == "invite") != *f.IsInvited {
		return false, nil
	}
	if _, ok := f.inSpace[room]; f.inSpace != nil && !ok {
		return false, nil
	}
	if f.kinds != nil {
		kind, err := f.t.kind(ctx, x, f.kinds[i])
		if err != nil || !f.acceptsKind(kind) {
			return false, err
		}
	}
	if f.Tags == nil && len(f.NotTags) == 0 {
		return true, nil
	}
	return f.acceptsTags(ctx, room)
}

func (f *filter) acceptsKind(k rooms.Kind) bool {
	return (f.IsEncrypted == nil || k.Encrypted == *f.IsEncrypted) &&
		(f.Types == nil || slices.Contains(f.Types, k.Type)) && !slices.Contains(f.NotTypes, k.Type)
}

func (f *filter) acceptsTags(ctx context.Context, room id.RoomID) (bool, error) {
	content, err := f.t.Data.Stored(ctx, f.t.who.User, room, tagType)
	if err != nil {
		return false, err
	}
	tags := gjson.GetBytes(content, "tags").Map()
	has := func(tag string) bool { _, ok := tags[tag]; return ok }
	return (f.Tags == nil || slices.ContainsFunc(f.Tags, has)) && !slices.ContainsFunc(f.NotTags, has), nil
}

// kind returns of what kind a room is as far as the user may know: what it was
// when they left it, or what they were shown with the invitation. now is what
// it is.
func (t *turn) kind(ctx context.Context, x *match, now rooms.Kind) (rooms.Kind, error) {
	switch m := x.m; m.Membership {
	case "join":
		return now, nil
	case "invite", "knock":
		return shownKind(m), nil
	default:
		if !now.Encrypted {
			return now, nil
		}
		rm, err := t.Rooms.Room(ctx, m.Room)
		if err != nil {
			return now, ignoreUnknown(err)
		}
		then, err := rm.StateAt(ctx, m.Pos)
		if err == nil {
			_, now.Encrypted = then.Get("m.room.encryption", "")
		}
		return now, err
	}
}

// shownKind returns what stripped state says of a room.
func shownKind(m *rooms.Membership) (k rooms.Kind) {
	gjson.ParseBytes(m.Stripped).ForEach(func(_, e gjson.Result) bool {
		switch e.Get("type").Str {
		case "m.room.create":
			k.Type = e.Get("content.type").Str
		case "m.room.encryption":
			k.Encrypted = true
		}
		return true
	})
	return k
}

// inSpaces returns the rooms of those of spaces that the user is in.
func (t *turn) inSpaces(ctx context.Context, spaces []id.RoomID) (map[id.RoomID]struct{}, error) {
	in := map[id.RoomID]struct{}{}
	for i := range t.memberships {
		m := &t.memberships[i]
		if m.Membership != "join" || !slices.Contains(spaces, m.Room) {
			continue
		}
		rm, err := t.Rooms.Room(ctx, m.Room)
		if err != nil {
			return nil, err
		}
		state, err := rm.StateAt(ctx, t.since)
		if err != nil {
			return nil, err
		}
		positions := state.OfType("m.space.child", func(rooms.StateKey) bool { return true })
		children, err := t.Rooms.Events(ctx, positions)
		if err != nil {
			return nil, err
		}
		for _, child := range children {
			if len(child.Content().Get("via").Array()) > 0 { // otherwise it was taken out
				in[id.RoomID(*child.StateKey)] = struct{}{}
			}
		}
	}
	return in, nil
}

// ignoreUnknown makes nothing of the error that this server does not know a
// room: the user was invited from elsewhere.
func ignoreUnknown(err error) error {
	if matrix.IsCode(err, matrix.NotFound) {
		return nil
	}
	return err
}
