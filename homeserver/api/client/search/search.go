// Package search is the client-server API for finding messages. What is found is
// decided by homeserver/search; here is how it travels.
package search

import (
	"context"

	"plenum/homeserver/search"
	"plenum/homeserver/userdata"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// API serves searches to clients.
type API struct {
	search   *search.Search
	rooms    *rooms.Rooms
	userdata *userdata.Data
}

// New returns the API over s. Whom a user ignores is known to d.
func New(s *search.Search, r *rooms.Rooms, d *userdata.Data) *API { return &API{s, r, d} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	return []httpx.Route{
		httpx.Post("/_matrix/client/v3/search", httpx.User, "client-server-api#post_matrixclientv3search", httpx.RateSearch, a.find),
	}
}

// find is POST /search.
func (a *API) find(ctx context.Context, r *httpx.Request[request]) (response, error) {
	if r.Body.Categories == nil {
		return response{}, matrix.Errorf(matrix.MissingParam, "search_categories is missing.")
	}
	asked := r.Body.Categories.RoomEvents
	if asked == nil {
		return response{}, nil
	}
	q, err := asked.query(r.Query("next_batch"))
	if err != nil {
		return response{}, err
	}
	enc := rooms.Encoding{Principal: r.Principal, RoomID: true, Bundle: true}
	ignored, err := a.userdata.Ignores(ctx, r.Principal.User)
	if err != nil {
		return response{}, err
	}
	if len(ignored) > 0 {
		q.Ignored, enc.Ignored = ignored.Has, ignored.Has
	}
	found, err := a.search.Search(ctx, r.Principal, q)
	if err != nil {
		return response{}, err
	}
	w := writer{a.rooms, enc}
	events, err := w.roomEvents(ctx, found, asked.Groupings.keys())
	return response{responseCategories{&events}}, err
}
