package homeserver

import (
	"slices"

	"plenum/config"
	"plenum/homeserver/api/client/directory"
	"plenum/homeserver/api/client/discovery"
	mediaapi "plenum/homeserver/api/client/media"
	"plenum/homeserver/api/client/profile"
	"plenum/homeserver/api/client/room"
	"plenum/homeserver/api/client/session"
	"plenum/homeserver/api/web"
	"plenum/internal/httpx"
)

// routes is everything that is served to clients and people.
func (p *parts) routes(cfg config.Config) []httpx.Route {
	return slices.Concat(
		discovery.New(discoveryOptions(cfg, p.healthy)).Routes(),
		session.New(p.accounts).Routes(),
		profile.New(p.accounts).Routes(),
		room.New(p.rooms, p.userdata).Routes(),
		directory.New(p.rooms, p.accounts).Routes(),
		mediaapi.New(p.media, mediaapi.Options{AllowLegacy: cfg.Media.LegacyPublic}).Routes(),
		web.New(p.accounts.First(), cfg.ServerName, publicURL(cfg)).Routes(),
	)
}
