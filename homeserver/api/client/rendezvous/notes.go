package rendezvous

import (
	"context"
	"errors"
	"net/http"

	"plenum/homeserver/rendezvous"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

const (
	notes   = "/_matrix/client/unstable/io.element.msc4388/rendezvous"
	msc4388 = "MSC4388"
	maxBody = 8 * rendezvous.MaxData // a note in JSON, every byte of it escaped
)

func (a *API) noteRoutes() []httpx.Route {
	const one = notes + "/{rendezvousId}"
	return []httpx.Route{
		httpx.Get(notes, httpx.Optional, msc4388, httpx.RateDefault, a.discover),
		httpx.Post(notes, httpx.User, msc4388, httpx.RateLogin, a.open).Limit(maxBody),
		httpx.Get(one, httpx.Anyone, msc4388, httpx.RateDefault, a.look),
		httpx.Put(one, httpx.Anyone, msc4388, httpx.RateDefault, a.leave).Limit(maxBody),
		httpx.Delete(one, httpx.Anyone, msc4388, httpx.RateDefault, a.close),
	}
}

type discoverResponse struct {
	Create bool `json:"create_available"`
}

// discover is GET /rendezvous. Places are made for people with an account
// here, so that strangers cannot pass each other notes through this server.
func (a *API) discover(_ context.Context, r *httpx.Request[httpx.None]) (discoverResponse, error) {
	return discoverResponse{r.Principal.User != ""}, nil
}

type noteRequest struct {
	Token *string `json:"sequence_token"`
	Data  *string `json:"data"`
}

type noteResponse struct {
	ID      string  `json:"id,omitempty"`
	Data    *string `json:"data,omitempty"`
	Token   string  `json:"sequence_token"`
	Expires int64   `json:"expires_in_ms,omitempty"`
}

// open is POST /rendezvous.
func (a *API) open(_ context.Context, r *httpx.Request[noteRequest]) (noteResponse, error) {
	if r.Body.Data == nil {
		return noteResponse{}, matrix.Errorf(matrix.MissingParam, "data is missing.")
	}
	p, err := a.notes.Open(*r.Body.Data)
	if err != nil {
		return noteResponse{}, err
	}
	return noteResponse{ID: p.ID, Token: p.Token, Expires: a.notes.Left(p).Milliseconds()}, nil
}

// look is GET /rendezvous/{rendezvousId}.
func (a *API) look(_ context.Context, r *httpx.Request[httpx.None]) (noteResponse, error) {
	if err := refuseNavigation(r.HTTP); err != nil {
		return noteResponse{}, err
	}
	p, err := a.notes.Look(r.Path("rendezvousId"))
	if err != nil {
		return noteResponse{}, err
	}
	return noteResponse{Data: &p.Data, Token: p.Token, Expires: a.notes.Left(p).Milliseconds()}, nil
}

// leave is PUT /rendezvous/{rendezvousId}. A note that is there already is as
// good as left: its sender did not get the answer.
func (a *API) leave(_ context.Context, r *httpx.Request[noteRequest]) (noteResponse, error) {
	if r.Body.Data == nil || r.Body.Token == nil {
		return noteResponse{}, matrix.Errorf(matrix.MissingParam, "data and sequence_token are needed.")
	}
	p, err := a.notes.Leave(r.Path("rendezvousId"), *r.Body.Token, *r.Body.Data)
	switch {
	case errors.Is(err, rendezvous.ErrChanged) && p.Data != *r.Body.Data:
		return noteResponse{}, &matrix.Error{
			Code: "IO_ELEMENT_MSC4388_CONCURRENT_WRITE", Status: http.StatusConflict,
			Text: "Another note was left meanwhile.",
		}
	case err != nil && !errors.Is(err, rendezvous.ErrChanged):
		return noteResponse{}, err
	}
	return noteResponse{Token: p.Token}, nil
}

// close is DELETE /rendezvous/{rendezvousId}.
func (a *API) close(_ context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	return httpx.None{}, a.notes.Close(r.Path("rendezvousId"))
}
