// Package media is the client-server API of media: upload, download,
// thumbnails and limits. What the answers contain is decided by
// homeserver/media; here is how they travel.
package media

import (
	"context"
	"net/http"

	"plenum/homeserver/media"
	"plenum/internal/httpx"
)

// Options say what the API offers.
type Options struct {
	// AllowLegacy serves all media to anybody who knows its address, through
	// the endpoints from before authenticated media. Without it they answer
	// M_NOT_FOUND: this server froze them before its first upload.
	AllowLegacy bool
}

// API serves media to clients.
type API struct {
	media *media.Media
	opts  Options
}

// New returns the API over m.
func New(m *media.Media, opts Options) *API { return &API{media: m, opts: opts} }

// Routes lists the endpoints. Bodies of uploads are limited by homeserver/media.
func (a *API) Routes() []httpx.Route {
	const spec = "client-server-api#"
	return []httpx.Route{
		httpx.Post("/_matrix/media/v3/upload", httpx.User, spec+"post_matrixmediav3upload", httpx.RateMedia, a.upload),
		httpx.Post("/_matrix/media/v1/create", httpx.User, spec+"post_matrixmediav1create", httpx.RateMedia, a.create),
		httpx.Put("/_matrix/media/v3/upload/{serverName}/{mediaId}", httpx.User, spec+"put_matrixmediav3uploadservernamemediaid", httpx.RateMedia, a.fill),

		httpx.Get("/_matrix/client/v1/media/config", httpx.User, spec+"get_matrixclientv1mediaconfig", httpx.RateDefault, a.config),
		httpx.Raw(http.MethodGet, "/_matrix/client/v1/media/download/{serverName}/{mediaId}", httpx.User, spec+"get_matrixclientv1mediadownloadservernamemediaid", httpx.RateMedia, a.download).
			Also("/_matrix/client/unstable/org.matrix.msc3916/media/download/{serverName}/{mediaId}"),
		httpx.Raw(http.MethodGet, "/_matrix/client/v1/media/download/{serverName}/{mediaId}/{fileName}", httpx.User, spec+"get_matrixclientv1mediadownloadservernamemediaidfilename", httpx.RateMedia, a.download),
		httpx.Raw(http.MethodGet, "/_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}", httpx.User, spec+"get_matrixclientv1mediathumbnailservernamemediaid", httpx.RateMedia, a.thumbnail),

		httpx.Get("/_matrix/media/v3/config", httpx.User, spec+"get_matrixmediav3config", httpx.RateDefault, a.config),
		httpx.Raw(http.MethodGet, "/_matrix/media/v3/download/{serverName}/{mediaId}", httpx.Anyone, spec+"get_matrixmediav3downloadservernamemediaid", httpx.RateMedia, a.legacy(a.download)),
		httpx.Raw(http.MethodGet, "/_matrix/media/v3/download/{serverName}/{mediaId}/{fileName}", httpx.Anyone, spec+"get_matrixmediav3downloadservernamemediaidfilename", httpx.RateMedia, a.legacy(a.download)),
		httpx.Raw(http.MethodGet, "/_matrix/media/v3/thumbnail/{serverName}/{mediaId}", httpx.Anyone, spec+"get_matrixmediav3thumbnailservernamemediaid", httpx.RateMedia, a.legacy(a.thumbnail)),
	}
}

type configResponse struct {
	UploadSize int64 `json:"m.upload.size"`
}

// config is GET /_matrix/client/v1/media/config.
func (a *API) config(context.Context, *httpx.Request[httpx.None]) (configResponse, error) {
	return configResponse{UploadSize: a.media.MaxUpload()}, nil
}
