package room

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

func (a *API) reportRoutes() []httpx.Route {
	return []httpx.Route{
		httpx.Post(v3+"/rooms/{roomId}/report", httpx.User, spec+"post_matrixclientv3roomsroomidreport", httpx.RateDefault, a.reportRoom).
			Also("/_matrix/client/unstable/org.matrix.msc4151/rooms/{roomId}/report"),
		httpx.Post(v3+"/rooms/{roomId}/report/{eventId}", httpx.User, spec+"post_matrixclientv3roomsroomidreporteventid", httpx.RateDefault, a.reportEvent),
		httpx.Post(v3+"/users/{userId}/report", httpx.User, spec+"post_matrixclientv3usersuseridreport", httpx.RateDefault, a.reportUser).
			Also("/_matrix/client/unstable/org.matrix.msc4260/users/{userId}/report"),
		httpx.Post("/_matrix/client/unstable/org.matrix.msc4457/safety/report/{txnId}", httpx.User, "MSC4457", httpx.RateInvite, a.complain),
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

type complaintRequest struct {
	Type        string `json:"type"`
	Regarding   string `json:"regarding"`
	Harm        string `json:"harm"`
	Description string `json:"description"`
}

type complaintResponse struct {
	Report string `json:"report_id"`
}

// complain is POST /safety/report/{txnId}.
func (a *API) complain(ctx context.Context, r *httpx.Request[complaintRequest]) (complaintResponse, error) {
	switch r.Body.Type {
	case "complaint":
	case "":
		return complaintResponse{}, matrix.Errorf(matrix.BadJSON, "type is missing.")
	default:
		return complaintResponse{}, matrix.Errorf(matrix.InvalidParam, "This server takes complaints only.")
	}
	name, err := a.rooms.Complain(ctx, r.Principal, rooms.Complaint{
		Txn: r.Path("txnId"), Regarding: r.Body.Regarding, Harm: r.Body.Harm, Description: r.Body.Description,
	})
	return complaintResponse{name}, err
}
