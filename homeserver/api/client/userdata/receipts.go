package userdata

import (
	"context"
	"encoding/json"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

func (a *API) receiptRoutes() []httpx.Route {
	const in = v3 + "/rooms/{roomId}"
	return []httpx.Route{
		httpx.Post(in+"/receipt/{receiptType}/{eventId}", httpx.User, spec+"post_matrixclientv3roomsroomidreceiptreceipttypeeventid", httpx.RateDefault, a.setReceipt),
		httpx.Post(in+"/read_markers", httpx.User, spec+"post_matrixclientv3roomsroomidread_markers", httpx.RateDefault, a.setMarkers),
		httpx.Put(in+"/typing/{userId}", httpx.User, spec+"put_matrixclientv3roomsroomidtypinguserid", httpx.RateDefault, a.setTyping),
	}
}

type receiptRequest struct {
	Thread   json.RawMessage `json:"thread_id"`
	Backward bool            `json:"com.beeper.allow_backward"`
}

// setReceipt is POST /rooms/{roomId}/receipt/{receiptType}/{eventId}.
func (a *API) setReceipt(ctx context.Context, r *httpx.Request[receiptRequest]) (httpx.None, error) {
	if r.Body.Backward {
		return httpx.None{}, a.data.MoveReceipt(ctx, r.Principal, room(r), r.Path("receiptType"), id.EventID(r.Path("eventId")))
	}
	var thread id.EventID
	if raw := r.Body.Thread; raw != nil {
		if json.Unmarshal(raw, &thread) != nil || thread == "" {
			return httpx.None{}, matrix.Errorf(matrix.InvalidParam, "thread_id must be a string that is not empty.")
		}
	}
	return httpx.None{}, a.data.SetReceipt(ctx, r.Principal, room(r), r.Path("receiptType"), id.EventID(r.Path("eventId")), thread)
}

type markersRequest struct {
	FullyRead   id.EventID `json:"m.fully_read"`
	Read        id.EventID `json:"m.read"`
	ReadPrivate id.EventID `json:"m.read.private"`
	Backward    bool       `json:"com.beeper.allow_backward"`
}

// setMarkers is POST /rooms/{roomId}/read_markers.
func (a *API) setMarkers(ctx context.Context, r *httpx.Request[markersRequest]) (httpx.None, error) {
	return httpx.None{}, a.data.SetMarkers(ctx, r.Principal, room(r), userdata.Markers(r.Body))
}

type typingRequest struct {
	Typing  *bool   `json:"typing"`
	Timeout float64 `json:"timeout"` // ms
}

// usualTyping is how long somebody types who does not say how long.
const usualTyping = 30 * time.Second

// setTyping is PUT /rooms/{roomId}/typing/{userId}.
func (a *API) setTyping(ctx context.Context, r *httpx.Request[typingRequest]) (httpx.None, error) {
	if _, err := own(r); err != nil {
		return httpx.None{}, err
	}
	if r.Body.Typing == nil {
		return httpx.None{}, matrix.Errorf(matrix.MissingParam, "The body must say whether you are typing.")
	}
	var timeout time.Duration
	if *r.Body.Typing {
		timeout = usualTyping
		if ms := r.Body.Timeout; ms > 0 && ms < float64(usualTyping.Milliseconds()) {
			timeout = time.Duration(ms * float64(time.Millisecond))
		}
	}
	return httpx.None{}, a.data.SetTyping(ctx, r.Principal, room(r), timeout)
}
