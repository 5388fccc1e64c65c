package homeserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"

	"maunium.net/go/mautrix/id"

	"plenum/calls"
	"plenum/config"
	"plenum/e2ee"
	"plenum/e2ee/backup"
	"plenum/e2ee/todevice"
	"plenum/homeserver/account"
	"plenum/homeserver/appservice"
	"plenum/homeserver/delayed"
	"plenum/homeserver/export"
	"plenum/homeserver/inbound"
	"plenum/homeserver/media"
	"plenum/homeserver/notice"
	"plenum/homeserver/oauth"
	"plenum/homeserver/peers"
	"plenum/homeserver/peers/keyring"
	"plenum/homeserver/peers/outbox"
	"plenum/homeserver/preview"
	"plenum/homeserver/push"
	"plenum/homeserver/search"
	"plenum/homeserver/sliding"
	"plenum/homeserver/sync"
	"plenum/homeserver/userdata"
	"plenum/internal/run"
	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/accounts"
	"plenum/storage/blob"
	"plenum/storage/eventlog"
	"plenum/storage/mediastore"
)

// parts are the nouns of a homeserver, in the order in which they are built.
type parts struct {
	db         *storage.DB
	signer     *event.Signer
	blobs      *blob.Store
	peers      *peers.Client // nil for a server that speaks to no others
	ring       *keyring.Ring // likewise
	services   *appservice.Registry
	rooms      *rooms.Rooms
	userdata   *userdata.Data
	push       *push.Push
	search     *search.Search
	keys       *e2ee.Keys
	todevice   *todevice.Sender
	backups    *backup.Backups
	dehydrated *e2ee.Dehydrated
	delayed    *delayed.Events
	calls      *calls.Calls
	accounts   *account.Accounts
	oauth      *oauth.Server
	media      *media.Media
	previews   *preview.Previews
	notices    *notice.Notices
	exporter   *export.Exporter
	sync       *sync.Syncer
	sliding    *sliding.Engine
	bridges    *appservice.Sender
	inbound    *inbound.Inbound // nil for a server that speaks to no others
	outbox     *outbox.Outbox   // likewise
}

// newParts opens the database and builds everything on it. On an error, what
// was opened is in the parts that are returned.
// transport is how it reaches other servers; nil is the network.
func newParts(ctx context.Context, cfg config.Config, transport http.RoundTripper, log *slog.Logger) (p *parts, err error) {
	p = &parts{}
	dsn := storage.Config{DSN: cfg.DSN(), MaxConns: cfg.Database.MaxConnections, Synchronous: cfg.Database.Synchronous}
	if p.db, err = storage.Open(ctx, dsn, log); err != nil {
		return p, databaseError(err, cfg)
	}
	events, err := eventlog.New()
	if err != nil {
		return p, err
	}
	people, err := accounts.New(ctx, p.db, accountsOptions(cfg))
	if err != nil {
		return p, err
	}
	if err := claimDatabase(ctx, p.db, cfg, unused(events, people)); err != nil {
		return p, err
	}
	if p.signer, err = openSigner(cfg); err != nil {
		return p, err
	}
	if err := p.openPeers(ctx, cfg, transport, log); err != nil {
		return p, err
	}
	if p.blobs, err = blob.Open(mediaFolder(cfg), cfg.Media.KeyFile); err != nil {
		return p, err
	}
	if p.services, err = openRegistry(cfg, log); err != nil {
		return p, err
	}
	if p.rooms, err = rooms.New(p.db, events, people, roomsOptions(cfg, p.signer, people, bridges{p.services, people}, p), log); err != nil {
		return p, err
	}
	if p.keys, err = e2ee.New(ctx, p.db, p.rooms, devices{people}, keysOptions(cfg, p.peersForKeys()), log); err != nil {
		return p, err
	}
	if err := p.openOutbox(ctx, cfg, log); err != nil {
		return p, err
	}
	if p.userdata, err = userdata.New(p.db, p.rooms, userdataOptions(cfg, p.abroad()), log); err != nil {
		return p, err
	}
	if p.push, err = push.New(p.db, p.rooms, p.userdata, pushOptions(cfg), log); err != nil {
		return p, err
	}
	p.search = search.New(p.db, p.rooms, searchOptions(cfg, people), log)
	if p.todevice, err = todevice.New(p.db, devices{people}, todeviceOptions(cfg, p.mailbox()), log); err != nil {
		return p, err
	}
	if p.delayed, err = delayed.New(ctx, p.db, p.rooms, people, delayedOptions(cfg), log); err != nil {
		return p, err
	}
	p.calls = calls.New(calls.Options{LiveKit: cfg.Calls.LiveKit})
	told := sync.Sources{
		DB: p.db, Sessions: account.Sessions{Store: people}, Rooms: p.rooms, Data: p.userdata, Push: p.push, Keys: p.keys, ToDevice: p.todevice,
	}
	if p.sync, err = sync.New(told); err != nil {
		return p, err
	}
	if p.sliding, err = sliding.New(sliding.Sources(told)); err != nil {
		return p, err
	}
	p.backups = backup.New(p.db)
	p.dehydrated = e2ee.NewDehydrated(p.db, p.keys, p.todevice, people)
	p.accounts = account.New(people, p.rooms, p.hooks(), accountOptions(cfg, p.services, p.profilesElsewhere(cfg)), log)
	p.oauth = oauth.New(p.db, p.accounts, oauth.Options{}, log)
	p.bridges = p.newServiceSender(people, log)
	p.media = media.New(mediastore.New(p.db), p.blobs, mediaOptions(cfg, p.mediaElsewhere(cfg)), log)
	if p.previews, err = preview.New(p.media, previewOptions(cfg)); err != nil {
		return p, err
	}
	p.exporter = export.New(export.Sources{Accounts: p.accounts, Rooms: p.rooms, Data: p.userdata, Push: p.push, Keys: p.keys, Media: p.media})
	p.notices = notice.New(p.accounts, p.rooms, p.userdata, cfg.Notices.Name)
	return p, p.openInbound(log)
}

// add adds what runs for as long as the server does.
func (p *parts) add(g *run.Group) {
	if p.peers != nil {
		g.Add("other servers", p.peers.Run)
		g.Add("transactions", p.inbound.Run)
		g.Add("outbox", p.outbox.Run)
	}
	g.Add("accounts", p.accounts.Run)
	g.Add("signing in", p.oauth.Run)
	g.Add("user data", p.userdata.Run)
	g.Add("keys", p.keys.Run)
	g.Add("push", p.push.Run)
	g.Add("search", p.search.Run)
	g.Add("to device", p.todevice.Run)
	g.Add("delayed events", p.delayed.Run)
	g.Add("media", p.media.Run)
	g.Add("application services", p.bridges.Run)
}

// hooks are what others do when devices or accounts go.
func (p *parts) hooks() account.Hooks {
	return account.Hooks{
		DevicesGone: []func(context.Context, *storage.Tx, id.UserID, []id.DeviceID) error{
			p.userdata.DevicesGone, p.push.DevicesGone, p.keys.DevicesGone, p.todevice.DevicesGone, p.sliding.DevicesGone,
		},
		DevicesNamed: []func(context.Context, *storage.Tx, id.UserID, []id.DeviceID) error{p.keys.DevicesNamed},
		Gone: []func(context.Context, id.UserID, bool) error{
			p.userdata.Gone, p.push.Gone, p.keys.Gone, p.backups.Gone, p.grantsGone, p.delayed.Gone,
			p.mediaGone, p.search.Gone,
		},
	}
}

// healthy reports whether the database answers.
func (p *parts) healthy(ctx context.Context) error {
	return p.db.Read(ctx, func(tx *storage.Tx) error {
		_, _, err := storage.Meta(ctx, tx, metaServerName)
		return err
	})
}

// unused returns a function that reports whether nothing in the database
// carries the name of the server yet.
func unused(events *eventlog.Log, people *accounts.Store) func(context.Context, *storage.Tx) (bool, error) {
	return func(ctx context.Context, tx *storage.Tx) (bool, error) {
		pos, err := events.MaxPosition(ctx, tx)
		if err != nil || pos != 0 {
			return false, err
		}
		some, err := people.Any(ctx, tx)
		return !some, err
	}
}

// openSigner reads the signing key, or makes one at the first start.
func openSigner(cfg config.Config) (*event.Signer, error) {
	if err := os.MkdirAll(filepath.Dir(cfg.SigningKeyFile), 0o700); err != nil {
		return nil, fmt.Errorf("the folder of the signing key cannot be made: %w", err)
	}
	signer, err := event.OpenSigner(cfg.ServerName, cfg.SigningKeyFile)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	return signer, nil
}

// databaseError says what helps when the database cannot be opened.
func databaseError(err error, cfg config.Config) error {
	switch {
	case errors.Is(err, storage.ErrInUse):
		return fmt.Errorf("another Plenum works with this database already; stop that one first: %w", err)
	case errors.Is(err, storage.ErrUnfinished):
		return errUnfinished(cfg)
	case !cfg.Database.IsFile():
		return fmt.Errorf("the PostgreSQL database cannot be opened; look at database.url, and whether its server runs: %w", err)
	}
	return fmt.Errorf("the database cannot be opened: %w", err)
}
