// Package server is the server-server API: what other servers ask and send.
// Every request but a few is signed by the server that makes it. What it may
// see and do is decided where the rooms, accounts and keys are.
//
// Keys of servers are served by homeserver/api/serverkeys.
package server

import (
	"context"
	"net/http"

	"golang.org/x/sync/semaphore"

	"plenum/e2ee"
	"plenum/homeserver/account"
	"plenum/homeserver/inbound"
	"plenum/homeserver/media"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

const (
	v1       = "/_matrix/federation/v1"
	v2       = "/_matrix/federation/v2"
	unstable = "/_matrix/federation/unstable"
	spec     = "server-server-api#"
)

// Sources are what the API calls.
type Sources struct {
	Rooms    *rooms.Rooms
	Inbound  *inbound.Inbound
	Accounts *account.Accounts
	Keys     *e2ee.Keys
	Media    *media.Media
	Version  string // of this program
}

// API serves other servers.
type API struct {
	rooms    *rooms.Rooms
	inbound  *inbound.Inbound
	accounts *account.Accounts
	keys     *e2ee.Keys
	media    *media.Media
	version  string

	// whole bounds the answers with the state of a whole room that are in
	// memory at the same time.
	whole *semaphore.Weighted
}

// wholeRooms is how many states of rooms are answered at the same time.
const wholeRooms = 4

// New returns the API over what it calls.
func New(s Sources) *API {
	return &API{
		rooms: s.Rooms, inbound: s.Inbound, accounts: s.Accounts, keys: s.Keys, media: s.Media, version: s.Version,
		whole: semaphore.NewWeighted(wholeRooms),
	}
}

const (
	maxEvent       = 128 << 10 // more than an event may have, which is 64 KiB
	maxTransaction = 8 << 20   // 50 events and 100 EDUs
	maxInvite      = 2 << 20   // an event, and state with it
	maxKeys        = 4 << 20
)

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	get := func(path, section string, fn func(context.Context, *httpx.Request[httpx.None]) (httpx.JSON, error)) httpx.Route {
		return httpx.Get(path, httpx.Server, spec+section, httpx.NoLimit, fn)
	}
	return []httpx.Route{
		httpx.Get(v1+"/version", httpx.Anyone, spec+"get_matrixfederationv1version", httpx.RateDefault, a.showVersion),
		httpx.Get(v1+"/openid/userinfo", httpx.Anyone, spec+"get_matrixfederationv1openiduserinfo", httpx.RateDefault, a.openIDUser),

		httpx.Put(v1+"/send/{txnId}", httpx.Server, spec+"put_matrixfederationv1sendtxnid", httpx.NoLimit, a.send).Limit(maxTransaction),

		get(v1+"/event/{eventId}", "get_matrixfederationv1eventeventid", a.event),
		get(v1+"/event_auth/{roomId}/{eventId}", "get_matrixfederationv1event_authroomideventid", a.eventAuth),
		get(v1+"/state/{roomId}", "get_matrixfederationv1stateroomid", a.state),
		get(v1+"/state_ids/{roomId}", "get_matrixfederationv1state_idsroomid", a.stateIDs),
		get(v1+"/backfill/{roomId}", "get_matrixfederationv1backfillroomid", a.backfill),
		httpx.Post(v1+"/get_missing_events/{roomId}", httpx.Server, spec+"post_matrixfederationv1get_missing_eventsroomid", httpx.NoLimit, a.missing),
		httpx.Get(v1+"/timestamp_to_event/{roomId}", httpx.Server, spec+"get_matrixfederationv1timestamp_to_eventroomid", httpx.NoLimit, a.eventAt),
		httpx.Get(unstable+"/org.matrix.msc4370/extremities/{roomId}", httpx.Server, "MSC4370", httpx.NoLimit, a.extremities),
		httpx.Get(unstable+"/rooms/{roomId}/complexity", httpx.Server, spec+"complexity", httpx.NoLimit, a.complexity),

		httpx.Get(v1+"/make_join/{roomId}/{userId}", httpx.Server, spec+"get_matrixfederationv1make_joinroomiduserid", httpx.NoLimit, a.makeJoin),
		httpx.Put(v1+"/send_join/{roomId}/{eventId}", httpx.Server, spec+"put_matrixfederationv1send_joinroomideventid", httpx.NoLimit, a.sendJoinV1).Limit(maxEvent),
		httpx.Put(v2+"/send_join/{roomId}/{eventId}", httpx.Server, spec+"put_matrixfederationv2send_joinroomideventid", httpx.NoLimit, a.sendJoin).Limit(maxEvent),
		httpx.Get(v1+"/make_leave/{roomId}/{userId}", httpx.Server, spec+"get_matrixfederationv1make_leaveroomiduserid", httpx.NoLimit, a.makeLeave),
		httpx.Put(v1+"/send_leave/{roomId}/{eventId}", httpx.Server, spec+"put_matrixfederationv1send_leaveroomideventid", httpx.NoLimit, a.sendLeaveV1).Limit(maxEvent),
		httpx.Put(v2+"/send_leave/{roomId}/{eventId}", httpx.Server, spec+"put_matrixfederationv2send_leaveroomideventid", httpx.NoLimit, a.sendLeave).Limit(maxEvent),
		httpx.Get(v1+"/make_knock/{roomId}/{userId}", httpx.Server, spec+"get_matrixfederationv1make_knockroomiduserid", httpx.NoLimit, a.makeKnock),
		httpx.Put(v1+"/send_knock/{roomId}/{eventId}", httpx.Server, spec+"put_matrixfederationv1send_knockroomideventid", httpx.NoLimit, a.sendKnock).Limit(maxEvent),
		httpx.Put(v1+"/invite/{roomId}/{eventId}", httpx.Server, spec+"put_matrixfederationv1inviteroomideventid", httpx.NoLimit, a.inviteV1).Limit(maxInvite),
		httpx.Put(v2+"/invite/{roomId}/{eventId}", httpx.Server, spec+"put_matrixfederationv2inviteroomideventid", httpx.NoLimit, a.invite).Limit(maxInvite),
		httpx.Put(v1+"/exchange_third_party_invite/{roomId}", httpx.Server, spec+"put_matrixfederationv1exchange_third_party_inviteroomid", httpx.NoLimit, a.exchangeInvite).Limit(maxEvent),
		httpx.Put(v1+"/3pid/onbind", httpx.Anyone, spec+"put_matrixfederationv13pidonbind", httpx.RateDefault, a.onBind),

		httpx.Get(v1+"/publicRooms", httpx.Server, spec+"get_matrixfederationv1publicrooms", httpx.NoLimit, a.publicRooms),
		httpx.Post(v1+"/publicRooms", httpx.Server, spec+"post_matrixfederationv1publicrooms", httpx.NoLimit, a.searchRooms),
		httpx.Get(v1+"/hierarchy/{roomId}", httpx.Server, spec+"get_matrixfederationv1hierarchyroomid", httpx.NoLimit, a.hierarchy).
			Also(unstable + "/org.matrix.msc2946/hierarchy/{roomId}"),
		httpx.Get(v1+"/query/directory", httpx.Server, spec+"get_matrixfederationv1querydirectory", httpx.NoLimit, a.alias),
		httpx.Get(v1+"/query/profile", httpx.Server, spec+"get_matrixfederationv1queryprofile", httpx.NoLimit, a.profile),
		httpx.Get(v1+"/query/{queryType}", httpx.Server, spec+"get_matrixfederationv1queryquerytype", httpx.NoLimit, a.query),

		httpx.Get(v1+"/user/devices/{userId}", httpx.Server, spec+"get_matrixfederationv1userdevicesuserid", httpx.NoLimit, a.devices),
		httpx.Post(v1+"/user/keys/query", httpx.Server, spec+"post_matrixfederationv1userkeysquery", httpx.NoLimit, a.queryKeys).Limit(maxKeys),
		httpx.Post(v1+"/user/keys/claim", httpx.Server, spec+"post_matrixfederationv1userkeysclaim", httpx.NoLimit, a.claimKeys).Limit(maxKeys),

		httpx.Raw(http.MethodGet, v1+"/media/download/{mediaId}", httpx.Server, spec+"get_matrixfederationv1mediadownloadmediaid", httpx.RateMedia, a.download),
		httpx.Raw(http.MethodGet, v1+"/media/thumbnail/{mediaId}", httpx.Server, spec+"get_matrixfederationv1mediathumbnailmediaid", httpx.RateMedia, a.thumbnail),

		httpx.Post("/_matrix/policy/v1/sign", httpx.Server, spec+"post_matrixpolicyv1sign", httpx.RateDefault, a.policySign).Limit(maxEvent).
			Also("/_matrix/policy/unstable/org.matrix.msc4284/sign"),
	}
}

// required returns a query parameter without which a question makes no sense.
func required(r *httpx.Request[httpx.None], name string) (string, error) {
	if v := r.Query(name); v != "" {
		return v, nil
	}
	return "", matrix.Errorf(matrix.MissingParam, "The query parameter %s is missing.", name)
}
