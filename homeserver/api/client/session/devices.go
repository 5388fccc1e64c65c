package session

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

type device struct {
	ID         id.DeviceID `json:"device_id"`
	Name       string      `json:"display_name,omitempty"`
	LastSeenMS *int64      `json:"last_seen_ts,omitempty"`
	Client     string      `json:"-"`
}

type devicesResponse struct {
	Devices []device `json:"devices"`
}

// devices is GET /devices.
func (a *API) devices(ctx context.Context, r *httpx.Request[httpx.None]) (devicesResponse, error) {
	all, err := a.accounts.Devices(ctx, r.Principal)
	resp := devicesResponse{make([]device, len(all))}
	for i, d := range all {
		resp.Devices[i] = device(d)
	}
	return resp, err
}

// device is GET /devices/{deviceId}.
func (a *API) device(ctx context.Context, r *httpx.Request[httpx.None]) (device, error) {
	d, err := a.accounts.Device(ctx, r.Principal, id.DeviceID(r.Path("deviceId")))
	return device(d), err
}

type renameRequest struct {
	Name *string `json:"display_name"`
}

// putDevice is PUT /devices/{deviceId}.
func (a *API) putDevice(ctx context.Context, r *httpx.Request[renameRequest]) (*httpx.Answer, error) {
	device := id.DeviceID(r.Path("deviceId"))
	switch {
	case r.Principal.Appservice != "":
		return a.putGhostDevice(ctx, r.Principal, account.NewDevice{ID: device, Name: stringOf(r.Body.Name)})
	case r.Body.Name == nil:
		_, err := a.accounts.Device(ctx, r.Principal, device)
		return &httpx.Answer{}, err
	}
	return &httpx.Answer{}, a.accounts.RenameDevice(ctx, r.Principal, device, *r.Body.Name)
}

func stringOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// deleteDevice is DELETE /devices/{deviceId}.
func (a *API) deleteDevice(ctx context.Context, r *httpx.Request[authRequest]) (httpx.None, error) {
	return httpx.None{}, a.accounts.DeleteDevices(ctx, r.Principal, []id.DeviceID{id.DeviceID(r.Path("deviceId"))}, r.Body.Auth)
}

type deleteDevicesRequest struct {
	Devices []id.DeviceID `json:"devices"`
	authRequest
}

// deleteDevices is POST /delete_devices.
func (a *API) deleteDevices(ctx context.Context, r *httpx.Request[deleteDevicesRequest]) (httpx.None, error) {
	if r.Body.Devices == nil {
		return httpx.None{}, matrix.Errorf(matrix.MissingParam, "The devices are missing.")
	}
	return httpx.None{}, a.accounts.DeleteDevices(ctx, r.Principal, r.Body.Devices, r.Body.Auth)
}
