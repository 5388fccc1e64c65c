package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"plenum/homeserver/oauth"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// protocolError is an error in the words of OAuth 2.0.
type protocolError struct {
	Error string `json:"error"`
	Text  string `json:"error_description,omitempty"`
}

// register is POST of a program that registers itself.
func (a *API) register(ctx context.Context, r *httpx.Request[oauth.Client]) (*httpx.Answer, error) {
	c, err := a.server.Register(ctx, r.Body)
	var refused *oauth.RegistrationError
	if errors.As(err, &refused) {
		return &httpx.Answer{Status: http.StatusBadRequest, Body: protocolError{refused.Code, refused.Text}}, nil
	}
	return &httpx.Answer{Status: http.StatusCreated, Body: c}, err
}

// token is POST of a program that wants tokens.
func (a *API) token(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	params, err := form(r.HTTP)
	if err != nil {
		return fail(w, err)
	}
	answer, err := a.server.Token(r.HTTP.Context(), params)
	if err != nil {
		return fail(w, err)
	}
	return send(w, http.StatusOK, answer)
}

// device is POST of a program without a browser.
func (a *API) device(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	params, err := form(r.HTTP)
	if err != nil {
		return fail(w, err)
	}
	waiting, err := a.server.Wait(r.HTTP.Context(), params)
	if err != nil {
		return fail(w, err)
	}
	return send(w, http.StatusOK, oidc.DeviceAuthorizationResponse{
		DeviceCode: waiting.DeviceCode, UserCode: waiting.UserCode,
		VerificationURI:         a.linkURL(),
		VerificationURIComplete: a.linkURL() + "?user_code=" + url.QueryEscape(waiting.UserCode),
		ExpiresIn:               int(waiting.Life.Seconds()), Interval: int(waiting.Interval.Seconds()),
	})
}

// revoke is POST of a program that signs out, or of whoever has found a token.
func (a *API) revoke(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	params, err := form(r.HTTP)
	if err != nil {
		return fail(w, err)
	}
	if params.Get("token") == "" {
		return fail(w, oidc.ErrInvalidRequest().WithDescription("the token is missing"))
	}
	if err := a.accounts.Revoke(r.HTTP.Context(), params.Get("token")); err != nil {
		return fail(w, err)
	}
	return send(w, http.StatusOK, struct{}{})
}

// form returns the parameters in the body of a request. What is in its
// address does not count: addresses are written into logs.
func form(r *http.Request) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, err
		}
		return nil, oidc.ErrInvalidRequest().WithDescription("the form cannot be read")
	}
	params := r.PostForm
	if name, _, ok := r.BasicAuth(); ok && !params.Has("client_id") { // libraries try it
		if name, err := url.QueryUnescape(name); err == nil {
			params.Set("client_id", name)
		}
	}
	return params, nil
}

// fail answers an error in the words of the protocol if it is one of it.
func fail(w http.ResponseWriter, err error) error {
	var e *oidc.Error
	if !errors.As(err, &e) {
		return err
	}
	status := http.StatusBadRequest
	switch e.ErrorType {
	case oidc.InvalidClient:
		status = http.StatusUnauthorized
	case oidc.ServerError:
		return matrix.Errorf(matrix.Unknown, "The request cannot be done.")
	}
	return send(w, status, protocolError{string(e.ErrorType), e.Description})
}

func send(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}
