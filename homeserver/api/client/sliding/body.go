package sliding

import (
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/sliding"
	"plenum/internal/matrix"
)

// body is a request as it travels. S is the form in which wanted state is
// spelled out.
type body[S state] struct {
	ConnID        string                 `json:"conn_id"`
	Pos           string                 `json:"pos"`          // only in the accepted form
	Timeout       int                    `json:"timeout"`      // only in the accepted form
	SetPresence   string                 `json:"set_presence"` // only in the accepted form
	Lists         map[string]list[S]     `json:"lists"`
	Subscriptions map[id.RoomID]*wish[S] `json:"room_subscriptions"`
	Extensions    extensions             `json:"extensions"`
}

// wish is what a client wants to be told of a room.
type wish[S state] struct {
	TimelineLimit int `json:"timeline_limit"`
	RequiredState S   `json:"required_state"`
}

type list[S state] struct {
	wish[S]
	Ranges  [][]int `json:"ranges"`             // only in the unstable form
	AllOf   bool    `json:"slow_get_all_rooms"` // only in the unstable form: whatever Ranges says
	Range   []int   `json:"range"`              // only in the accepted form
	Filters filters `json:"filters"`
}

// state is wanted state, in either form.
type state interface {
	// wanted returns what is wanted for user.
	wanted(user id.UserID) (sliding.State, error)
}

type filters struct {
	IsDM        *bool       `json:"is_dm"`
	IsEncrypted *bool       `json:"is_encrypted"`
	IsInvite    *bool       `json:"is_invite"`  // its name in the unstable form
	IsInvited   *bool       `json:"is_invited"` // its name in the accepted form
	RoomTypes   []*string   `json:"room_types"` // null: rooms without a type
	NotTypes    []*string   `json:"not_room_types"`
	Tags        []string    `json:"tags"`
	NotTags     []string    `json:"not_tags"`
	Spaces      []id.RoomID `json:"spaces"`
}

// request returns what b asks for.
func (b *body[S]) request(form sliding.Form, user id.UserID) (sliding.Request, error) {
	q := sliding.Request{
		Form: form, Conn: b.ConnID, Extensions: b.Extensions.wanted(),
		Lists: make(map[string]sliding.List, len(b.Lists)), Rooms: make(map[id.RoomID]sliding.Wish, len(b.Subscriptions)),
	}
	for name, l := range b.Lists {
		w, err := l.wanted(user)
		if err != nil {
			return q, err
		}
		ranges, err := l.ranges(form)
		if err != nil {
			return q, err
		}
		q.Lists[name] = sliding.List{Wish: w, Ranges: ranges, Filters: l.Filters.wanted()}
	}
	for room, s := range b.Subscriptions {
		if s == nil {
			continue
		}
		w, err := s.wanted(user)
		if err != nil {
			return q, err
		}
		q.Rooms[room] = w
	}
	return q, nil
}

func (w *wish[S]) wanted(user id.UserID) (sliding.Wish, error) {
	s, err := w.RequiredState.wanted(user)
	return sliding.Wish{Timeline: w.TimelineLimit, State: s}, err
}

// ranges returns which part of the list is wanted; nil: all of it.
func (l *list[S]) ranges(form sliding.Form) ([]sliding.Range, error) {
	pairs := l.Ranges
	switch {
	case form == sliding.Unstable && (l.AllOf || pairs == nil) || form == sliding.V4 && l.Range == nil:
		return nil, nil
	case form == sliding.V4:
		pairs = [][]int{l.Range}
	}
	out := make([]sliding.Range, len(pairs))
	for i, p := range pairs {
		if len(p) != 2 {
			return nil, matrix.Errorf(matrix.BadJSON, "A range must be the numbers of the first and the last room.")
		}
		out[i] = sliding.Range{First: p[0], Last: p[1]}
	}
	return out, nil
}

func (f *filters) wanted() sliding.Filters {
	invited := f.IsInvited
	if invited == nil {
		invited = f.IsInvite
	}
	return sliding.Filters{
		IsDM: f.IsDM, IsEncrypted: f.IsEncrypted, IsInvited: invited, Types: types(f.RoomTypes), NotTypes: types(f.NotTypes),
		Tags: f.Tags, NotTags: f.NotTags, Spaces: f.Spaces,
	}
}

// types returns the types of rooms in list, "" for rooms without one.
func types(list []*string) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, typ := range list {
		if typ != nil {
			out[i] = *typ
		}
	}
	return out
}
