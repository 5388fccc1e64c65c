package room

import (
	"context"
	"encoding/json"
	"strconv"

	"plenum/homeserver/delayed"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// laterRoutes is how events are scheduled. What is scheduled is managed by
// package api/client/delayed.
func (a *API) laterRoutes() []httpx.Route {
	const path = "/rooms/{roomId}/delayed_event/{eventType}/{txnId}"
	return []httpx.Route{
		httpx.Put(v3+path, httpx.UserNotSuspended, "MSC4140", httpx.RateMessage, a.schedule).
			Also("/_matrix/client/unstable/org.matrix.msc4140" + path),
	}
}

type scheduleRequest struct {
	Delay    *int64          `json:"delay_ms"`
	StateKey *string         `json:"state_key"`
	Content  json.RawMessage `json:"content"`
}

// schedule is PUT /rooms/{roomId}/delayed_event/{eventType}/{txnId}.
func (a *API) schedule(ctx context.Context, r *httpx.Request[scheduleRequest]) (eventResponse, error) {
	switch {
	case r.Body.Delay == nil:
		return eventResponse{}, matrix.Errorf(matrix.MissingParam, "delay_ms is missing.")
	case r.Body.Content == nil:
		return eventResponse{}, matrix.Errorf(matrix.MissingParam, "content is missing.")
	}
	d, err := draft(r, r.Body.Content)
	if err != nil {
		return eventResponse{}, err
	}
	d.StateKey, d.Txn = r.Body.StateKey, r.Path("txnId")
	return a.scheduled(ctx, r.Principal, d, *r.Body.Delay)
}

// sendOrSchedule sends d, or schedules it by the parameters that clients used
// before the proposal got an endpoint of its own.
func (a *API) sendOrSchedule(ctx context.Context, r *httpx.Request[json.RawMessage], d rooms.Draft) (eventResponse, error) {
	const name = "org.matrix.msc4140.delay"
	if r.HasQuery("org.matrix.msc4140.parent_delay_id") {
		return eventResponse{}, matrix.Errorf(matrix.InvalidParam, "Events cannot be scheduled relative to others.")
	}
	if r.HasQuery(name) {
		delay, err := strconv.ParseInt(r.Query(name), 10, 64)
		if err != nil {
			return eventResponse{}, matrix.Errorf(matrix.InvalidParam, "%s is a number of milliseconds.", name)
		}
		return a.scheduled(ctx, r.Principal, d, delay)
	}
	if d.Content == nil {
		return eventResponse{}, errEmpty()
	}
	ev, err := a.rooms.Send(ctx, r.Principal, d)
	return eventResponse{Event: ev}, err
}

// scheduled schedules d to be sent in a while. Without a body it may still be
// the same request again.
func (a *API) scheduled(ctx context.Context, p matrix.Principal, d rooms.Draft, delay int64) (eventResponse, error) {
	q := delayed.Request{
		Room: d.Room, Type: d.Type, StateKey: d.StateKey, Content: d.Content, Txn: d.Txn, TS: d.TS, Sticky: d.Sticky, Delay: delay,
	}
	if d.Content == nil {
		again, err := a.later.Again(ctx, p, q)
		if err == nil && again == "" {
			err = errEmpty()
		}
		return eventResponse{DelayID: again}, err
	}
	delayID, err := a.later.Schedule(ctx, p, q)
	return eventResponse{DelayID: delayID}, err
}

func errEmpty() error {
	return matrix.Errorf(matrix.NotJSON, "The body is empty; it must be a JSON object.")
}

// maxSticky is for how long an event may be sticky, in milliseconds.
const maxSticky = 60 * 60 * 1000

// sticky returns for how long, in milliseconds, the event that r asks to send is
// to be sticky; 0: it is like others.
//
// Spec: todo MSC4354, once it is in a release
func sticky[T any](r *httpx.Request[T]) (int64, error) {
	const name = "org.matrix.msc4354.sticky_duration_ms"
	ms, err := r.QueryInt(name, 0)
	if err == nil && (ms < 0 || ms > maxSticky) {
		err = matrix.Errorf(matrix.InvalidParam, "%s is a number of milliseconds up to %d.", name, maxSticky)
	}
	return int64(ms), err
}
