package web

import (
	"context"
	"errors"
	"net/http"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// FirstAdminPath is where the page for making the first account is. The
// one-time token follows it.
const FirstAdminPath = "/_plenum/first-admin/"

// FirstAdmin makes the first account of a server.
type FirstAdmin interface {
	// Invited reports whether token may still be used to make it.
	Invited(ctx context.Context, token string) (bool, error)
	// Create makes it, with the rights of an administrator, and ends token.
	// An error that is a *matrix.Error is shown to whoever asked.
	Create(ctx context.Context, token, name, password string) (id.UserID, error)
}

// API serves the pages.
type API struct {
	first      FirstAdmin
	serverName string
	publicURL  string
}

// New returns the pages of a server whose clients use publicURL.
func New(first FirstAdmin, serverName, publicURL string) *API {
	return &API{first: first, serverName: serverName, publicURL: publicURL}
}

// maxForm is how many bytes a form may send.
const maxForm = 8 << 10

// Routes lists the pages.
func (a *API) Routes() []httpx.Route {
	const path, spec = FirstAdminPath + "{token}", "" // no page is in the specification
	return []httpx.Route{
		httpx.Raw(http.MethodGet, "/", httpx.Anyone, spec, httpx.RateDefault, a.welcome),
		httpx.Raw(http.MethodGet, path, httpx.Anyone, spec, httpx.RateLogin, a.show),
		httpx.Raw(http.MethodPost, path, httpx.Anyone, spec, httpx.RateLogin, a.submit).Limit(maxForm),
	}
}

// form is what the page of the first account shows.
type form struct {
	words
	Server  string
	Typed   string // name that was typed before
	Problem string
}

// done is what it shows when the account is made.
type done struct {
	words
	User    id.UserID
	Address string
}

// show is GET of the form.
func (a *API) show(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	said := wordsFor(r.HTTP)
	ok, err := a.first.Invited(r.HTTP.Context(), r.Path("token"))
	if err != nil {
		return err
	}
	if !ok {
		return write(w, said, http.StatusNotFound, "gone", said)
	}
	return write(w, said, http.StatusOK, "form", form{words: said, Server: a.serverName})
}

// submit is POST of the form.
func (a *API) submit(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	said := wordsFor(r.HTTP)
	if err := r.HTTP.ParseForm(); err != nil {
		return &matrix.Error{Code: matrix.InvalidParam, Text: "The form cannot be read.", Err: err}
	}
	fields := r.HTTP.PostForm
	name, password := fields.Get("name"), fields.Get("password")
	again := func(problem string) error {
		return write(w, said, http.StatusBadRequest, "form", form{words: said, Server: a.serverName, Typed: name, Problem: problem})
	}
	if password != fields.Get("again") {
		return again(said.Differ)
	}
	user, err := a.first.Create(r.HTTP.Context(), r.Path("token"), name, password)
	var told *matrix.Error
	switch {
	case matrix.IsCode(err, matrix.NotFound):
		return write(w, said, http.StatusNotFound, "gone", said)
	case errors.As(err, &told) && told.HTTPStatus() < http.StatusInternalServerError:
		return again(said.problem(told))
	case err != nil:
		return err
	}
	return write(w, said, http.StatusOK, "done", done{words: said, User: user, Address: a.publicURL})
}
