package homeserver

import (
	"slices"

	"plenum/config"
	appserviceapi "plenum/homeserver/api/client/appservice"
	backupapi "plenum/homeserver/api/client/backup"
	delayedapi "plenum/homeserver/api/client/delayed"
	"plenum/homeserver/api/client/directory"
	"plenum/homeserver/api/client/discovery"
	exportapi "plenum/homeserver/api/client/export"
	"plenum/homeserver/api/client/keys"
	mediaapi "plenum/homeserver/api/client/media"
	previewapi "plenum/homeserver/api/client/preview"
	"plenum/homeserver/api/client/profile"
	pushapi "plenum/homeserver/api/client/push"
	"plenum/homeserver/api/client/room"
	"plenum/homeserver/api/client/rtc"
	searchapi "plenum/homeserver/api/client/search"
	"plenum/homeserver/api/client/session"
	slidingapi "plenum/homeserver/api/client/sliding"
	syncapi "plenum/homeserver/api/client/sync"
	todeviceapi "plenum/homeserver/api/client/todevice"
	userdataapi "plenum/homeserver/api/client/userdata"
	"plenum/homeserver/api/synapse"
	"plenum/homeserver/api/web"
	"plenum/internal/httpx"
)

// routes is everything that is served to clients, people and other servers.
func (p *parts) routes(cfg config.Config) []httpx.Route {
	return slices.Concat(
		p.serverRoutes(),
		discovery.New(p.discovered(cfg)).Routes(),
		session.New(p.accounts).Routes(),
		p.oauthRoutes(cfg),
		profile.New(p.accounts).Routes(),
		room.New(p.rooms, p.userdata, p.delayed).Routes(),
		delayedapi.New(p.delayed).Routes(),
		rtc.New(p.calls).Routes(),
		syncapi.New(p.sync).Routes(),
		slidingapi.New(p.sliding).Routes(),
		userdataapi.New(p.userdata).Routes(),
		pushapi.New(p.push).Routes(),
		searchapi.New(p.search, p.rooms, p.userdata).Routes(),
		directory.New(p.rooms, p.accounts, p.networks(), p.directoriesElsewhere()).Routes(),
		appserviceapi.New(p.services, p.networks()).Routes(),
		keys.New(p.keys, p.accounts).Routes(),
		keys.NewDehydrated(p.dehydrated).Routes(),
		todeviceapi.New(p.todevice).Routes(),
		backupapi.New(p.backups).Routes(),
		mediaapi.New(p.media, mediaapi.Options{AllowLegacy: cfg.Media.LegacyPublic}).Routes(),
		previewapi.New(p.previews).Routes(),
		synapse.New(p.notices).Routes(),
		exportapi.New(p.accounts, p.exporter).Routes(),
		web.New(p.accounts.First(), cfg.ServerName, publicURL(cfg)).Routes(),
	)
}
