package keys

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/internal/httpx"
)

// dehydratedPath is where clients of the proposal find dehydrated devices; it
// is not part of the specification yet.
const dehydratedPath = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"

// DehydratedAPI serves dehydrated devices.
type DehydratedAPI struct{ devices *e2ee.Dehydrated }

// NewDehydrated returns the API over d.
func NewDehydrated(d *e2ee.Dehydrated) *DehydratedAPI { return &DehydratedAPI{d} }

// Routes lists the endpoints.
func (a *DehydratedAPI) Routes() []httpx.Route {
	return []httpx.Route{
		httpx.Put(dehydratedPath, httpx.User, "MSC3814", httpx.RateDefault, a.put),
		httpx.Get(dehydratedPath, httpx.User, "MSC3814", httpx.RateDefault, a.get),
		httpx.Delete(dehydratedPath, httpx.User, "MSC3814", httpx.RateDefault, a.delete),
		httpx.Get(dehydratedPath+"/{deviceId}/events", httpx.User, "MSC3814", httpx.RateDefault, a.events),
		httpx.Post(dehydratedPath+"/{deviceId}/events", httpx.User, "MSC3814", httpx.RateDefault, a.eventsByPost),
	}
}

type putDehydratedRequest struct {
	ID   id.DeviceID     `json:"device_id"`
	Name string          `json:"initial_device_display_name"`
	Data json.RawMessage `json:"device_data"`
	uploadRequest
}

type dehydratedResponse struct {
	ID   id.DeviceID     `json:"device_id"`
	Data json.RawMessage `json:"device_data,omitempty"`
}

// put is PUT /dehydrated_device.
func (a *DehydratedAPI) put(ctx context.Context, r *httpx.Request[putDehydratedRequest]) (dehydratedResponse, error) {
	b := &r.Body
	err := a.devices.Put(ctx, r.Principal.User, e2ee.Device{
		ID: b.ID, Name: b.Name, Data: b.Data,
		Keys: e2ee.Upload{Device: b.Device, OneTime: b.OneTime, Fallback: b.Fallback},
	})
	return dehydratedResponse{ID: b.ID}, err
}

// get is GET /dehydrated_device.
func (a *DehydratedAPI) get(ctx context.Context, r *httpx.Request[httpx.None]) (dehydratedResponse, error) {
	device, data, err := a.devices.Get(ctx, r.Principal.User)
	return dehydratedResponse{device, data}, err
}

// delete is DELETE /dehydrated_device.
func (a *DehydratedAPI) delete(ctx context.Context, r *httpx.Request[httpx.None]) (dehydratedResponse, error) {
	device, err := a.devices.Delete(ctx, r.Principal.User)
	return dehydratedResponse{ID: device}, err
}

type eventsResponse struct {
	Events []json.RawMessage `json:"events"`
	Next   string            `json:"next_batch,omitempty"`
}

// events is GET /dehydrated_device/{deviceId}/events. Clients go on for as long
// as there is a next_batch.
func (a *DehydratedAPI) events(ctx context.Context, r *httpx.Request[httpx.None]) (eventsResponse, error) {
	limit, err := r.QueryInt("limit", 100)
	if err != nil {
		return eventsResponse{}, err
	}
	resp, err := a.page(ctx, r.Principal.User, r.Path("deviceId"), r.Query("from"), limit)
	if len(resp.Events) == 0 {
		resp.Next = ""
	}
	return resp, err
}

type eventsRequest struct {
	Next string `json:"next_batch"`
}

// eventsByPost is POST /dehydrated_device/{deviceId}/events, as the proposal
// had it before. Clients go on until there are no events.
func (a *DehydratedAPI) eventsByPost(ctx context.Context, r *httpx.Request[eventsRequest]) (eventsResponse, error) {
	limit, err := r.QueryInt("limit", 100)
	if err != nil {
		return eventsResponse{}, err
	}
	return a.page(ctx, r.Principal.User, r.Path("deviceId"), r.Body.Next, limit)
}

func (a *DehydratedAPI) page(ctx context.Context, user id.UserID, device, from string, limit int) (eventsResponse, error) {
	events, next, err := a.devices.Events(ctx, user, id.DeviceID(device), from, limit)
	return eventsResponse{events, next}, err
}
