package media

import (
	"mime"
	"net/http"
	"time"

	"plenum/homeserver/media"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// defaultWait is how long a download waits for an upload.
const defaultWait = 20_000 // ms

// download is GET /_matrix/client/v1/media/download/{serverName}/{mediaId}[/{fileName}].
func (a *API) download(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	req, err := request(r)
	if err != nil {
		return err
	}
	f, err := a.media.Download(r.HTTP.Context(), req)
	if err != nil {
		return err
	}
	defer f.Close()
	if name := r.Path("fileName"); name != "" {
		f.Filename = name
	}
	serve(w, r.HTTP, f)
	return nil
}

// thumbnail is GET /_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}.
func (a *API) thumbnail(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	base, err := request(r)
	if err != nil {
		return err
	}
	req := media.ThumbnailRequest{Request: base}
	if req.Width, err = r.QueryInt("width", 0); err != nil {
		return err
	}
	if req.Height, err = r.QueryInt("height", 0); err != nil {
		return err
	}
	if req.Animated, err = r.QueryBool("animated"); err != nil {
		return err
	}
	switch method := r.Query("method"); method {
	case "crop":
		req.Crop = true
	case "scale", "":
	default:
		return matrix.Errorf(matrix.InvalidParam, "The method of a thumbnail is crop or scale.")
	}
	f, err := a.media.Thumbnail(r.HTTP.Context(), req)
	if err != nil {
		return err
	}
	defer f.Close()
	serve(w, r.HTTP, f)
	return nil
}

// legacy is an endpoint without authentication.
//
// Spec: client-server-api#content-repo-client-behaviour
func (a *API) legacy(serve func(http.ResponseWriter, *httpx.Request[httpx.None]) error) func(http.ResponseWriter, *httpx.Request[httpx.None]) error {
	if a.opts.AllowLegacy {
		return serve
	}
	return func(http.ResponseWriter, *httpx.Request[httpx.None]) error {
		return matrix.Errorf(matrix.NotFound, "Media is served to users only; use /_matrix/client/v1/media.")
	}
}

// request is what the path and the query ask for.
func request(r *httpx.Request[httpx.None]) (media.Request, error) {
	wait, err := r.QueryInt("timeout_ms", defaultWait)
	if err != nil {
		return media.Request{}, err
	}
	const most = int(time.Hour / time.Millisecond) // so that it fits; homeserver/media waits less
	return media.Request{
		URI:       address(r),
		Wait:      time.Duration(max(0, min(wait, most))) * time.Millisecond,
		LocalOnly: r.Query("allow_remote") == "false",
	}, nil
}

// serve answers with a file, or with the part of it that is asked for. It
// tells browsers to trust nothing of it.
//
// Spec: client-server-api#content-repository
func serve(w http.ResponseWriter, r *http.Request, f *media.File) {
	h := w.Header()
	h.Set("Content-Type", f.ContentType)
	h.Set("Content-Disposition", disposition(f.ContentType, f.Filename))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	h.Set("ETag", `"`+f.Tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, f)
}

// disposition says whether a browser may show content, and its name.
//
// Spec: client-server-api#serving-inline-content
func disposition(contentType, filename string) string {
	kind := "attachment"
	if t, _, err := mime.ParseMediaType(contentType); err == nil && isInline(t) {
		kind = "inline"
	}
	if filename == "" {
		return kind
	}
	return mime.FormatMediaType(kind, map[string]string{"filename": filename})
}

// isInline reports whether a browser may show a type, because nothing in it runs.
func isInline(contentType string) bool {
	switch contentType {
	case "text/css", "text/plain", "text/csv", "application/json", "application/ld+json",
		"image/jpeg", "image/gif", "image/png", "image/apng", "image/webp", "image/avif",
		"video/mp4", "video/webm", "video/ogg", "video/quicktime",
		"audio/mp4", "audio/webm", "audio/aac", "audio/mpeg", "audio/ogg", "audio/wave",
		"audio/wav", "audio/x-wav", "audio/x-pn-wav", "audio/flac", "audio/x-flac":
		return true
	}
	return false
}
