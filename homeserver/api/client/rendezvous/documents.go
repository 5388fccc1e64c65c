package rendezvous

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"plenum/homeserver/rendezvous"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

const (
	documents = "/_matrix/client/unstable/org.matrix.msc4108/rendezvous"
	msc4108   = "MSC4108"
)

// documentRoutes are the form of 2024. It knows no accounts: who signs in has
// none yet.
func (a *API) documentRoutes() []httpx.Route {
	const one = documents + "/{rendezvousId}"
	route := func(method, path string, rate httpx.Rate, fn func(http.ResponseWriter, *httpx.Request[httpx.None]) error) httpx.Route {
		return httpx.Raw(method, path, httpx.Anyone, msc4108, rate, fn).Limit(rendezvous.MaxData)
	}
	return []httpx.Route{
		route(http.MethodPost, documents, httpx.RateLogin, a.create),
		route(http.MethodGet, one, httpx.RateDefault, a.read),
		route(http.MethodPut, one, httpx.RateDefault, a.write),
		route(http.MethodDelete, one, httpx.RateDefault, a.cancel),
	}
}

// create is POST /rendezvous. The answer says where the document is.
func (a *API) create(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	data, err := readText(r.HTTP)
	if err != nil {
		return err
	}
	p, err := a.documents.Open(data)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"url": strings.TrimSuffix(a.publicURL, "/") + documents + "/" + p.ID})
	if err != nil {
		return err
	}
	describe(w.Header(), p)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, err = w.Write(body)
	return err
}

// read is GET of a document.
func (a *API) read(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	if err := refuseNavigation(r.HTTP); err != nil {
		return err
	}
	p, err := a.documents.Look(r.Path("rendezvousId"))
	if err != nil {
		return err
	}
	describe(w.Header(), p)
	if r.HTTP.Header.Get("If-None-Match") == tag(p) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	_, err = io.WriteString(w, p.Data)
	return err
}

// write is PUT of a document.
func (a *API) write(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	data, err := readText(r.HTTP)
	if err != nil {
		return err
	}
	token, err := readTag(r.HTTP.Header.Get("If-Match"))
	if err != nil {
		return err
	}
	p, err := a.documents.Leave(r.Path("rendezvousId"), token, data)
	if errors.Is(err, rendezvous.ErrChanged) {
		describe(w.Header(), p)
		return &matrix.Error{
			Code: matrix.Unknown, Status: http.StatusPreconditionFailed, Text: "Somebody else wrote meanwhile.",
			Extra: map[string]any{"org.matrix.msc4108.errcode": "M_CONCURRENT_WRITE"},
		}
	}
	if err != nil {
		return err
	}
	describe(w.Header(), p)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// cancel is DELETE of a document.
func (a *API) cancel(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	if err := a.documents.Close(r.Path("rendezvousId")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// describe sets the headers that every answer about a document has. Browsers
// show it as text at most, and to nobody again.
func describe(h http.Header, p rendezvous.Place) {
	h.Set("ETag", tag(p))
	h.Set("Expires", p.Expires.UTC().Format(http.TimeFormat))
	h.Set("Last-Modified", p.Changed.UTC().Format(http.TimeFormat))
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Content-Type", "text/plain")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
}

func tag(p rendezvous.Place) string { return `"` + p.Token + `"` }

// readTag returns the token in a strong ETag.
func readTag(header string) (string, error) {
	if header == "" {
		return "", matrix.Errorf(matrix.MissingParam, "The header If-Match is missing.")
	}
	inside, ok := strings.CutPrefix(header, `"`)
	inside, ok2 := strings.CutSuffix(inside, `"`)
	if !ok || !ok2 || strings.ContainsAny(inside, `",`) {
		return "", matrix.Errorf(matrix.InvalidParam, "The header If-Match must hold one strong ETag.")
	}
	return inside, nil
}

// readText reads a body of text, whose length was said before.
func readText(r *http.Request) (string, error) {
	if r.ContentLength < 0 || r.Header.Get("Content-Type") == "" {
		return "", matrix.Errorf(matrix.MissingParam, "The headers Content-Length and Content-Type are needed.")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "text/plain" {
		return "", matrix.Errorf(matrix.InvalidParam, "The Content-Type must be text/plain.")
	}
	body, err := io.ReadAll(r.Body)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return "", matrix.Errorf(matrix.TooLarge, "A document may have at most %d bytes.", rendezvous.MaxData)
	case err != nil:
		return "", &matrix.Error{Code: matrix.NotJSON, Text: "The body did not arrive whole.", Err: err}
	case !utf8.Valid(body):
		return "", matrix.Errorf(matrix.InvalidParam, "The document must be text in UTF-8.")
	}
	return string(body), nil
}
