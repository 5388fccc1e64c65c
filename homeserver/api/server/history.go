package server

import (
	"context"
	"strconv"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// event is GET /event/{eventId}.
func (a *API) event(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	e, err := a.rooms.ServeEvent(ctx, r.Origin, id.EventID(r.Path("eventId")))
	if err != nil {
		return nil, err
	}
	return a.transaction([]rooms.Served{e}), nil
}

// backfill is GET /backfill/{roomId}.
func (a *API) backfill(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	limit, err := r.QueryInt("limit", 0)
	if err != nil {
		return nil, err
	}
	if !r.HasQuery("v") || !r.HasQuery("limit") {
		return nil, matrix.Errorf(matrix.MissingParam, "The query parameters v and limit are needed.")
	}
	events, err := a.rooms.ServeBackfill(ctx, r.Origin, id.RoomID(r.Path("roomId")), eventIDs(r.QueryAll("v")), limit)
	if err != nil {
		return nil, err
	}
	return a.transaction(events), nil
}

func eventIDs(list []string) []id.EventID {
	out := make([]id.EventID, len(list))
	for i, ev := range list {
		out[i] = id.EventID(ev)
	}
	return out
}

type missingRequest struct {
	Earliest []id.EventID `json:"earliest_events"`
	Latest   []id.EventID `json:"latest_events"`
	Limit    *int         `json:"limit"`
	MinDepth int64        `json:"min_depth"`
}

// defaultMissing is how many missing events are returned to those who do not
// say how many they want.
const defaultMissing = 10

// missing is POST /get_missing_events/{roomId}.
func (a *API) missing(ctx context.Context, r *httpx.Request[missingRequest]) (httpx.JSON, error) {
	q := rooms.MissingQuery{Earliest: r.Body.Earliest, Latest: r.Body.Latest, Limit: defaultMissing, MinDepth: r.Body.MinDepth}
	if r.Body.Limit != nil {
		q.Limit = *r.Body.Limit
	}
	events, err := a.rooms.ServeMissing(ctx, r.Origin, id.RoomID(r.Path("roomId")), q)
	if err != nil {
		return nil, err
	}
	out := newAnswer(events)
	out.events("events", events)
	return out.end(), nil
}

type eventAtResponse struct {
	ID id.EventID `json:"event_id"`
	TS int64      `json:"origin_server_ts"`
}

// eventAt is GET /timestamp_to_event/{roomId}.
func (a *API) eventAt(ctx context.Context, r *httpx.Request[httpx.None]) (eventAtResponse, error) {
	ts, err := strconv.ParseInt(r.Query("ts"), 10, 64)
	if err != nil {
		return eventAtResponse{}, matrix.Errorf(matrix.InvalidParam, "The query parameter ts must be a time in milliseconds.")
	}
	dir := r.Query("dir")
	if dir != "f" && dir != "b" {
		return eventAtResponse{}, matrix.Errorf(matrix.InvalidParam, "The query parameter dir must be f or b.")
	}
	ev, when, err := a.rooms.ServeEventAt(ctx, r.Origin, id.RoomID(r.Path("roomId")), ts, dir == "b")
	return eventAtResponse{ev, when}, err
}

type extremitiesResponse struct {
	Prev []id.EventID `json:"prev_events"`
}

// extremities is GET …/org.matrix.msc4370/extremities/{roomId}.
func (a *API) extremities(ctx context.Context, r *httpx.Request[httpx.None]) (extremitiesResponse, error) {
	heads, err := a.rooms.Extremities(ctx, r.Origin, id.RoomID(r.Path("roomId")))
	return extremitiesResponse{heads}, err
}

type complexityResponse struct {
	V1 float64 `json:"v1"`
}

// complexity is GET /rooms/{roomId}/complexity.
func (a *API) complexity(ctx context.Context, r *httpx.Request[httpx.None]) (complexityResponse, error) {
	v1, err := a.rooms.Complexity(ctx, r.Origin, id.RoomID(r.Path("roomId")))
	return complexityResponse{v1}, err
}
