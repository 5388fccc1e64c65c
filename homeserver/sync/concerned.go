package sync

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
)

// concerned returns the rooms about which there may be something to tell, by
// section of the answer. It looks at every room of the user without bringing
// any into memory.
func (t *turn) concerned(ctx context.Context) (map[string][]*rooms.Membership, error) {
	out := map[string][]*rooms.Membership{}
	joined := make([]*rooms.Membership, 0, len(t.memberships))
	for i := range t.memberships {
		m := &t.memberships[i]
		switch {
		case !t.filter.Room.Has(m.Room):
		case m.Forgotten && (t.initial || !t.isNew(m)): // other devices still learn that it was left
		case m.Membership == "join":
			joined = append(joined, m)
		case m.Membership == "invite" || m.Membership == "knock":
			if t.isNew(m) || t.all() {
				out[m.Membership] = append(out[m.Membership], m)
			}
		case t.isNew(m) && !t.initial || t.all() && t.filter.Room.IncludeLeave: // left or banned
			out["leave"] = append(out["leave"], m)
		}
	}
	var err error
	out["join"], err = t.changed(ctx, joined)
	return out, err
}

// isNew reports whether the membership is news to the client.
func (t *turn) isNew(m *rooms.Membership) bool { return m.Pos > t.since.Pos }

// changed returns those of the user's joined rooms in which something happened.
func (t *turn) changed(ctx context.Context, joined []*rooms.Membership) ([]*rooms.Membership, error) {
	if t.all() {
		return joined, nil
	}
	names := make([]id.RoomID, len(joined))
	for i, m := range joined {
		names[i] = m.Room
	}
	lasts, err := t.s.Rooms.LastAfter(ctx, t.since.Pos, names)
	if err != nil {
		return nil, err
	}
	var out []*rooms.Membership
	for i, m := range joined {
		changed := lasts[i] != 0 || len(t.account[m.Room]) > 0 || len(t.sticky.In[m.Room]) > 0
		if !changed {
			if changed, err = t.hasEphemeral(ctx, m.Room); err != nil {
				return nil, err
			}
		}
		if changed {
			out = append(out, m)
		}
	}
	return out, nil
}
