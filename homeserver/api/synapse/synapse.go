// Package synapse serves the parts of Synapse's admin API that other programs
// expect of every homeserver, at the same paths and in the same shapes.
package synapse

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/notice"
	"plenum/internal/httpx"
)

const base = "/_synapse/admin/v1/"

// API serves administrators, by their access tokens.
type API struct{ notices *notice.Notices }

// New returns the API over n.
func New(n *notice.Notices) *API { return &API{n} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	const spec = "" // Synapse's
	return []httpx.Route{
		httpx.Post(base+"send_server_notice", httpx.User, spec, httpx.RateAdmin, a.send),
		httpx.Put(base+"send_server_notice/{txn}", httpx.User, spec, httpx.RateAdmin, a.send),
	}
}

// newNotice is the body of send.
type newNotice struct {
	User     id.UserID       `json:"user_id"`
	Type     string          `json:"type"`
	StateKey *string         `json:"state_key"`
	Content  json.RawMessage `json:"content"`
}

type sent struct {
	EventID id.EventID `json:"event_id"`
}

// send is POST /send_server_notice and PUT /send_server_notice/{txn}.
func (a *API) send(ctx context.Context, r *httpx.Request[newNotice]) (sent, error) {
	n := notice.Notice{To: r.Body.User, Type: r.Body.Type, StateKey: r.Body.StateKey, Content: r.Body.Content, Txn: r.Path("txn")}
	ev, err := a.notices.Send(ctx, r.Principal, n)
	return sent{ev}, err
}
