package server

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/rooms"
)

// summary is a room as directories and spaces show it.
type summary struct {
	Room          id.RoomID    `json:"room_id"`
	Name          string       `json:"name,omitempty"`
	Topic         string       `json:"topic,omitempty"`
	Avatar        string       `json:"avatar_url,omitempty"`
	Alias         id.RoomAlias `json:"canonical_alias,omitempty"`
	JoinRule      string       `json:"join_rule"`
	Allowed       []id.RoomID  `json:"allowed_room_ids,omitempty"`
	Type          string       `json:"room_type,omitempty"`
	Version       string       `json:"room_version,omitempty"`
	Encryption    string       `json:"encryption,omitempty"`
	Joined        int          `json:"num_joined_members"`
	GuestCanJoin  bool         `json:"guest_can_join"`
	WorldReadable bool         `json:"world_readable"`
}

func summaryOf(s rooms.Summary) summary {
	return summary{
		Room: s.Room, Name: s.Name, Topic: s.Topic, Avatar: s.Avatar, Alias: s.Alias, JoinRule: s.JoinRule, Allowed: s.Allowed,
		Type: s.Type, Version: s.Version, Encryption: s.Encryption, Joined: s.Joined, GuestCanJoin: s.GuestCanJoin, WorldReadable: s.WorldReadable,
	}
}

type publicResponse struct {
	Chunk []summary `json:"chunk"`
	Next  string    `json:"next_batch,omitempty"`
	Prev  string    `json:"prev_batch,omitempty"`
	Total int       `json:"total_room_count_estimate"`
}

// publicRooms is GET /publicRooms.
func (a *API) publicRooms(ctx context.Context, r *httpx.Request[httpx.None]) (publicResponse, error) {
	limit, err := r.QueryInt("limit", 0)
	if err != nil {
		return publicResponse{}, err
	}
	return a.page(ctx, rooms.DirectoryQuery{Limit: max(limit, 0), Since: r.Query("since")})
}

type searchRequest struct {
	Limit  int    `json:"limit"`
	Since  string `json:"since"`
	Filter struct {
		Term  string    `json:"generic_search_term"`
		Types []*string `json:"room_types"` // null: rooms without a type
	} `json:"filter"`
}

// searchRooms is POST /publicRooms.
func (a *API) searchRooms(ctx context.Context, r *httpx.Request[searchRequest]) (publicResponse, error) {
	q := rooms.DirectoryQuery{Limit: max(r.Body.Limit, 0), Since: r.Body.Since, Search: r.Body.Filter.Term}
	for _, t := range r.Body.Filter.Types {
		if t == nil {
			t = new(string)
		}
		q.Types = append(q.Types, *t)
	}
	return a.page(ctx, q)
}

func (a *API) page(ctx context.Context, q rooms.DirectoryQuery) (publicResponse, error) {
	page, err := a.rooms.ServePublicRooms(ctx, q)
	if err != nil {
		return publicResponse{}, err
	}
	out := publicResponse{Chunk: make([]summary, len(page.Rooms)), Next: page.Next, Prev: page.Prev, Total: page.Total}
	for i, s := range page.Rooms {
		out.Chunk[i] = summaryOf(s)
	}
	return out, nil
}

type spaceResponse struct {
	Room         spaceRoom   `json:"room"`
	Children     []summary   `json:"children"`
	Inaccessible []id.RoomID `json:"inaccessible_children"`
}

type spaceRoom struct {
	summary
	Children []json.RawMessage `json:"children_state"`
}

// hierarchy is GET /hierarchy/{roomId}.
func (a *API) hierarchy(ctx context.Context, r *httpx.Request[httpx.None]) (spaceResponse, error) {
	suggested, err := r.QueryBool("suggested_only")
	if err != nil {
		return spaceResponse{}, err
	}
	s, err := a.rooms.ServeHierarchy(ctx, r.Origin, id.RoomID(r.Path("roomId")), suggested)
	if err != nil {
		return spaceResponse{}, err
	}
	out := spaceResponse{Room: spaceRoom{summaryOf(s.Room.Summary), s.Room.Children}, Children: make([]summary, len(s.Children)), Inaccessible: s.Inaccessible}
	for i, c := range s.Children {
		out.Children[i] = summaryOf(c)
	}
	return out, nil
}
