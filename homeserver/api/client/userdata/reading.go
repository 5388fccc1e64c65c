package userdata

import (
	"context"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

func (a *API) readingRoutes() []httpx.Route {
	return []httpx.Route{
		httpx.Post(room+"/receipt/{receiptType}/{eventId}", httpx.User, spec+"post_matrixclientv3roomsroomidreceiptreceipttypeeventid", httpx.RateDefault, a.receipt),
		httpx.Post(room+"/read_markers", httpx.User, spec+"post_matrixclientv3roomsroomidread_markers", httpx.RateDefault, a.markers),
		httpx.Put(room+"/typing/{userId}", httpx.User, spec+"put_matrixclientv3roomsroomidtypinguserid", httpx.RateDefault, a.typing),
	}
}

type receiptRequest struct {
	Thread *id.EventID `json:"thread_id"`
}

// receipt is POST /rooms/{roomId}/receipt/{receiptType}/{eventId}.
func (a *API) receipt(ctx context.Context, r *httpx.Request[receiptRequest]) (httpx.None, error) {
	var thread id.EventID
	if r.Body.Thread != nil {
		if thread = *r.Body.Thread; thread == "" {
			return httpx.None{}, matrix.Errorf(matrix.InvalidParam, "thread_id is main or the first event of a thread.")
		}
	}
	return httpx.None{}, a.data.SetReceipt(ctx, r.Principal, id.RoomID(r.Path("roomId")), r.Path("receiptType"), id.EventID(r.Path("eventId")), thread)
}

type markersRequest struct {
	FullyRead   id.EventID `json:"m.fully_read"`
	Read        id.EventID `json:"m.read"`
	ReadPrivate id.EventID `json:"m.read.private"`
}

// markers is POST /rooms/{roomId}/read_markers.
func (a *API) markers(ctx context.Context, r *httpx.Request[markersRequest]) (httpx.None, error) {
	return httpx.None{}, a.data.SetMarkers(ctx, r.Principal, id.RoomID(r.Path("roomId")), userdata.Markers(r.Body))
}

type typingRequest struct {
	Typing  *bool `json:"typing"`
	Timeout int64 `json:"timeout"` // ms
}

// typing is PUT /rooms/{roomId}/typing/{userId}.
func (a *API) typing(ctx context.Context, r *httpx.Request[typingRequest]) (httpx.None, error) {
	if _, err := self(r); err != nil {
		return httpx.None{}, err
	}
	if r.Body.Typing == nil {
		return httpx.None{}, matrix.Errorf(matrix.MissingParam, "typing is missing.")
	}
	var timeout time.Duration // not typing
	if *r.Body.Typing {
		const longest = 1000 * 60 * 60 // ms, so that it fits; userdata allows less
		timeout = time.Duration(min(max(r.Body.Timeout, 0), longest)) * time.Millisecond
		if timeout == 0 {
			timeout = 30 * time.Second
		}
	}
	return httpx.None{}, a.data.SetTyping(ctx, r.Principal, id.RoomID(r.Path("roomId")), timeout)
}
