package directory

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// searchRequest asks for a page of the public rooms.
type searchRequest struct {
	Limit  *int   `json:"limit"`
	Since  string `json:"since"`
	Filter struct {
		Term  string    `json:"generic_search_term"`
		Types []*string `json:"room_types"` // null: rooms without a type
	} `json:"filter"`
	Network string `json:"third_party_instance_id"`
}

type publicResponse struct {
	Chunk []publicRoom `json:"chunk"`
	Next  string       `json:"next_batch,omitempty"`
	Prev  string       `json:"prev_batch,omitempty"`
	Total int          `json:"total_room_count_estimate"`
}

// publicRoom is a room as the directory shows it.
type publicRoom struct {
	Room          id.RoomID    `json:"room_id"`
	Name          string       `json:"name,omitempty"`
	Topic         string       `json:"topic,omitempty"`
	Avatar        string       `json:"avatar_url,omitempty"`
	Alias         id.RoomAlias `json:"canonical_alias,omitempty"`
	JoinRule      string       `json:"join_rule,omitempty"`
	Type          string       `json:"room_type,omitempty"`
	Joined        int          `json:"num_joined_members"`
	GuestCanJoin  bool         `json:"guest_can_join"`
	WorldReadable bool         `json:"world_readable"`
}

// publicRooms is GET /publicRooms.
func (a *API) publicRooms(ctx context.Context, r *httpx.Request[httpx.None]) (publicResponse, error) {
	limit, err := r.QueryInt("limit", 0)
	if err != nil {
		return publicResponse{}, err
	}
	return a.page(ctx, r.Query("server"), rooms.DirectoryQuery{Limit: max(limit, 0), Since: r.Query("since")})
}

// searchRooms is POST /publicRooms.
func (a *API) searchRooms(ctx context.Context, r *httpx.Request[searchRequest]) (publicResponse, error) {
	q := rooms.DirectoryQuery{Since: r.Body.Since, Search: r.Body.Filter.Term}
	if r.Body.Limit != nil {
		q.Limit = max(*r.Body.Limit, 0)
	}
	for _, t := range r.Body.Filter.Types {
		if t == nil {
			t = new(string)
		}
		q.Types = append(q.Types, *t)
	}
	if r.Body.Network != "" { // a network that is bridged, and none is
		return publicResponse{Chunk: []publicRoom{}}, nil
	}
	return a.page(ctx, r.Query("server"), q)
}

func (a *API) page(ctx context.Context, server string, q rooms.DirectoryQuery) (publicResponse, error) {
	if server != "" && server != a.rooms.ServerName() {
		return publicResponse{}, matrix.Errorf(matrix.Unknown, "This server does not talk to %s.", server)
	}
	page, err := a.rooms.Directory(ctx, q)
	if err != nil {
		return publicResponse{}, err
	}
	out := publicResponse{Chunk: make([]publicRoom, len(page.Rooms)), Next: page.Next, Prev: page.Prev, Total: page.Total}
	for i, s := range page.Rooms {
		out.Chunk[i] = publicRoom{
			Room: s.Room, Name: s.Name, Topic: s.Topic, Avatar: s.Avatar, Alias: s.Alias, JoinRule: s.JoinRule, Type: s.Type,
			Joined: s.Joined, GuestCanJoin: s.GuestCanJoin, WorldReadable: s.WorldReadable,
		}
	}
	return out, nil
}
