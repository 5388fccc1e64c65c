package homeserver

import (
	"context"
	"log/slog"

	"maunium.net/go/mautrix/id"

	"plenum/config"
	"plenum/homeserver/appservice"
	"plenum/storage/accounts"
)

// openRegistry reads the registrations of application services.
func openRegistry(cfg config.Config, log *slog.Logger) (*appservice.Registry, error) {
	all, err := appservice.Load(cfg.Bridges.Registrations, cfg.ServerName)
	if err != nil {
		return nil, err
	}
	return appservice.NewRegistry(all, appservice.Options{Log: log}), nil
}

// bridges are what rooms ask of application services.
type bridges struct {
	*appservice.Registry
	people *accounts.Store
}

// Invited implements rooms.Bridges.
func (b bridges) Invited(ctx context.Context, user id.UserID) {
	if _, known, err := b.people.Known(ctx, user); err != nil || known {
		return
	}
	b.AskUser(ctx, user)
}

// networks are the directories of networks that bridges lead to.
func (p *parts) networks() appservice.Networks {
	return appservice.Networks{DB: p.db, Rooms: p.rooms}
}

// newServiceSender makes what tells application services what happens.
func (p *parts) newServiceSender(people *accounts.Store, log *slog.Logger) *appservice.Sender {
	return appservice.NewSender(p.services, appservice.Sources{
		DB: p.db, Rooms: p.rooms, Data: p.userdata, Keys: p.keys, ToDevice: p.todevice, Devices: devices{people},
	}, log)
}

// bridges reads the registrations of application services, if there are any.
func (k *checkup) bridges() {
	if len(k.cfg.Bridges.Registrations) == 0 {
		return
	}
	all, err := appservice.Load(k.cfg.Bridges.Registrations, k.cfg.ServerName)
	if err != nil {
		k.problem("bridges", "%v.", err)
		return
	}
	for _, s := range all {
		k.ok("bridge "+s.ID, "its user is %s.", s.Sender)
	}
}
