package room

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
)

func (a *API) reportRoutes() []httpx.Route {
	return []httpx.Route{
		httpx.Post(v3+"/rooms/{roomId}/report", httpx.User, spec+"post_matrixclientv3roomsroomidreport", httpx.RateDefault, a.reportRoom).
			Also("/_matrix/client/unstable/org.matrix.msc4151/rooms/{roomId}/report"),
		httpx.Post(v3+"/rooms/{roomId}/report/{eventId}", httpx.User, spec+"post_matrixclientv3roomsroomidreporteventid", httpx.RateDefault, a.reportEvent),
		httpx.Post(v3+"/users/{userId}/report", httpx.User, spec+"post_matrixclientv3usersuseridreport", httpx.RateDefault, a.reportUser).
			Also("/_matrix/client/unstable/org.matrix.msc4260/users/{userId}/report"),
	}
}

type reportRequest struct {
	Reason string `json:"reason"`
	Score  *int64 `json:"score"`
}

// reportRoom is POST /rooms/{roomId}/report.
func (a *API) reportRoom(ctx context.Context, r *httpx.Request[reportRequest]) (httpx.None, error) {
	return httpx.None{}, a.rooms.ReportRoom(ctx, r.Principal, id.RoomID(r.Path("roomId")), r.Body.Reason)
}

// reportEvent is POST /rooms/{roomId}/report/{eventId}.
func (a *API) reportEvent(ctx context.Context, r *httpx.Request[reportRequest]) (httpx.None, error) {
	return httpx.None{}, a.rooms.ReportEvent(ctx, r.Principal, id.RoomID(r.Path("roomId")), id.EventID(r.Path("eventId")), r.Body.Reason, r.Body.Score)
}

// reportUser is POST /users/{userId}/report.
func (a *API) reportUser(ctx context.Context, r *httpx.Request[reportRequest]) (httpx.None, error) {
	return httpx.None{}, a.rooms.ReportUser(ctx, r.Principal, id.UserID(r.Path("userId")), r.Body.Reason)
}
