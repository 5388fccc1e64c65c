package backup

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee/backup"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// allRequest is every key of a backup, by room and session.
type allRequest struct {
	Rooms map[id.RoomID]roomRequest `json:"rooms"`
}

type roomRequest struct {
	Sessions map[id.SessionID]json.RawMessage `json:"sessions"`
}

type stateResponse struct {
	ETag  string `json:"etag"`
	Count int64  `json:"count"`
}

// putAll is PUT /room_keys/keys.
func (a *API) putAll(ctx context.Context, r *httpx.Request[allRequest]) (stateResponse, error) {
	var list []backup.Session
	for room, keys := range r.Body.Rooms {
		for session, raw := range keys.Sessions {
			s, err := backup.ParseSession(room, session, raw)
			if err != nil {
				return stateResponse{}, err
			}
			list = append(list, s)
		}
	}
	return a.put(ctx, r.Principal, r.Query("version"), list)
}

// putRoom is PUT /room_keys/keys/{roomId}.
func (a *API) putRoom(ctx context.Context, r *httpx.Request[roomRequest]) (stateResponse, error) {
	var list []backup.Session
	for session, raw := range r.Body.Sessions {
		s, err := backup.ParseSession(id.RoomID(r.Path("roomId")), session, raw)
		if err != nil {
			return stateResponse{}, err
		}
		list = append(list, s)
	}
	return a.put(ctx, r.Principal, r.Query("version"), list)
}

// putSession is PUT /room_keys/keys/{roomId}/{sessionId}.
func (a *API) putSession(ctx context.Context, r *httpx.Request[json.RawMessage]) (stateResponse, error) {
	s, err := backup.ParseSession(id.RoomID(r.Path("roomId")), id.SessionID(r.Path("sessionId")), r.Body)
	if err != nil {
		return stateResponse{}, err
	}
	return a.put(ctx, r.Principal, r.Query("version"), []backup.Session{s})
}

func (a *API) put(ctx context.Context, p matrix.Principal, version string, list []backup.Session) (stateResponse, error) {
	v, err := backup.ParseVersion(version)
	if err != nil {
		return stateResponse{}, err
	}
	state, err := a.backups.Put(ctx, p.User, v, list)
	return stateResponse(state), err
}

// sessions returns the keys that a request names.
func (a *API) sessions(ctx context.Context, r *httpx.Request[httpx.None]) ([]backup.Session, error) {
	version, err := backup.ParseVersion(r.Query("version"))
	if err != nil {
		return nil, err
	}
	return a.backups.Sessions(ctx, r.Principal.User, version, id.RoomID(r.Path("roomId")), id.SessionID(r.Path("sessionId")))
}

type roomResponse struct {
	Sessions map[id.SessionID]sessionResponse `json:"sessions"`
}

type allResponse struct {
	Rooms map[id.RoomID]roomResponse `json:"rooms"`
}

// getAll is GET /room_keys/keys.
func (a *API) getAll(ctx context.Context, r *httpx.Request[httpx.None]) (allResponse, error) {
	list, err := a.sessions(ctx, r)
	out := allResponse{map[id.RoomID]roomResponse{}}
	for _, s := range list {
		if _, ok := out.Rooms[s.Room]; !ok {
			out.Rooms[s.Room] = roomResponse{map[id.SessionID]sessionResponse{}}
		}
		out.Rooms[s.Room].Sessions[s.ID] = sessionJSON(s)
	}
	return out, err
}

// getRoom is GET /room_keys/keys/{roomId}.
func (a *API) getRoom(ctx context.Context, r *httpx.Request[httpx.None]) (roomResponse, error) {
	list, err := a.sessions(ctx, r)
	out := roomResponse{map[id.SessionID]sessionResponse{}}
	for _, s := range list {
		out.Sessions[s.ID] = sessionJSON(s)
	}
	return out, err
}

// getSession is GET /room_keys/keys/{roomId}/{sessionId}.
func (a *API) getSession(ctx context.Context, r *httpx.Request[httpx.None]) (sessionResponse, error) {
	list, err := a.sessions(ctx, r)
	if err != nil {
		return sessionResponse{}, err
	}
	if len(list) == 0 {
		return sessionResponse{}, matrix.Errorf(matrix.NotFound, "There is no key of this session.")
	}
	return sessionJSON(list[0]), nil
}

// deleteKeys is DELETE /room_keys/keys, …/{roomId} and …/{roomId}/{sessionId}.
func (a *API) deleteKeys(ctx context.Context, r *httpx.Request[httpx.None]) (stateResponse, error) {
	version, err := backup.ParseVersion(r.Query("version"))
	if err != nil {
		return stateResponse{}, err
	}
	state, err := a.backups.DeleteSessions(ctx, r.Principal.User, version, id.RoomID(r.Path("roomId")), id.SessionID(r.Path("sessionId")))
	return stateResponse(state), err
}
