package hstest

import (
	"net/url"

	"maunium.net/go/mautrix/id"
)

// Service returns a client for an application service, with its as_token. It
// speaks for user, or for the service's own user when that is empty, and for a
// device of that user unless device is empty.
func (s *Server) Service(token string, user id.UserID, device id.DeviceID) *Client {
	c := s.Nobody()
	c.Token, c.User, c.Device, c.assert = token, user, device, url.Values{}
	if user != "" {
		c.assert.Set("user_id", string(user))
	}
	if device != "" {
		c.assert.Set("device_id", string(device))
	}
	return c
}
