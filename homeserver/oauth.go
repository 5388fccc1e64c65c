package homeserver

import (
	"context"
	"net/netip"
	"net/url"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/config"
	oauthapi "plenum/homeserver/api/client/oauth"
	rendezvousapi "plenum/homeserver/api/client/rendezvous"
	"plenum/homeserver/api/web/portal"
	"plenum/homeserver/rendezvous"
	"plenum/internal/httpx"
)

// oauthOn reports whether people sign in on pages of this server. Passwords
// travel to them, and clients refuse addresses without https, except on the
// machine itself.
func oauthOn(cfg config.Config) bool {
	if !cfg.Oauth.Enabled {
		return false
	}
	u, err := url.Parse(publicURL(cfg))
	return err == nil && (u.Scheme == "https" || u.Scheme == "http" && isThisMachine(u.Hostname()))
}

// isThisMachine reports whether host can only be the machine itself.
func isThisMachine(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// oauthRoutes is what programs and people use to sign in on pages. Without
// them, /auth_metadata is not there, by which clients learn that they cannot.
func (p *parts) oauthRoutes(cfg config.Config) []httpx.Route {
	if !oauthOn(cfg) {
		return nil
	}
	base := publicURL(cfg)
	return slices.Concat(
		oauthapi.New(p.oauth, p.accounts, oauthapi.Options{PublicURL: base, SignUp: cfg.Registration.Mode != "closed"}).Routes(),
		portal.New(p.oauth, p.accounts, base).Routes(),
		rendezvousapi.New(base, rendezvous.Options{}).Routes(), // of no use but to sign in so
	)
}

// grantsGone removes what a closed account has allowed programs.
func (p *parts) grantsGone(ctx context.Context, user id.UserID, erase bool) error {
	return p.oauth.Gone(ctx, user, erase) // which is built after those who call it
}
