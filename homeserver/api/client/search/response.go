package search

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search"
	"plenum/rooms"
)

type response struct {
	Categories responseCategories `json:"search_categories"`
}

type responseCategories struct {
	RoomEvents *roomEvents `json:"room_events,omitempty"`
}

type roomEvents struct {
	Count      int                           `json:"count"`
	Highlights []string                      `json:"highlights"`
	Results    []result                      `json:"results"`
	State      map[id.RoomID]json.RawMessage `json:"state,omitempty"`
	Groups     map[string]map[string]*group  `json:"groups,omitempty"`
	Next       string                        `json:"next_batch,omitempty"`
}

type result struct {
	Rank    float64         `json:"rank"`
	Result  json.RawMessage `json:"result"`
	Context *around         `json:"context,omitempty"`
}

type around struct {
	Start    string                `json:"start"`
	End      string                `json:"end"`
	Before   json.RawMessage       `json:"events_before"`
	After    json.RawMessage       `json:"events_after"`
	Profiles map[id.UserID]profile `json:"profile_info,omitempty"`
}

type profile struct {
	Name   string `json:"displayname,omitempty"`
	Avatar string `json:"avatar_url,omitempty"`
}

// group are the results of one room or one sender.
type group struct {
	Order   int          `json:"order"` // of groups: as their first results
	Results []id.EventID `json:"results"`
	Next    string       `json:"next_batch,omitempty"`
}

// writer writes what was found for who asks.
type writer struct {
	rooms *rooms.Rooms
	enc   rooms.Encoding
}

func (w writer) roomEvents(ctx context.Context, found search.Answer, groupBy []string) (roomEvents, error) {
	out := roomEvents{Count: found.Count, Highlights: found.Words, Results: []result{}, Groups: groups(found, groupBy)}
	if out.Highlights == nil {
		out.Highlights = []string{}
	}
	if found.Next != nil {
		out.Next = found.Next.String()
	}
	for _, r := range found.Results {
		written, err := w.result(ctx, r)
		if err != nil {
			return roomEvents{}, err
		}
		out.Results = append(out.Results, written)
	}
	enc := w.enc
	enc.Bundle = false
	for room, st := range found.State {
		list, err := w.rooms.AppendEventList(ctx, nil, enc, st.Room, st.Events)
		if err != nil {
			return roomEvents{}, err
		}
		if out.State == nil {
			out.State = map[id.RoomID]json.RawMessage{}
		}
		out.State[room] = list
	}
	return out, nil
}

func (w writer) result(ctx context.Context, r search.Result) (out result, err error) {
	out.Rank = r.Rank
	if out.Result, err = w.rooms.AppendEvents(ctx, nil, w.enc, r.Room, []*rooms.Event{r.Event}); err != nil || r.Around == nil {
		return out, err
	}
	c := &around{Start: r.Around.Start.Page(), End: r.Around.End.Page()}
	if c.Before, err = w.rooms.AppendEventList(ctx, nil, w.enc, r.Room, r.Around.Before); err != nil {
		return out, err
	}
	if c.After, err = w.rooms.AppendEventList(ctx, nil, w.enc, r.Room, r.Around.After); err != nil {
		return out, err
	}
	if r.Around.Profiles != nil {
		c.Profiles = map[id.UserID]profile{}
		for user, p := range r.Around.Profiles {
			c.Profiles[user] = profile(p)
		}
	}
	out.Context = c
	return out, nil
}

// groups puts the results of a page into groups.
//
// Spec: client-server-api#groups
func groups(found search.Answer, groupBy []string) map[string]map[string]*group {
	if len(groupBy) == 0 {
		return nil
	}
	out := map[string]map[string]*group{}
	for _, by := range groupBy {
		out[by] = map[string]*group{}
		for _, r := range found.Results {
			name := string(r.Event.Room)
			if by == bySender {
				name = string(r.Event.Sender)
			}
			g := out[by][name]
			if g == nil {
				g = &group{Order: len(out[by]), Next: nextOf(found.Next, by, r.Event)}
				out[by][name] = g
			}
			g.Results = append(g.Results, r.Event.ID)
		}
	}
	return out
}

// nextOf is the token for more results of the group that e is in, "" when there
// are none.
func nextOf(next *search.Token, by string, e *rooms.Event) string {
	switch {
	case next == nil:
		return ""
	case by == byRoom:
		return next.InRoom(e.Room).String()
	}
	return next.From(e.Sender).String()
}
