package homeserver

import (
	"context"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/calls"
	"plenum/config"
	"plenum/e2ee"
	"plenum/e2ee/todevice"
	"plenum/homeserver/account"
	"plenum/homeserver/api/client/discovery"
	"plenum/homeserver/appservice"
	"plenum/homeserver/delayed"
	"plenum/homeserver/media"
	"plenum/homeserver/oauth"
	"plenum/homeserver/preview"
	"plenum/homeserver/push"
	"plenum/homeserver/search"
	"plenum/homeserver/userdata"
	"plenum/internal/httpx"
	"plenum/internal/outward"
	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage/accounts"
)

// The functions here say what each part takes from the settings.

func accountsOptions(cfg config.Config) accounts.Options {
	return accounts.Options{ServerName: cfg.ServerName, LastSeen: cfg.Privacy.LastSeen}
}

func roomsOptions(cfg config.Config, signer *event.Signer, people *accounts.Store, b bridges, p *parts) rooms.Options {
	return rooms.Options{
		ServerName:     cfg.ServerName,
		Signer:         signer,
		DefaultVersion: cfg.Rooms.DefaultVersion,
		EncryptPresets: cfg.Rooms.Encrypt,
		RoomsInMemory:  cfg.Rooms.InMemory,
		Erased:         people,
		Notices:        noticesAccount(cfg),
		Bridges:        b,
		Invitable:      p.invitable,
		Peers:          p.peersForRooms(),
		Policy:         p.policyForRooms(),
		Keys:           p.keysForRooms(),
		Lookups:        p.lookupsForRooms(),
	}
}

func userdataOptions(cfg config.Config, abroad userdata.Abroad) userdata.Options {
	return userdata.Options{Abroad: abroad, System: noticesAccount(cfg), Presence: cfg.Presence.Enabled, PushRules: push.DefaultContent}
}

func pushOptions(cfg config.Config) push.Options {
	private := cfg.Throwaway != nil // suites have their push gateways next door
	return push.Options{Gateway: push.NewGateway(private), AllowHTTP: private, TellContent: cfg.Privacy.PushText, Contact: publicURL(cfg)}
}

func searchOptions(cfg config.Config, people *accounts.Store) search.Options {
	return search.Options{Off: !cfg.Search.Enabled, Erased: people.IsErased}
}

func keysOptions(cfg config.Config, others e2ee.Peers) e2ee.Options {
	return e2ee.Options{ServerName: cfg.ServerName, Peers: others, Strangers: cfg.Privacy.Keys == "anyone", ShowNames: cfg.Privacy.Devices}
}

func todeviceOptions(cfg config.Config, out todevice.Outbox) todevice.Options {
	return todevice.Options{ServerName: cfg.ServerName, Outbox: out}
}

func delayedOptions(cfg config.Config) delayed.Options {
	return delayed.Options{MaxDelay: cfg.Later.MaxDelay.Std(), MaxScheduled: cfg.Later.MaxScheduled}
}

// noticesAccount is the account that speaks for the server.
func noticesAccount(cfg config.Config) id.UserID {
	return id.NewUserID(cfg.Notices.Account, cfg.ServerName)
}

func accountOptions(cfg config.Config, services *appservice.Registry, remote account.Remote) account.Options {
	o := account.Options{
		ServerName:   cfg.ServerName,
		Registration: map[string]account.Mode{"closed": account.Closed, "token": account.ByToken, "open": account.Open}[cfg.Registration.Mode],
		Passwords: account.Passwords{
			MinLength: cfg.Passwords.MinLength,
			Memory:    uint32(cfg.Passwords.HashMemory >> 10),
			Passes:    uint32(cfg.Passwords.HashPasses),
		},
		WrongPasswords: cfg.Passwords.WrongInARow,
		Exclusive:      services.IsExclusive,
		System:         noticesAccount(cfg),
		Services:       services,
		Remote:         remote,
		Life:           account.Life{Access: cfg.Sessions.AccessTokenLife.Std(), Plain: cfg.Sessions.PlainTokenLife.Std()},
		Profiles:       map[string]account.Visibility{"anyone": account.ToAnyone, "acquaintances": account.ToAcquaintances}[cfg.Privacy.Profiles],
	}
	if oauthOn(cfg) {
		o.ResetPage = publicURL(cfg) + oauth.ResetPage()
	}
	if cfg.Registration.TermsURL != "" {
		o.Terms = []account.Policy{{
			ID: "terms", Version: cfg.Registration.TermsVersion,
			Texts: map[string]account.PolicyText{"en": {Name: cfg.Registration.TermsName, URL: cfg.Registration.TermsURL}},
		}}
	}
	o.SharedSecret = cfg.Registration.SharedSecret
	if cfg.Throwaway != nil {
		o.SharedSecret = cfg.Throwaway.SharedSecret
		o.WrongPasswords = -1
	}
	return o
}

func discoveryOptions(cfg config.Config, healthy func(context.Context) error) discovery.Options {
	o := discovery.Options{
		PublicURL:    publicURL(cfg),
		Federation:   federationAddress(cfg),
		RoomVersion:  cfg.Rooms.DefaultVersion,
		RoomVersions: event.Versions(),
		Encrypted:    cfg.Rooms.Encrypt,
		SupportPage:  cfg.Support.Page,
		Previews:     cfg.Previews.Enabled,
		MinPassword:  cfg.Passwords.MinLength,
		MaxDelay:     cfg.Later.MaxDelay.Std(),
		MaxScheduled: cfg.Later.MaxScheduled,
		Transports:   calls.New(calls.Options{LiveKit: cfg.Calls.LiveKit}).Transports(),
		Healthy:      healthy,
	}
	if oauthOn(cfg) {
		o.Issuer, o.AccountPage = publicURL(cfg)+"/", publicURL(cfg)+oauth.AccountPath
	}
	if cfg.Support.MatrixID != "" || cfg.Support.Email != "" {
		o.Contacts = []discovery.Contact{{Role: "m.role.admin", MatrixID: cfg.Support.MatrixID, Email: cfg.Support.Email}}
	}
	return o
}

func mediaOptions(cfg config.Config, remote media.Remote) media.Options {
	m := cfg.Media
	return media.Options{
		ServerName:   cfg.ServerName,
		MaxUpload:    int64(m.MaxUpload),
		Quota:        int64(m.Quota),
		MaxPending:   m.MaxPending,
		MaxPixels:    m.MaxPixels,
		MaxThumbnail: m.MaxThumbnail,
		DecodeMemory: int64(m.DecodeMemory),
		RemoteLife:   time.Duration(m.RemoteLife),
		KeepMetadata: m.KeepMetadata,
		Remote:       remote,
	}
}

func previewOptions(cfg config.Config) preview.Options {
	c := cfg.Previews
	return preview.Options{
		On:        c.Enabled,
		Dialer:    previewDialer(cfg),
		Allow:     c.Allow,
		Deny:      c.Deny,
		Languages: c.Languages,
		MaxPage:   int64(c.MaxPage),
		MaxImage:  int64(c.MaxImage),
		Time:      c.Timeout.Std(),
		Life:      c.Remember.Std(),
		ImageLife: c.ImageLife.Std(),
	}
}

// previewDialer is how pages are reached. Suites have theirs next door.
func previewDialer(cfg config.Config) *outward.Dialer {
	d := &outward.Dialer{AllowPrivate: cfg.Throwaway != nil}
	for _, text := range cfg.Previews.Ports {
		if port, err := strconv.ParseUint(text, 10, 16); err == nil { // the settings were checked
			d.Ports = append(d.Ports, uint16(port))
		}
	}
	if by, err := url.Parse(cfg.Previews.Proxy); err == nil && cfg.Previews.Proxy != "" {
		d.Proxy = func(string) *url.URL { return by }
	}
	return d
}

// limits are the rate limits by class; without a limit a class is missing.
func limits(cfg config.Config) map[httpx.Rate]httpx.Limit {
	r := cfg.RateLimits
	all := map[httpx.Rate]httpx.Limit{}
	for class, rate := range map[httpx.Rate]config.Rate{
		httpx.RateDefault: r.Default, httpx.RateLogin: r.Login, httpx.RateRegister: r.Register,
		httpx.RateMessage: r.Message, httpx.RateJoin: r.Join, httpx.RateInvite: r.Invite,
		httpx.RateMedia: r.Media, httpx.RateSearch: r.Search, httpx.RatePreview: r.Preview, httpx.RateAdmin: r.Admin,
		httpx.RateDelayed: r.Delayed,
	} {
		if rate.Burst > 0 {
			all[class] = httpx.Limit{PerSecond: rate.PerSecond, Burst: rate.Burst}
		}
	}
	return all
}

// trustedProxies are the web servers in front of this one.
func trustedProxies(cfg config.Config) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range cfg.Listen.Proxies {
		p, err := netip.ParsePrefix(text)
		if a, addrErr := netip.ParseAddr(text); addrErr == nil {
			p, err = a.Prefix(a.BitLen())
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}
