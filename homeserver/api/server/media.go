package server

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/media"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// defaultWait is how long a download waits for an upload.
const defaultWait = 20_000 // ms

// download is GET /media/download/{mediaId}.
func (a *API) download(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	req, err := a.mediaRequest(r)
	if err != nil {
		return err
	}
	f, err := a.media.Download(r.HTTP.Context(), req)
	if err != nil {
		return err
	}
	defer f.Close()
	return writeParts(w, f)
}

// thumbnail is GET /media/thumbnail/{mediaId}.
func (a *API) thumbnail(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	base, err := a.mediaRequest(r)
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
	switch r.Query("method") {
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
	return writeParts(w, f)
}

// mediaRequest is what the path and the query ask for: media of this server.
func (a *API) mediaRequest(r *httpx.Request[httpx.None]) (media.Request, error) {
	wait, err := r.QueryInt("timeout_ms", defaultWait)
	if err != nil {
		return media.Request{}, err
	}
	const most = int(time.Hour / time.Millisecond) // so that it fits; homeserver/media waits less
	return media.Request{
		URI:       id.ContentURI{Homeserver: a.rooms.ServerName(), FileID: r.Path("mediaId")},
		Wait:      time.Duration(max(0, min(wait, most))) * time.Millisecond,
		LocalOnly: true,
	}, nil
}

// writeParts answers with a file after what is said about it, which is nothing
// yet.
//
// Spec: server-server-api#get_matrixfederationv1mediadownloadmediaid
func writeParts(w http.ResponseWriter, f *media.File) error {
	parts := multipart.NewWriter(w)
	w.Header().Set("Content-Type", "multipart/mixed; boundary="+parts.Boundary())
	w.Header().Set("Cache-Control", "no-store")
	head, err := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/json"}})
	if err == nil {
		_, err = io.WriteString(head, "{}")
	}
	if err != nil {
		return err
	}
	header := textproto.MIMEHeader{"Content-Type": {f.ContentType}}
	if f.Filename != "" {
		if d := mime.FormatMediaType("attachment", map[string]string{"filename": f.Filename}); d != "" {
			header.Set("Content-Disposition", d)
		}
	}
	body, err := parts.CreatePart(header)
	if err == nil {
		_, err = io.Copy(body, f)
	}
	return errors.Join(err, parts.Close())
}
