package inbound

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/homeserver/userdata"
)

// presence is m.presence.
//
// Spec: server-server-api#presence
func (h Hearers) presence(ctx context.Context, origin string, content json.RawMessage) error {
	p, err := decode[struct {
		Push []userdata.PresenceAbroad `json:"push"`
	}](content)
	if err != nil {
		return err
	}
	return allOf(p.Push, func(one userdata.PresenceAbroad) error {
		if !isOf(one.User, origin) {
			return errForeign
		}
		return h.Data.HearPresence(ctx, one)
	})
}

// message is m.direct_to_device.
//
// Spec: server-server-api#send-to-device-messaging
func (h Hearers) message(ctx context.Context, origin string, content json.RawMessage) error {
	m, err := decode[struct {
		Sender id.UserID `json:"sender"`
	}](content)
	if err != nil {
		return err
	}
	if !isOf(m.Sender, origin) {
		return errForeign
	}
	return h.ToDevice.Receive(ctx, content)
}

// deviceList is m.device_list_update.
//
// Spec: server-server-api#mdevice_list_update
func (h Hearers) deviceList(ctx context.Context, origin string, content json.RawMessage) error {
	u, err := decode[e2ee.ListUpdate](content)
	if err != nil {
		return err
	}
	if !isOf(u.User, origin) {
		return errForeign
	}
	return h.Keys.HearList(ctx, u)
}

// signingKeys is m.signing_key_update.
//
// Spec: server-server-api#msigning_key_update
func (h Hearers) signingKeys(ctx context.Context, origin string, content json.RawMessage) error {
	u, err := decode[e2ee.SigningUpdate](content)
	if err != nil {
		return err
	}
	if !isOf(u.User, origin) {
		return errForeign
	}
	return h.Keys.HearSigning(ctx, u)
}
