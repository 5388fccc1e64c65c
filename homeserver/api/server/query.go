package server

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/internal/servername"
	"plenum/rooms/event"
)

type aliasResponse struct {
	Room    id.RoomID `json:"room_id"`
	Servers []string  `json:"servers"`
}

// alias is GET /query/directory.
func (a *API) alias(ctx context.Context, r *httpx.Request[httpx.None]) (aliasResponse, error) {
	alias, err := required(r, "room_alias")
	if err != nil {
		return aliasResponse{}, err
	}
	room, servers, err := a.rooms.ServeAlias(ctx, id.RoomAlias(alias))
	return aliasResponse{room, servers}, err
}

// profile is GET /query/profile.
func (a *API) profile(ctx context.Context, r *httpx.Request[httpx.None]) (map[string]json.RawMessage, error) {
	user, err := required(r, "user_id")
	if err != nil {
		return nil, err
	}
	if !servername.Valid(event.ServerName(user)) {
		return nil, matrix.Errorf(matrix.InvalidParam, "%q is not a user id.", user)
	}
	all, err := a.accounts.ServeProfile(ctx, r.Origin, id.UserID(user))
	if err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	field := r.Query("field")
	for name, value := range all {
		if field == "" || field == name {
			out[name] = value
		}
	}
	return out, nil
}

// query is GET /query/{queryType}, for what nobody has defined.
func (a *API) query(context.Context, *httpx.Request[httpx.None]) (httpx.None, error) {
	return httpx.None{}, matrix.Errorf(matrix.NotFound, "There is no such query.")
}

type versionResponse struct {
	Server struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"server"`
}

// showVersion is GET /version.
func (a *API) showVersion(context.Context, *httpx.Request[httpx.None]) (out versionResponse, _ error) {
	out.Server.Name, out.Server.Version = "Plenum", a.version
	return out, nil
}

type userInfo struct {
	User id.UserID `json:"sub"`
}

// openIDUser is GET /openid/userinfo.
func (a *API) openIDUser(ctx context.Context, r *httpx.Request[httpx.None]) (userInfo, error) {
	if !r.HasQuery("access_token") {
		return userInfo{}, matrix.Errorf(matrix.MissingToken, "The query parameter access_token is missing.")
	}
	user, err := a.accounts.OpenIDUser(ctx, r.Query("access_token"))
	return userInfo{user}, err
}
