package directory

import (
	"context"
	"encoding/json"

	"plenum/homeserver/peers"
	"plenum/internal/matrix"
)

// isElsewhere reports whether the directory of another server is asked for.
func (a *API) isElsewhere(server string) bool { return server != "" && server != a.rooms.ServerName() }

// searchElsewhere passes a search on to another server.
func (a *API) searchElsewhere(ctx context.Context, server string, b searchRequest) (publicResponse, error) {
	q := peers.PublicRoomsQuery{Since: b.Since, Instance: b.Network, AllInstances: b.AllNetworks}
	if b.Limit != nil {
		q.Limit = max(*b.Limit, 0)
	}
	if b.Filter.Term != "" || len(b.Filter.Types) > 0 {
		filter := map[string]any{}
		if b.Filter.Term != "" {
			filter["generic_search_term"] = b.Filter.Term
		}
		if len(b.Filter.Types) > 0 {
			filter["room_types"] = b.Filter.Types
		}
		var err error
		if q.Filter, err = json.Marshal(filter); err != nil {
			return publicResponse{}, err
		}
	}
	return a.pageOf(ctx, server, q)
}

// pageOf is a page of the directory of another server. Rooms in it that are
// not well formed are left out.
func (a *API) pageOf(ctx context.Context, server string, q peers.PublicRoomsQuery) (publicResponse, error) {
	if a.others == nil {
		return publicResponse{}, matrix.Errorf(matrix.Forbidden, "This server does not speak to others.")
	}
	page, err := a.others.PublicRooms(ctx, server, q)
	if err != nil {
		return publicResponse{}, peers.NotFound(err)
	}
	out := publicResponse{Chunk: make([]publicRoom, 0, len(page.Chunk)), Next: page.Next, Prev: page.Prev, Total: len(page.Chunk)}
	if page.Total != nil {
		out.Total = int(*page.Total)
	}
	for _, raw := range page.Chunk {
		var room publicRoom
		if json.Unmarshal(raw, &room) == nil && room.Room != "" {
			out.Chunk = append(out.Chunk, room)
		}
	}
	return out, nil
}
