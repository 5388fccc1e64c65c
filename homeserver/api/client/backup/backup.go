// Package backup is the client-server API of key backups.
package backup

import (
	"context"
	"encoding/json"
	"strconv"

	"plenum/e2ee/backup"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

const (
	path = "/_matrix/client/v3/room_keys"
	spec = "client-server-api#"

	// bodyLimit is for clients that upload every key they have.
	bodyLimit = 16 << 20
)

// API serves key backups.
type API struct {
	backups *backup.Backups
}

// New returns the API over b.
func New(b *backup.Backups) *API { return &API{backups: b} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	const (
		version = path + "/version/{version}"
		all     = path + "/keys"
		room    = path + "/keys/{roomId}"
		session = path + "/keys/{roomId}/{sessionId}"
	)
	routes := []httpx.Route{
		httpx.Post(path+"/version", httpx.User, spec+"post_matrixclientv3room_keysversion", httpx.RateDefault, a.create),
		httpx.Get(path+"/version", httpx.User, spec+"get_matrixclientv3room_keysversion", httpx.RateDefault, a.version),
		httpx.Get(version, httpx.User, spec+"get_matrixclientv3room_keysversionversion", httpx.RateDefault, a.version),
		httpx.Put(version, httpx.User, spec+"put_matrixclientv3room_keysversionversion", httpx.RateDefault, a.update),
		httpx.Delete(version, httpx.User, spec+"delete_matrixclientv3room_keysversionversion", httpx.RateDefault, a.delete),

		httpx.Put(all, httpx.User, spec+"put_matrixclientv3room_keyskeys", httpx.RateDefault, a.putAll).Limit(bodyLimit),
		httpx.Put(room, httpx.User, spec+"put_matrixclientv3room_keyskeysroomid", httpx.RateDefault, a.putRoom).Limit(bodyLimit),
		httpx.Put(session, httpx.User, spec+"put_matrixclientv3room_keyskeysroomidsessionid", httpx.RateDefault, a.putSession),
		httpx.Get(all, httpx.User, spec+"get_matrixclientv3room_keyskeys", httpx.RateDefault, a.getAll),
		httpx.Get(room, httpx.User, spec+"get_matrixclientv3room_keyskeysroomid", httpx.RateDefault, a.getRoom),
		httpx.Get(session, httpx.User, spec+"get_matrixclientv3room_keyskeysroomidsessionid", httpx.RateDefault, a.getSession),
	}
	for pattern, section := range map[string]string{all: "", room: "roomid", session: "roomidsessionid"} {
		routes = append(routes, httpx.Delete(pattern, httpx.User, spec+"delete_matrixclientv3room_keyskeys"+section, httpx.RateDefault, a.deleteKeys))
	}
	return routes
}

type versionRequest struct {
	Algorithm string          `json:"algorithm"`
	AuthData  json.RawMessage `json:"auth_data"`
	Version   string          `json:"version"`
}

type createResponse struct {
	Version string `json:"version"`
}

// create is POST /room_keys/version.
func (a *API) create(ctx context.Context, r *httpx.Request[versionRequest]) (createResponse, error) {
	version, err := a.backups.Create(ctx, r.Principal.User, r.Body.Algorithm, r.Body.AuthData)
	return createResponse{text(version)}, err
}

func text(version matrix.Position) string { return strconv.FormatInt(int64(version), 10) }

type versionResponse struct {
	Algorithm string          `json:"algorithm"`
	AuthData  json.RawMessage `json:"auth_data"`
	Count     int64           `json:"count"`
	ETag      string          `json:"etag"`
	Version   string          `json:"version"`
}

// version is GET /room_keys/version and GET /room_keys/version/{version}.
func (a *API) version(ctx context.Context, r *httpx.Request[httpx.None]) (versionResponse, error) {
	var wanted matrix.Position
	if s := r.Path("version"); s != "" {
		var err error
		if wanted, err = backup.ParseVersion(s); err != nil {
			return versionResponse{}, err
		}
	}
	v, err := a.backups.Version(ctx, r.Principal.User, wanted)
	return versionResponse{v.Algorithm, v.AuthData, v.Count, strconv.FormatInt(v.ETag, 10), text(v.Version)}, err
}

// update is PUT /room_keys/version/{version}.
func (a *API) update(ctx context.Context, r *httpx.Request[versionRequest]) (httpx.None, error) {
	version, err := backup.ParseVersion(r.Path("version"))
	if err != nil {
		return httpx.None{}, err
	}
	if r.Body.Version != "" && r.Body.Version != r.Path("version") {
		return httpx.None{}, matrix.Errorf(matrix.InvalidParam, "The body and the path name different versions.")
	}
	return httpx.None{}, a.backups.Update(ctx, r.Principal.User, version, r.Body.Algorithm, r.Body.AuthData)
}

// delete is DELETE /room_keys/version/{version}.
func (a *API) delete(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	version, err := backup.ParseVersion(r.Path("version"))
	if err != nil {
		return httpx.None{}, err
	}
	return httpx.None{}, a.backups.Delete(ctx, r.Principal.User, version)
}

// sessionJSON is the key of a session as clients send and get it.
func sessionJSON(s backup.Session) sessionResponse {
	return sessionResponse{s.FirstIndex, s.Forwarded, s.Verified, s.Data}
}

type sessionResponse struct {
	FirstIndex int64           `json:"first_message_index"`
	Forwarded  int64           `json:"forwarded_count"`
	Verified   bool            `json:"is_verified"`
	Data       json.RawMessage `json:"session_data"`
}
