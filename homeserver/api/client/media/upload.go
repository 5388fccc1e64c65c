package media

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/media"
	"plenum/internal/httpx"
)

type uploadResponse struct {
	URI id.ContentURIString `json:"content_uri"`
}

type createResponse struct {
	URI             id.ContentURIString `json:"content_uri"`
	UnusedExpiresMS int64               `json:"unused_expires_at"`
}

// upload is POST /_matrix/media/v3/upload.
func (a *API) upload(ctx context.Context, r *httpx.Request[httpx.None]) (uploadResponse, error) {
	uri, err := a.media.Upload(ctx, r.Principal, content(r))
	return uploadResponse{URI: uri.CUString()}, err
}

// create is POST /_matrix/media/v1/create.
func (a *API) create(ctx context.Context, r *httpx.Request[httpx.None]) (createResponse, error) {
	uri, expires, err := a.media.Create(ctx, r.Principal)
	return createResponse{URI: uri.CUString(), UnusedExpiresMS: expires.UnixMilli()}, err
}

// fill is PUT /_matrix/media/v3/upload/{serverName}/{mediaId}.
func (a *API) fill(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	return httpx.None{}, a.media.Fill(ctx, r.Principal, address(r), content(r))
}

// content is the body of a request and what its sender says about it.
func content(r *httpx.Request[httpx.None]) media.Upload {
	return media.Upload{
		Body:        r.HTTP.Body,
		Length:      r.HTTP.ContentLength,
		ContentType: r.HTTP.Header.Get("Content-Type"),
		Filename:    r.Query("filename"),
	}
}

// address is the media that the path names.
func address(r *httpx.Request[httpx.None]) id.ContentURI {
	return id.ContentURI{Homeserver: r.Path("serverName"), FileID: r.Path("mediaId")}
}
