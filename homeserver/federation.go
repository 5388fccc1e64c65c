package homeserver

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/config"
	"plenum/homeserver/listen"
	"plenum/homeserver/peers"
	"plenum/homeserver/peers/keyring"
	"plenum/internal/httpx"
	"plenum/rooms"
)

// openPeers builds what speaks to other servers; transport is nil for the
// network. Nothing is built for a server that speaks to none.
func (p *parts) openPeers(ctx context.Context, cfg config.Config, transport http.RoundTripper, log *slog.Logger) error {
	if !cfg.Federates() {
		return nil
	}
	opt, err := peersOptions(cfg)
	if err != nil {
		return err
	}
	opt.Transport = transport
	if p.peers, err = peers.New(ctx, p.db, p.signer, opt, log); err != nil {
		return err
	}
	p.ring, err = keyring.New(p.db, p.signer, p.peers, keyring.Options{Notaries: cfg.Federation.Notaries}, log)
	return err
}

func peersOptions(cfg config.Config) (peers.Options, error) {
	f := cfg.Federation
	o := peers.Options{
		Policy:       peers.Policy{Allow: f.Allow, Deny: f.Deny, Onion: f.OnionOnly},
		AllowPrivate: f.AllowPrivate,
	}
	rules, err := f.ProxyRules()
	if err != nil {
		return o, err
	}
	for _, r := range rules {
		o.Proxies = append(o.Proxies, peers.Proxy(r))
	}
	switch {
	case cfg.Throwaway == nil:
	case cfg.Throwaway.TestCA != "":
		_, o.Roots, err = listen.TestCA(cfg.Throwaway.TestCA, cfg.ServerName)
	default:
		o.AnyCertificate = true // it presents one itself that nobody has reason to trust
	}
	return o, err
}

// federationAddress is what is told to servers that ask our web server where
// to find us, or "".
func federationAddress(cfg config.Config) string {
	switch {
	case !cfg.Federates():
		return ""
	case cfg.Federation.Address != "":
		return cfg.Federation.Address
	case len(cfg.Listen.Federation) > 0:
		return "" // port 8448, where they look by themselves
	}
	host, secure := strings.CutPrefix(publicURL(cfg), "https://")
	if !secure {
		return "" // other servers come by HTTPS only
	}
	if _, _, err := net.SplitHostPort(host); err != nil {
		host += ":443"
	}
	return host
}

// roomPeers are other servers as rooms asks them. What they refuse becomes an
// error for the client that caused it.
type roomPeers struct{ *peers.Client }

// peersForRooms returns nil for a server that speaks to none.
func (p *parts) peersForRooms() rooms.Peers {
	if p.peers == nil {
		return nil
	}
	return roomPeers{p.peers}
}

// policyForRooms returns nil for a server that speaks to none.
func (p *parts) policyForRooms() rooms.PolicySigner {
	if p.peers == nil {
		return nil
	}
	return roomPeers{p.peers}
}

// keysForRooms returns nil for a server that speaks to none.
func (p *parts) keysForRooms() rooms.Keys {
	if p.ring == nil {
		return nil
	}
	return p.ring
}

// serverAuth returns what tells who has signed a request, nil for a server
// that speaks to no others.
func (p *parts) serverAuth() httpx.ServerAuthenticator {
	if p.peers == nil {
		return nil
	}
	return peers.NewAuth(p.peers, p.ring)
}

func template(t peers.Template, err error) (*rooms.MemberTemplate, error) {
	if err != nil {
		return nil, peers.Refusal(err)
	}
	return &rooms.MemberTemplate{Version: t.RoomVersion, Event: t.Event}, nil
}

func (r roomPeers) MakeJoin(ctx context.Context, server string, room id.RoomID, user id.UserID, versions []string) (*rooms.MemberTemplate, error) {
	return template(r.Client.MakeJoin(ctx, server, room, user, versions))
}

func (r roomPeers) MakeLeave(ctx context.Context, server string, room id.RoomID, user id.UserID) (*rooms.MemberTemplate, error) {
	return template(r.Client.MakeLeave(ctx, server, room, user))
}

func (r roomPeers) MakeKnock(ctx context.Context, server string, room id.RoomID, user id.UserID, versions []string) (*rooms.MemberTemplate, error) {
	return template(r.Client.MakeKnock(ctx, server, room, user, versions))
}

func (r roomPeers) SendJoin(ctx context.Context, server string, room id.RoomID, ev id.EventID, pdu json.RawMessage, omitMembers bool) (*rooms.JoinAnswer, error) {
	a, err := r.Client.SendJoin(ctx, server, room, ev, pdu, omitMembers)
	if err != nil {
		return nil, peers.Refusal(err)
	}
	return &rooms.JoinAnswer{State: a.State, Auth: a.Auth, Event: a.Event, MembersOmitted: a.MembersOmitted, Servers: a.Servers}, nil
}

func (r roomPeers) SendLeave(ctx context.Context, server string, room id.RoomID, ev id.EventID, pdu json.RawMessage) error {
	return peers.Refusal(r.Client.SendLeave(ctx, server, room, ev, pdu))
}

func (r roomPeers) SendKnock(ctx context.Context, server string, room id.RoomID, ev id.EventID, pdu json.RawMessage) ([]json.RawMessage, error) {
	state, err := r.Client.SendKnock(ctx, server, room, ev, pdu)
	return state, peers.Refusal(err)
}

func (r roomPeers) Invite(ctx context.Context, server string, room id.RoomID, ev id.EventID, version string, pdu json.RawMessage, stripped []json.RawMessage) (json.RawMessage, error) {
	signed, err := r.Client.Invite(ctx, server, room, ev, version, pdu, stripped)
	return signed, peers.Refusal(err)
}

func (r roomPeers) QueryDirectory(ctx context.Context, server string, alias id.RoomAlias) (id.RoomID, []string, error) {
	room, servers, err := r.Client.QueryDirectory(ctx, server, alias)
	return room, servers, peers.NotFound(err)
}

// PolicySign implements rooms.PolicySigner.
func (r roomPeers) PolicySign(ctx context.Context, server string, pdu json.RawMessage) (map[string]map[string]string, error) {
	answer, err := r.Client.PolicySign(ctx, server, pdu)
	if err != nil {
		return nil, peers.Refusal(err)
	}
	return answer, nil
}
