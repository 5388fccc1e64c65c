package httpx_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// signatures takes the Authorization header for the name of a server.
type signatures struct{ body string }

func (s *signatures) AuthenticateServer(_ context.Context, r *http.Request, body []byte) (string, error) {
	name := r.Header.Get("Authorization")
	if name == "" {
		return "", matrix.Errorf(matrix.Unauthorized, "Not signed.")
	}
	s.body = string(body)
	return name, nil
}

// doors are routes for each kind of caller, which say who came.
func doors(signed *signatures) http.Handler {
	who := func(_ context.Context, r *httpx.Request[httpx.None]) (string, error) {
		return string(r.Principal.User), nil
	}
	var routes []httpx.Route
	for path, access := range map[string]httpx.Access{
		"/anyone": httpx.Anyone, "/optional": httpx.Optional, "/user": httpx.User, "/logout": httpx.UserEvenLocked,
		"/join": httpx.UserNotSuspended, "/bridge": httpx.Appservice, "/admin": httpx.Admin,
	} {
		routes = append(routes, httpx.Get(path, access, "", httpx.NoLimit, who))
	}
	routes = append(routes,
		httpx.Put("/server", httpx.Server, "", httpx.NoLimit, func(_ context.Context, r *httpx.Request[map[string]string]) (map[string]string, error) {
			r.Body["origin"] = r.Origin
			return r.Body, nil
		}),
		httpx.Post("/server", httpx.Server, "", httpx.NoLimit, func(_ context.Context, r *httpx.Request[httpx.None]) (string, error) {
			body, err := io.ReadAll(r.HTTP.Body)
			return r.Origin + " " + string(body), err
		}))
	return httpx.NewMux(routes, httpx.Options{Auth: tokens{}, ServerAuth: signed})
}

func TestAccess(t *testing.T) {
	t.Parallel()
	mux := doors(&signatures{})
	const in = matrix.Code("in")
	paths := []string{"/anyone", "/optional", "/user", "/logout", "/join", "/bridge", "/admin"}
	for token, want := range map[string][]matrix.Code{
		"":          {in, in, matrix.MissingToken, matrix.MissingToken, matrix.MissingToken, matrix.MissingToken, matrix.MissingToken},
		"ada":       {in, in, in, in, in, matrix.Forbidden, matrix.Forbidden},
		"admin":     {in, in, in, in, in, matrix.Forbidden, in},
		"bridge":    {in, in, in, in, in, in, matrix.Forbidden},
		"suspended": {in, in, in, in, matrix.UserSuspended, matrix.Forbidden, matrix.Forbidden},
		"locked":    {in, matrix.UserLocked, matrix.UserLocked, in, matrix.UserLocked, matrix.UserLocked, matrix.UserLocked},
		"nobody":    {in, matrix.UnknownToken, matrix.UnknownToken, matrix.UnknownToken, matrix.UnknownToken, matrix.UnknownToken, matrix.UnknownToken},
	} {
		for i, path := range paths {
			var header []string
			if token != "" {
				header = []string{"Authorization", "Bearer " + token}
			}
			a := ask(t, mux, "GET", path, "", header...)
			if want[i] != in {
				a.refused((&matrix.Error{Code: want[i]}).HTTPStatus(), want[i])
				continue
			}
			user := "@" + token + ":one.example"
			if token == "" || path == "/anyone" {
				user = ""
			}
			a.want(http.StatusOK, `"`+user+`"`)
		}
	}
}

func TestWhereTokensAre(t *testing.T) {
	t.Parallel()
	mux := doors(&signatures{})
	ask(t, mux, "GET", "/user?access_token=ada", "").want(http.StatusOK, `"@ada:one.example"`)
	ask(t, mux, "GET", "/user?access_token=ada", "", "Authorization", "Bearer bob").want(http.StatusOK, `"@bob:one.example"`)
	ask(t, mux, "GET", "/user", "", "Authorization", "bearer  ada ").want(http.StatusOK, `"@ada:one.example"`)
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic YTpi", "ada", "Bearerada"} {
		ask(t, mux, "GET", "/user", "", "Authorization", header).refused(http.StatusUnauthorized, matrix.MissingToken)
	}
	ask(t, mux, "GET", "/user", "", "Authorization", "Bearer ada", "Authorization", "Bearer bob").refused(http.StatusUnauthorized, matrix.MissingToken)
	ask(t, mux, "GET", "/user?access_token=", "").refused(http.StatusUnauthorized, matrix.MissingToken)
	ask(t, mux, "GET", "/user?xaccess_token=ada", "").refused(http.StatusUnauthorized, matrix.MissingToken)

	soft := ask(t, mux, "GET", "/user", "", "Authorization", "Bearer nobody")
	soft.want(http.StatusUnauthorized, `{"errcode":"M_UNKNOWN_TOKEN","error":"Unknown.","soft_logout":true}`)
	ask(t, mux, "GET", "/user", "", "Authorization", "Bearer broken").refused(http.StatusInternalServerError, matrix.Unknown)
}

func TestServers(t *testing.T) {
	t.Parallel()
	var signed signatures
	mux := doors(&signed)
	ask(t, mux, "PUT", "/server", `{}`).refused(http.StatusUnauthorized, matrix.Unauthorized)
	ask(t, mux, "PUT", "/server", `{"a":"b"}`, "Authorization", "two.example").want(http.StatusOK, `{"a":"b","origin":"two.example"}`)
	if signed.body != `{"a":"b"}` {
		t.Errorf("the signature was checked for %q", signed.body)
	}
	ask(t, mux, "POST", "/server", `raw`, "Authorization", "two.example").want(http.StatusOK, `"two.example raw"`)
	r := httptest.NewRequest("PUT", "/server", strings.NewReader(strings.Repeat("x", httpx.DefaultBodyLimit+1)))
	serve(t, mux, r).refused(http.StatusRequestEntityTooLarge, matrix.TooLarge)
}
