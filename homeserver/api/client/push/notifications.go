package push

import (
	"context"

	"plenum/homeserver/push"
	"plenum/internal/httpx"
)

type notificationsResponse struct {
	Notifications []push.Notification `json:"notifications"`
	Next          string              `json:"next_token,omitempty"`
}

// notifications is GET /notifications.
func (a *API) notifications(ctx context.Context, r *httpx.Request[httpx.None]) (notificationsResponse, error) {
	limit, err := r.QueryInt("limit", 0)
	if err != nil {
		return notificationsResponse{}, err
	}
	page := push.NotificationPage{From: r.Query("from"), Limit: limit, Highlights: r.Query("only") == "highlight"}
	list, next, err := a.push.Notifications(ctx, r.Principal, page)
	return notificationsResponse{list, next}, err
}
