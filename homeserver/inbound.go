package homeserver

import (
	"log/slog"

	"plenum/homeserver/api/server"
	"plenum/homeserver/api/serverkeys"
	"plenum/homeserver/inbound"
	"plenum/internal/httpx"
)

// openInbound builds what hears other servers.
func (p *parts) openInbound(log *slog.Logger) (err error) {
	if p.peers == nil {
		return nil
	}
	p.inbound, err = inbound.New(p.rooms, p.eduHandlers(), inbound.Options{}, log)
	return err
}

// eduHandlers are who takes in what is not an event, by its type.
func (p *parts) eduHandlers() map[string]inbound.EDUHandler {
	return inbound.Hearers{Rooms: p.rooms, Data: p.userdata, Keys: p.keys, ToDevice: p.todevice}.Handlers()
}

// serverRoutes is what is served to other servers, if this one speaks to any.
func (p *parts) serverRoutes() []httpx.Route {
	if p.peers == nil {
		return nil
	}
	api := server.New(server.Sources{
		Rooms: p.rooms, Inbound: p.inbound, Accounts: p.accounts, Keys: p.keys, Media: p.media, Version: Version(),
	})
	return append(serverkeys.New(p.ring).Routes(), api.Routes()...)
}
