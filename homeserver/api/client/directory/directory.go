// Package directory is the client-server API of the directories: aliases of
// rooms, the list of public rooms, and people.
package directory

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account"
	"plenum/homeserver/peers"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

const (
	v3   = "/_matrix/client/v3"
	spec = "client-server-api#"
)

// API serves the directory.
type API struct {
	rooms    *rooms.Rooms
	people   *account.Accounts
	networks Networks
	others   Elsewhere
}

// Elsewhere are the directories of other servers. peers.Client knows them.
type Elsewhere interface {
	PublicRooms(ctx context.Context, server string, q peers.PublicRoomsQuery) (peers.PublicRooms, error)
}

// Networks are the directories of foreign networks, which bridges fill.
type Networks interface {
	// RoomsOf returns the rooms of a network; of all when it is empty.
	RoomsOf(ctx context.Context, network string) ([]id.RoomID, error)
}

// New returns the API over r, the people who have an account, the rooms of
// foreign networks, and the directories of other servers, which may be nil.
func New(r *rooms.Rooms, people *account.Accounts, n Networks, others Elsewhere) *API {
	return &API{rooms: r, people: people, networks: n, others: others}
}

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	const (
		alias = v3 + "/directory/room/{roomAlias}"
		list  = v3 + "/directory/list/room/{roomId}"
	)
	return []httpx.Route{
		httpx.Get(alias, httpx.Anyone, spec+"get_matrixclientv3directoryroomroomalias", httpx.RateDefault, a.alias),
		httpx.Put(alias, httpx.User, spec+"put_matrixclientv3directoryroomroomalias", httpx.RateDefault, a.addAlias),
		httpx.Delete(alias, httpx.User, spec+"delete_matrixclientv3directoryroomroomalias", httpx.RateDefault, a.deleteAlias),
		httpx.Get(list, httpx.Anyone, spec+"get_matrixclientv3directorylistroomroomid", httpx.RateDefault, a.visibility),
		httpx.Put(list, httpx.User, spec+"put_matrixclientv3directorylistroomroomid", httpx.RateDefault, a.setVisibility),
		httpx.Get(v3+"/publicRooms", httpx.User, spec+"get_matrixclientv3publicrooms", httpx.RateSearch, a.publicRooms),
		httpx.Post(v3+"/publicRooms", httpx.User, spec+"post_matrixclientv3publicrooms", httpx.RateSearch, a.searchRooms),
		httpx.Post(v3+"/user_directory/search", httpx.User, spec+"post_matrixclientv3user_directorysearch", httpx.RateSearch, a.searchPeople),
		httpx.Get("/_matrix/client/v1/mutual_rooms", httpx.User, spec+"get_matrixclientv1mutual_rooms", httpx.RateSearch, a.mutualRooms).
			Also("/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms"),
	}
}

type aliasResponse struct {
	Room    id.RoomID `json:"room_id"`
	Servers []string  `json:"servers"`
}

// alias is GET /directory/room/{roomAlias}.
func (a *API) alias(ctx context.Context, r *httpx.Request[httpx.None]) (aliasResponse, error) {
	room, servers, err := a.rooms.Locate(ctx, id.RoomAlias(r.Path("roomAlias")))
	return aliasResponse{room, servers}, err
}

type aliasRequest struct {
	Room id.RoomID `json:"room_id"`
}

// addAlias is PUT /directory/room/{roomAlias}.
func (a *API) addAlias(ctx context.Context, r *httpx.Request[aliasRequest]) (httpx.None, error) {
	if r.Body.Room == "" {
		return httpx.None{}, matrix.Errorf(matrix.MissingParam, "room_id is missing.")
	}
	return httpx.None{}, a.rooms.AddAlias(ctx, r.Principal, id.RoomAlias(r.Path("roomAlias")), r.Body.Room)
}

// deleteAlias is DELETE /directory/room/{roomAlias}.
func (a *API) deleteAlias(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	return httpx.None{}, a.rooms.DeleteAlias(ctx, r.Principal, id.RoomAlias(r.Path("roomAlias")))
}

type visibility struct {
	Visibility string `json:"visibility"`
}

// visibility is GET /directory/list/room/{roomId}.
func (a *API) visibility(ctx context.Context, r *httpx.Request[httpx.None]) (visibility, error) {
	rm, err := a.rooms.Room(ctx, id.RoomID(r.Path("roomId")))
	if err != nil {
		return visibility{}, err
	}
	if rm.IsPublic() {
		return visibility{"public"}, nil
	}
	return visibility{"private"}, nil
}

// setVisibility is PUT /directory/list/room/{roomId}.
func (a *API) setVisibility(ctx context.Context, r *httpx.Request[visibility]) (httpx.None, error) {
	public := true
	switch r.Body.Visibility {
	case "public", "":
	case "private":
		public = false
	default:
		return httpx.None{}, matrix.Errorf(matrix.InvalidParam, "The visibility of a room is public or private.")
	}
	return httpx.None{}, a.rooms.SetPublic(ctx, r.Principal, id.RoomID(r.Path("roomId")), public)
}
