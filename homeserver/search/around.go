package search

import (
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// Around is what happened around a result.
type Around struct {
	rooms.Surroundings
	Profiles map[id.UserID]Profile // of all senders; nil: were not asked for
}

// Profile is the profile that somebody had in a room.
type Profile struct{ Name, Avatar string }

// completeResult adds what happened around a result, if that is wanted.
func (l *look) completeResult(r *Result) error {
	q := l.q.Around
	if q == nil {
		return nil
	}
	beside, err := l.s.rooms.Beside(l.ctx, l.who, rooms.BesideQuery{Event: r.Event, Before: q.Before, After: q.After, Skip: l.skip()})
	if err != nil {
		return err
	}
	r.Around = &Around{Surroundings: beside}
	if q.Profiles {
		r.Around.Profiles, err = l.profiles(beside)
	}
	return err
}

// skip keeps messages of those who are ignored out.
func (l *look) skip() func(*rooms.Event) bool {
	if l.q.Ignored == nil {
		return nil
	}
	return func(e *rooms.Event) bool { return !e.IsState() && l.q.Ignored(e.Sender) }
}

// profiles returns the profiles that those who speak had at the end.
func (l *look) profiles(c rooms.Surroundings) (map[id.UserID]Profile, error) {
	said := append([]*rooms.Event{c.Event}, c.After...)
	st, err := c.Room.StateAt(l.ctx, said[len(said)-1].Pos)
	if err != nil {
		return nil, err
	}
	asked := map[id.UserID]matrix.Position{}
	var positions []matrix.Position
	for _, e := range append(said, c.Before...) {
		if _, known := asked[e.Sender]; known {
			continue
		}
		asked[e.Sender], _ = st.Get("m.room.member", string(e.Sender))
		positions = append(positions, asked[e.Sender])
	}
	evs, err := l.s.rooms.Events(l.ctx, positions)
	if err != nil {
		return nil, err
	}
	out := map[id.UserID]Profile{}
	for user, pos := range asked {
		if e := evs[pos]; e != nil {
			c := e.Content()
			out[user] = Profile{c.Get("displayname").Str, c.Get("avatar_url").Str}
		}
	}
	return out, nil
}
