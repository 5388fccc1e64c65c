package admin

import (
	"context"
	"io"
	"net/http"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
)

// export is GET of an archive of what an account holds.
func (a *API) export(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	archive, err := a.exporter.Open(r.HTTP.Context(), id.UserID(r.Path("user")))
	if err != nil {
		return err
	}
	defer archive.Close()
	w.Header().Set("Content-Type", "application/zip")
	return archive.Stream(r.HTTP.Context(), w)
}

// Export writes an archive of what an account holds to w. When it fails, what
// was written is useless.
func (c *Client) Export(ctx context.Context, user id.UserID, w io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://plenum"+userPath(user)+"/export", http.NoBody)
	if err != nil {
		return err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return failure(answer)
	}
	_, err = io.Copy(w, answer.Body)
	return err
}
