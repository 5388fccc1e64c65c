package directory

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

const (
	defaultPeople = 10
	mostPeople    = 50
)

type searchPeopleRequest struct {
	Term  *string `json:"search_term"`
	Limit *int    `json:"limit"`
}

type searchPeopleResponse struct {
	Results []person `json:"results"`
	Limited bool     `json:"limited"`
}

type person struct {
	User   id.UserID `json:"user_id"`
	Name   string    `json:"display_name,omitempty"`
	Avatar string    `json:"avatar_url,omitempty"`
}

// searchPeople is POST /user_directory/search.
func (a *API) searchPeople(ctx context.Context, r *httpx.Request[searchPeopleRequest]) (searchPeopleResponse, error) {
	if r.Body.Term == nil {
		return searchPeopleResponse{}, matrix.Errorf(matrix.MissingParam, "search_term is missing.")
	}
	limit := defaultPeople
	if r.Body.Limit != nil {
		limit = min(max(*r.Body.Limit, 0), mostPeople)
	}
	found, more, err := a.people.Search(ctx, r.Principal, *r.Body.Term, limit)
	if err != nil {
		return searchPeopleResponse{}, err
	}
	out := searchPeopleResponse{Results: make([]person, len(found)), Limited: more}
	for i, f := range found {
		out.Results[i] = person{f.User, f.Name, f.Avatar}
	}
	return out, nil
}

type mutualRoomsResponse struct {
	Joined []id.RoomID `json:"joined"`
	Count  int         `json:"count"`
}

// mutualRooms is GET /mutual_rooms. All rooms fit on one page.
func (a *API) mutualRooms(ctx context.Context, r *httpx.Request[httpx.None]) (mutualRoomsResponse, error) {
	user := id.UserID(r.Query("user_id"))
	if _, _, err := user.Parse(); err != nil || user == r.Principal.User {
		return mutualRoomsResponse{}, matrix.Errorf(matrix.InvalidParam, "user_id is another user's id.")
	}
	if r.Query("from") != "" {
		return mutualRoomsResponse{}, matrix.Errorf(matrix.InvalidParam, "from is not a token of this server.")
	}
	joined, err := a.rooms.MutualRooms(ctx, r.Principal.User, user)
	return mutualRoomsResponse{joined, len(joined)}, err
}
