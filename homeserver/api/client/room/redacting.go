package room

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

func (a *API) redactingRoutes() []httpx.Route {
	return []httpx.Route{
		httpx.Put(v3+"/rooms/{roomId}/redact/{eventId}/{txnId}", httpx.User, spec+"put_matrixclientv3roomsroomidredacteventidtxnid", httpx.RateMessage, a.redact),
		httpx.Post("/_matrix/client/unstable/org.matrix.msc4194/rooms/{roomId}/redact/user/{userId}", httpx.UserNotSuspended, "MSC4194", httpx.RateMessage, a.redactUser),
	}
}

// related are the names under which a redaction says what is to go with the
// event: of MSC3912, and what clients write until it is accepted.
var related = [...]string{"with_rel_types", "org.matrix.msc3912.with_relations"}

// redact is PUT /rooms/{roomId}/redact/{eventId}/{txnId}.
func (a *API) redact(ctx context.Context, r *httpx.Request[json.RawMessage]) (eventResponse, error) {
	q := rooms.Redaction{Room: id.RoomID(r.Path("roomId")), Event: id.EventID(r.Path("eventId")), Txn: r.Path("txnId"), Content: r.Body}
	if err := takeRelated(&q); err != nil {
		return eventResponse{}, err
	}
	ev, err := a.rooms.Redact(ctx, r.Principal, q)
	return eventResponse{Event: ev}, err
}

// takeRelated moves what is for this server alone out of the content.
func takeRelated(q *rooms.Redaction) error {
	var content map[string]json.RawMessage
	if len(q.Content) == 0 || json.Unmarshal(q.Content, &content) != nil {
		return nil // what is wrong with it is said where it is used
	}
	found := false
	for _, name := range related {
		raw, ok := content[name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(raw, &q.Related); err != nil {
			return matrix.Errorf(matrix.BadJSON, "%s is a list of types of relations.", name)
		}
		delete(content, name)
		found = true
	}
	if !found {
		return nil
	}
	var err error
	q.Content, err = json.Marshal(content)
	return err
}

type redactUserRequest struct {
	Reason string `json:"reason"`
}

type redactUserResponse struct {
	More     bool `json:"is_more_events"`
	Redacted struct {
		Total      int `json:"total"`
		SoftFailed int `json:"soft_failed"`
	} `json:"redacted_events"`
}

// redactUser is POST /rooms/{roomId}/redact/user/{userId}.
func (a *API) redactUser(ctx context.Context, r *httpx.Request[redactUserRequest]) (out redactUserResponse, err error) {
	q := rooms.UserRedaction{Room: room(r), User: id.UserID(r.Path("userId"))}
	if q.Limit, err = r.QueryInt("limit", 0); err != nil {
		return out, err
	}
	if r.Body.Reason != "" {
		if q.Content, err = json.Marshal(map[string]string{"reason": r.Body.Reason}); err != nil {
			return out, err
		}
	}
	done, err := a.rooms.RedactUser(ctx, r.Principal, q)
	out.More, out.Redacted.Total, out.Redacted.SoftFailed = done.More, done.Total, done.SoftFailed
	return out, err
}
