// Package export lets people fetch what the server has of their account. The
// endpoint is ours: the specification has none.
package export

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"plenum/homeserver/account"
	"plenum/homeserver/export"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// API serves archives.
type API struct {
	accounts *account.Accounts
	exporter *export.Exporter
}

// New returns the API.
func New(accounts *account.Accounts, exporter *export.Exporter) *API {
	return &API{accounts, exporter}
}

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	return []httpx.Route{
		httpx.Raw(http.MethodPost, "/_plenum/client/v1/export", httpx.User, "", httpx.RateLogin, a.export).Limit(httpx.DefaultBodyLimit),
	}
}

// export is POST /export: the password first, as it is asked for before an
// account is closed; then the archive.
func (a *API) export(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	var body struct {
		Auth json.RawMessage `json:"auth"`
	}
	if err := json.NewDecoder(r.HTTP.Body).Decode(&body); err != nil && !errors.Is(err, io.EOF) {
		return matrix.Errorf(matrix.NotJSON, "The body is not JSON.")
	}
	ctx := r.HTTP.Context()
	grant, err := a.accounts.Reauthenticate(ctx, r.Principal, "export account", "", body.Auth)
	if err != nil {
		return err
	}
	archive, err := a.exporter.Open(ctx, r.Principal.User)
	if err != nil {
		return err
	}
	defer archive.Close()
	grant.Spend()
	return Send(ctx, w, archive)
}

// Send answers with an archive, which browsers store.
func Send(ctx context.Context, w http.ResponseWriter, archive *export.Archive) error {
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": archive.Name()}))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	return archive.Stream(ctx, w)
}
