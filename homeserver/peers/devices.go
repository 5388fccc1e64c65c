package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"maunium.net/go/mautrix/id"
)

// deviceBytes is how many bytes an answer about people's devices may have.
const deviceBytes = 32 << 20

// UserDevices is the list of a user's devices.
type UserDevices struct {
	User        id.UserID       `json:"user_id"`
	Stream      int64           `json:"stream_id"`
	Devices     []Device        `json:"devices"`
	Master      json.RawMessage `json:"master_key"`       // nil: none
	SelfSigning json.RawMessage `json:"self_signing_key"` // nil: none
}

// Device is one device of a user.
type Device struct {
	ID   id.DeviceID     `json:"device_id"`
	Name string          `json:"device_display_name"`
	Keys json.RawMessage `json:"keys"`
}

// UserDevices returns the devices of a user of another server.
//
// Spec: server-server-api#get_matrixfederationv1userdevicesuserid
func (c *Client) UserDevices(ctx context.Context, user id.UserID) (a UserDevices, err error) {
	k := call{server: serverOf(string(user)), path: path(v1+"/user/devices", string(user)), limit: deviceBytes}
	err = c.ask(ctx, k, &a)
	if err == nil && a.User != user {
		err = fmt.Errorf("devices of %s: %w: they are of %q", user, ErrAnswer, a.User)
	}
	return a, err
}

// DeviceKeys are keys of devices and of users.
type DeviceKeys struct {
	Devices     map[id.UserID]map[id.DeviceID]json.RawMessage `json:"device_keys"`
	Master      map[id.UserID]json.RawMessage                 `json:"master_keys"`
	SelfSigning map[id.UserID]json.RawMessage                 `json:"self_signing_keys"`
}

// QueryKeys returns the keys of users of another server: of the devices named,
// or of all when a list is empty.
//
// Spec: server-server-api#post_matrixfederationv1userkeysquery
func (c *Client) QueryKeys(ctx context.Context, server string, users map[id.UserID][]id.DeviceID) (a DeviceKeys, err error) {
	wanted := make(map[id.UserID][]id.DeviceID, len(users))
	for user, devices := range users {
		if wanted[user] = devices; devices == nil {
			wanted[user] = []id.DeviceID{}
		}
	}
	err = c.ask(ctx, call{
		server: server, method: http.MethodPost, path: v1 + "/user/keys/query", eager: true, limit: deviceBytes, body: map[string]any{"device_keys": wanted},
	}, &a)
	// A server speaks for its own users only.
	for user := range a.Devices {
		if _, ok := users[user]; !ok {
			delete(a.Devices, user)
		}
	}
	for _, keys := range []map[id.UserID]json.RawMessage{a.Master, a.SelfSigning} {
		for user := range keys {
			if _, ok := users[user]; !ok {
				delete(keys, user)
			}
		}
	}
	return a, err
}

// OneTimeKeys are keys by user, device, and their own id.
type OneTimeKeys map[id.UserID]map[id.DeviceID]map[string]json.RawMessage

// ClaimKeys takes one-time keys of devices of another server; wanted says of
// which algorithm.
//
// Spec: server-server-api#post_matrixfederationv1userkeysclaim
func (c *Client) ClaimKeys(ctx context.Context, server string, wanted map[id.UserID]map[id.DeviceID]string) (OneTimeKeys, error) {
	var a struct {
		Keys OneTimeKeys `json:"one_time_keys"`
	}
	err := c.ask(ctx, call{
		server: server, method: http.MethodPost, path: v1 + "/user/keys/claim", eager: true, limit: deviceBytes, body: map[string]any{"one_time_keys": wanted},
	}, &a)
	for user, devices := range a.Keys {
		for device := range devices {
			if _, ok := wanted[user][device]; !ok {
				delete(devices, device)
			}
		}
		if len(devices) == 0 {
			delete(a.Keys, user)
		}
	}
	return a.Keys, err
}
