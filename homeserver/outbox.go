package homeserver

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"maunium.net/go/mautrix/id"

	"plenum/config"
	"plenum/e2ee"
	"plenum/e2ee/todevice"
	"plenum/homeserver/peers"
	"plenum/homeserver/peers/outbox"
	"plenum/homeserver/userdata"
)

// openOutbox builds what sends to other servers what happens here. There is
// none for a server that speaks to no others.
func (p *parts) openOutbox(ctx context.Context, cfg config.Config, log *slog.Logger) (err error) {
	if p.peers == nil {
		return nil
	}
	p.outbox, err = outbox.New(ctx, p.db, p.rooms, p.keys, postman{p.peers}, outbox.Options{
		ServerName: cfg.ServerName,
		Typing:     cfg.Federation.Typing,
		Receipts:   cfg.Federation.Receipts,
		Presence:   cfg.Federation.Presence && cfg.Presence.Enabled,
		ListsTopic: e2ee.ListsTopic,
		AwakeTopic: peers.AnyAwakeTopic,
	}, log)
	return err
}

// abroad returns what hears of typing, receipts and presence, if anybody does.
func (p *parts) abroad() userdata.Abroad {
	if p.outbox == nil {
		return nil
	}
	return p.outbox
}

// mailbox returns what brings messages between devices to other servers, if
// anything does.
func (p *parts) mailbox() todevice.Outbox {
	if p.outbox == nil {
		return nil
	}
	return p.outbox
}

// postman is other servers as the outbox sees them.
type postman struct{ *peers.Client }

// Send says of an error what it means for what waits.
func (p postman) Send(ctx context.Context, server, txn string, body []byte) (map[id.EventID]string, error) {
	refused, err := p.Client.Send(ctx, server, txn, body)
	var theirs *peers.Error
	switch {
	case errors.Is(err, peers.ErrDenied):
		return nil, errors.Join(outbox.ErrDenied, err)
	case errors.As(err, &theirs):
		return nil, &outbox.Refusal{Status: theirs.Status, Err: err}
	}
	return refused, err
}

// keyPeers is other servers as keys see them.
type keyPeers struct{ *peers.Client }

// peersForKeys returns nil for a server that speaks to none.
func (p *parts) peersForKeys() e2ee.Peers {
	if p.peers == nil {
		return nil
	}
	return keyPeers{p.peers}
}

// UserDevices returns the devices of a user of another server.
func (k keyPeers) UserDevices(ctx context.Context, user id.UserID) (*e2ee.UserDevices, error) {
	a, err := k.Client.UserDevices(ctx, user)
	if err != nil {
		return nil, err
	}
	out := &e2ee.UserDevices{User: a.User, Stream: a.Stream, Master: a.Master, SelfSigning: a.SelfSigning}
	for _, d := range a.Devices {
		out.Devices = append(out.Devices, e2ee.ServedDevice{ID: d.ID, Name: d.Name, Keys: d.Keys})
	}
	return out, nil
}

// QueryKeys returns keys of users of another server.
func (k keyPeers) QueryKeys(ctx context.Context, server string, users map[id.UserID][]id.DeviceID) (*e2ee.ServedKeys, error) {
	a, err := k.Client.QueryKeys(ctx, server, users)
	return &e2ee.ServedKeys{Devices: a.Devices, Master: a.Master, SelfSigning: a.SelfSigning}, err
}

// ClaimKeys takes keys of users of another server.
func (k keyPeers) ClaimKeys(ctx context.Context, server string, claims e2ee.Claims) (e2ee.Claimed, error) {
	wanted := map[id.UserID]map[id.DeviceID]string{}
	for user, devices := range claims {
		wanted[user] = devices
	}
	a, err := k.Client.ClaimKeys(ctx, server, wanted)
	out := e2ee.Claimed{}
	for user, devices := range a {
		out[user] = map[id.DeviceID]map[string]json.RawMessage(devices)
	}
	return out, err
}
