// Package preview is the client-server API of previews of links.
package preview

import (
	"context"

	"plenum/homeserver/preview"
	"plenum/internal/httpx"
)

// API serves previews.
type API struct{ previews *preview.Previews }

// New returns the API over p.
func New(p *preview.Previews) *API { return &API{p} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	const spec = "client-server-api#"
	return []httpx.Route{
		httpx.Get("/_matrix/client/v1/media/preview_url", httpx.User, spec+"get_matrixclientv1mediapreview_url", httpx.RatePreview, a.preview),
		httpx.Get("/_matrix/media/v3/preview_url", httpx.User, spec+"get_matrixmediav3preview_url", httpx.RatePreview, a.preview),
	}
}

// preview is GET /media/preview_url. The time for which a page is wanted is
// not looked at: nobody keeps pages as they were.
func (a *API) preview(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	raw, err := a.previews.Of(ctx, r.Query("url"))
	return httpx.JSON(raw), err
}
