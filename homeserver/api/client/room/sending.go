package room

import (
	"context"
	"encoding/json"
	"strconv"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

func (a *API) sendingRoutes() []httpx.Route {
	const room = v3 + "/rooms/{roomId}"
	return []httpx.Route{
		httpx.Post(v3+"/createRoom", httpx.UserNotSuspended, spec+"post_matrixclientv3createroom", httpx.RateInvite, a.create),
		httpx.Put(room+"/send/{eventType}/{txnId}", httpx.UserNotSuspended, spec+"put_matrixclientv3roomsroomidsendeventtypetxnid", httpx.RateMessage, a.send).OrEmpty(),
		httpx.Put(room+"/state/{eventType}/{stateKey?}", httpx.UserNotSuspended, spec+"put_matrixclientv3roomsroomidstateeventtypestatekey", httpx.RateMessage, a.setState),
		httpx.Post(room+"/upgrade", httpx.UserNotSuspended, spec+"post_matrixclientv3roomsroomidupgrade", httpx.RateInvite, a.upgrade),
	}
}

// eventResponse names the event that was sent, or what was scheduled instead.
type eventResponse struct {
	Event   id.EventID `json:"event_id,omitempty"`
	DelayID string     `json:"delay_id,omitempty"`
}

// create is POST /createRoom.
func (a *API) create(ctx context.Context, r *httpx.Request[rooms.CreateRequest]) (roomResponse, error) {
	room, err := a.rooms.Create(ctx, r.Principal, r.Body)
	return roomResponse{room}, err
}

// send is PUT /rooms/{roomId}/send/{eventType}/{txnId}.
func (a *API) send(ctx context.Context, r *httpx.Request[json.RawMessage]) (eventResponse, error) {
	d, err := draft(r, r.Body)
	if err != nil {
		return eventResponse{}, err
	}
	d.Txn = r.Path("txnId")
	return a.sendOrSchedule(ctx, r, d)
}

// setState is PUT /rooms/{roomId}/state/{eventType}[/{stateKey}].
func (a *API) setState(ctx context.Context, r *httpx.Request[json.RawMessage]) (eventResponse, error) {
	d, err := draft(r, r.Body)
	if err != nil {
		return eventResponse{}, err
	}
	key := r.Path("stateKey")
	d.StateKey = &key
	return a.sendOrSchedule(ctx, r, d)
}

// draft is what a request asks to send. An application service may say when.
//
// Spec: application-service-api#timestamp-massaging
func draft[T any](r *httpx.Request[T], content json.RawMessage) (rooms.Draft, error) {
	d := rooms.Draft{Room: id.RoomID(r.Path("roomId")), Type: r.Path("eventType"), Content: content}
	if ts := r.Query("ts"); ts != "" && r.Principal.Appservice != "" {
		n, err := strconv.ParseInt(ts, 10, 64)
		if err != nil || n < 0 {
			return d, matrix.Errorf(matrix.InvalidParam, "ts is a time in milliseconds.")
		}
		d.TS = n
	}
	var err error
	d.Sticky, err = sticky(r)
	return d, err
}

type upgradeRequest struct {
	NewVersion string      `json:"new_version"`
	Creators   []id.UserID `json:"additional_creators"`
}

type upgradeResponse struct {
	Replacement id.RoomID `json:"replacement_room"`
}

// upgrade is POST /rooms/{roomId}/upgrade.
func (a *API) upgrade(ctx context.Context, r *httpx.Request[upgradeRequest]) (upgradeResponse, error) {
	if r.Body.NewVersion == "" {
		return upgradeResponse{}, matrix.Errorf(matrix.MissingParam, "new_version is missing.")
	}
	next, err := a.rooms.Upgrade(ctx, r.Principal, id.RoomID(r.Path("roomId")), r.Body.NewVersion, r.Body.Creators)
	return upgradeResponse{next}, err
}
