package directory

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/peers"
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
	Network     string `json:"third_party_instance_id"`
	AllNetworks bool   `json:"include_all_networks"`
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
	if server := r.Query("server"); a.isElsewhere(server) {
		return a.pageOf(ctx, server, peers.PublicRoomsQuery{Limit: max(limit, 0), Since: r.Query("since")})
	}
	return a.page(ctx, rooms.DirectoryQuery{Limit: max(limit, 0), Since: r.Query("since")})
}

// searchRooms is POST /publicRooms.
func (a *API) searchRooms(ctx context.Context, r *httpx.Request[searchRequest]) (publicResponse, error) {
	if server := r.Query("server"); a.isElsewhere(server) {
		return a.searchElsewhere(ctx, server, r.Body)
	}
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
	if err := a.addNetworks(ctx, r.Body, &q); err != nil {
		return publicResponse{}, err
	}
	return a.page(ctx, q)
}

// addNetworks lets q look through the directories of foreign networks as well,
// or of one of them only.
func (a *API) addNetworks(ctx context.Context, b searchRequest, q *rooms.DirectoryQuery) error {
	if b.Network == "" && !b.AllNetworks {
		return nil
	}
	if b.Network != "" && b.AllNetworks {
		return matrix.Errorf(matrix.InvalidParam, "third_party_instance_id is of one network; include_all_networks of all.")
	}
	list, err := a.networks.RoomsOf(ctx, b.Network)
	switch {
	case b.AllNetworks:
		q.Also = list
	case list == nil:
		q.Only = []id.RoomID{} // none, which is not to say all
	default:
		q.Only = list
	}
	return err
}

func (a *API) page(ctx context.Context, q rooms.DirectoryQuery) (publicResponse, error) {
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
